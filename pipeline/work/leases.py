"""Keeping what a process has claimed: its leases are renewed while it works, and it notices when they were lost."""

import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from pipeline.errors import GivenUpError
from pipeline.queue import LEASE, RENEWAL, Queue

PULSE = 5.0
"""Seconds after which a queue is asked for a sign of life, between two renewals."""


class Leases:
    """Renews the claims to a queue every 15 s, from a thread of its own: a config may take minutes.

    A process that was stopped for longer than a lease lasts (Ctrl-Z, a machine that slept) may have lost its claims to
    others; `still_held` says so once it goes on. `say` hears what keeps a renewal from happening, `lose` that nobody
    answers any more, once, from the thread; to know that in time, the queue is asked for a sign of life in between.
    """

    def __init__(
        self,
        queue: Queue,
        say: Callable[[str], None],
        lose: Callable[[GivenUpError], None] = lambda error: None,
    ) -> None:
        self._queue = queue
        self._say = say
        self._lose = lose
        self._over = Event()
        self._lock = Lock()
        self._renewed = _clock()
        self._doubted = False
        self._thread = Thread(target=self._keep, daemon=True, name="leases")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if kind is not None:
            self._queue.abandon()  # what the thread asks is not waited for
        self._thread.join()

    @property
    def is_doubted(self) -> bool:
        """Whether a lease may have lapsed, as the last renewal found, and `still_held` was not asked since."""
        with self._lock:
            return self._doubted

    def still_held(self) -> set[str] | None:
        """The digests of the configs that this process still holds, if a lease may have lapsed since the last call.

        None where no lease can have lapsed: everything that was claimed is still held.
        """
        with self._lock:
            if not self._doubted and _clock() - self._renewed < LEASE:
                return None
        self._renew()
        with self._lock:
            self._doubted = False
        return self._queue.held()

    def _keep(self) -> None:
        pause = min(PULSE, RENEWAL)
        waited = 0.0
        while not self._over.wait(pause):
            waited += pause
            try:
                if waited >= RENEWAL:
                    waited = 0.0
                    self._renew()
                else:
                    self._queue.ask()
            except GivenUpError as error:
                if not self._over.is_set():
                    self._lose(error)
                return
            except Exception as error:  # noqa: BLE001  # the lease lasts 60 s: three more tries
                self._say(f"the leases could not be renewed ({error}); trying again")

    def _renew(self) -> None:
        begun = _clock()
        self._queue.renew()
        with self._lock:
            self._doubted = self._doubted or begun - self._renewed >= LEASE
            self._renewed = begun


def _clock() -> float:
    """Seconds that pass also while the machine sleeps, where the system counts them so."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
