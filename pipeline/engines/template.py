"""The process that our own workers are forked from, which has loaded what they need.

Imports nothing of ours and little else: the command starts it before it has loaded itself, on another core.
"""

import os
from pathlib import Path

ENVIRONMENT = {
    # The nanny's default of 64 KiB hands every temporary array back to the system: 78 page faults for each config.
    "MALLOC_TRIM_THRESHOLD_": str(2**28),
    "MALLOC_MMAP_THRESHOLD_": str(2**28),
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "ERFSWEEP_WORKER": "1",
}
"""What workers find in their environment; read by their libraries as they are loaded."""

PRELOAD = "pipeline.engines.worker"


def warm_up() -> None:
    """Starts the process that workers are forked from; worth calling early, it loads the kernel meanwhile.

    A fork takes 0.1 s where a new process that imports everything takes 0.5: that is what a worker that died costs.
    """
    import multiprocessing
    import signal

    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    from multiprocessing import forkserver, resource_tracker

    forkserver.set_forkserver_preload([PRELOAD])
    resource_tracker.ensure_running()  # here, as it lets SIGINT through again once it runs
    before = {name: os.environ.get(name) for name in (*ENVIRONMENT, "PYTHONPATH")}
    os.environ.update(ENVIRONMENT)
    root = Path(__file__).resolve().parents[2]
    if not {"site-packages", "dist-packages"} & set(root.parts):  # not installed: a new interpreter would not find us
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), before["PYTHONPATH"])))
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the preload ignores it
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        restore(before)


def restore(before: dict[str, str | None]) -> None:
    """Gives variables of the environment the values that they had."""
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
