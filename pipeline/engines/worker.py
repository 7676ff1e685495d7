"""Our own workers: what they load, in the process that they are forked from, and how they spend their lives.

They do not mind Ctrl-C, SIGTERM and SIGHUP (only the driver handles them), keep quiet, run one BLAS thread, and have
the kernel at hand.
"""

import gc
import os
import pickle
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import pipeline.task
from pipeline import blas
from pipeline.engines.interrupts import SIGNALS
from pipeline.engines.wire import execute

MARK = "ERFSWEEP_WORKER"
"""In the environment of our workers alone: elsewhere importing this changes nothing."""


def settle() -> None:
    """Makes this process a worker."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    # What goes wrong with a config is in its outcome; what goes wrong with a worker that is being ended is no news.
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  # for as long as the process lives
    blas.hold_one_thread()
    gc.set_threshold(100_000)
    gc.freeze()  # what is loaded is shared with the process that workers are forked from, as long as nobody touches it


if os.environ.get(MARK):
    settle()


def serve(line: "Connection[bytes, bytes]") -> None:
    """The life of a worker at its end of a line to the driver; it ends with the driver, however that ends.

    In: the task for one config, pickled; then a key and a parcel each time, where an empty parcel takes the key back
    and an empty key ends the worker. Out: the worker's name and what is wrong with it (mostly nothing), then for each
    parcel, in order, its key, what is wrong and the reply.
    """
    inbox: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
    withdrawn: set[str] = set()
    measure, wrong = None, ""
    try:
        measure = pickle.loads(line.recv_bytes())  # noqa: S301  # from the driver, by a line of its own
    except (EOFError, OSError):
        os._exit(0)
    except Exception as error:  # noqa: BLE001  # whatever keeps a module from being imported
        wrong = f"{type(error).__name__}: {error}"
    line.send_bytes(pipeline.task.worker_name().encode())
    line.send_bytes(wrong.encode())
    Thread(target=_listen, args=(line, inbox, withdrawn), daemon=True, name="line").start()
    while True:
        key, parcel = inbox.get()
        if key in withdrawn:
            withdrawn.remove(key)
            continue
        wrong, reply = "", b""
        try:
            reply = execute(parcel, measure)
        except Exception as error:  # noqa: BLE001  # tasks keep what happens to their configs: the driver must know
            wrong = f"{type(error).__name__}: {error}"
        try:
            for part in (key.encode(), wrong.encode(), reply):
                line.send_bytes(part)
        except OSError:
            os._exit(0)  # nobody listens any more


def _listen(line: "Connection[bytes, bytes]", inbox: "SimpleQueue[tuple[str, bytes]]", withdrawn: set[str]) -> None:
    """Takes in what the driver sends, whatever is being measured meanwhile."""
    try:
        while True:
            key = line.recv_bytes().decode()
            if not key:
                os._exit(0)
            parcel = line.recv_bytes()
            if parcel:
                inbox.put((key, parcel))
            else:
                withdrawn.add(key)
    except (EOFError, OSError):
        os._exit(0)  # the driver is gone, or does without us
