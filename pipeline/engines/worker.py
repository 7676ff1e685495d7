"""What our own workers load before they work: imported by the server that they are forked from, or by each of them.

They do not mind Ctrl-C (only the driver handles it), keep quiet, run one BLAS thread, and have the kernel at hand.
"""

import logging
import signal

if hasattr(signal, "pthread_sigmask"):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
else:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

import distributed.worker

import pipeline.engines.parcel
import pipeline.task
from pipeline import blas
from pipeline.engines.quiet import LOGGERS

blas.hold_one_thread()
for name in LOGGERS:
    logging.getLogger(name).setLevel(logging.CRITICAL + 1)
