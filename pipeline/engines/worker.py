"""What our own workers load before they work, in the process that they are forked from, or in each of them.

They do not mind Ctrl-C (only the driver handles it), keep quiet, run one BLAS thread, and have the kernel at hand.
"""

import gc
import logging
import os
import signal
import sys
from pathlib import Path

import distributed.worker

import pipeline.engines.parcel
import pipeline.task
from pipeline import blas
from pipeline.engines.quiet import LOGGERS

MARK = "ERFSWEEP_WORKER"
"""In the environment of our workers alone: elsewhere importing this changes nothing."""

LOADED = distributed.worker, pipeline.engines.parcel, pipeline.task


def settle() -> None:
    """Makes this process a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # What goes wrong with a config is in its outcome; what goes wrong with a worker that is being closed is no news.
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  # for as long as the process lives
    blas.hold_one_thread()
    gc.set_threshold(100_000)
    gc.freeze()  # what is loaded is shared with the process that workers are forked from, as long as nobody touches it


if os.environ.get(MARK):
    settle()
