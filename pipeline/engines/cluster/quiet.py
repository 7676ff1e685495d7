"""A terminal that stays the user's: what Dask logs when workers come and go is told by the engine, or is no news."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = (
    "asyncio",
    "distributed",
    "distributed.client",
    "distributed.http",
    "distributed.nanny",
    "distributed.scheduler",
    "distributed.worker",
    "tornado",
    "tornado.application",
)


@contextmanager
def quiet() -> Iterator[None]:
    """Dask neither logs nor warns while this is open."""
    import distributed  # sets its own levels when it is imported

    loggers = [logging.getLogger(name) for name in (*LOGGERS, distributed.__name__)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
