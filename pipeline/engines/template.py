"""The process that our own workers are forked from, which has loaded what they need.

Imports nothing of ours and little else: the command starts it before it has loaded itself, on another core.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ENVIRONMENT = {
    # The C library's default hands large temporary arrays back to the system: 78 page faults for each config.
    "MALLOC_TRIM_THRESHOLD_": str(2**28),
    "MALLOC_MMAP_THRESHOLD_": str(2**28),
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ERFSWEEP_WORKER": "1",
}
"""What workers find in their environment; read by their libraries as they are loaded."""

PRELOAD = "pipeline.engines.worker"


def warm_up() -> None:
    """Starts the process that workers are forked from; worth calling early, it loads the kernel meanwhile.

    A fork takes 10 ms where a new process that imports everything takes 200: that is what a worker that died costs.
    """
    import multiprocessing
    import signal

    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    from multiprocessing import forkserver, resource_tracker

    forkserver.set_forkserver_preload([PRELOAD])
    resource_tracker.ensure_running()  # here, as it lets SIGINT through again once it runs
    with workers_environment():
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the preload ignores it
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)


@contextmanager
def workers_environment() -> Iterator[None]:
    """The environment of this process is that of its workers while this is open."""
    with restored((*ENVIRONMENT, "PYTHONPATH")):
        os.environ.update(ENVIRONMENT)
        root = Path(__file__).resolve().parents[2]
        if not {"site-packages", "dist-packages"} & set(root.parts):  # not installed: workers would not find us
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        yield


@contextmanager
def restored(names: Iterable[str]) -> Iterator[None]:
    """Variables of the environment have the values that they had when this is left."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
