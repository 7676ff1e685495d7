"""The line to a server: one that has gone silent is noticed, where the system alone would wait for minutes."""

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.waiting import Ready

from store.database.patience import Patience

T = TypeVar("T")

SILENCE = 10.0
"""Seconds without an answer after which the server is asked, over another line, whether it is still at work."""
CONNECT_SECONDS = 5
"""What a connection to one address may take to be made, and what the question about another one may take."""
SETTINGS: dict[str, Any] = {
    "application_name": "erfsweep",
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Parameters of libpq, unless the URL has others. By the last five the system gives up a dead line, in 20 to 25 s."""

_WORKING = "SELECT state FROM pg_stat_activity WHERE pid = %s"
_MOMENT = 1.0
"""Seconds that an answer may take which has no reason to be late."""
_TICK = 0.1
"""Seconds between two looks at whether another thread has given up."""

for _name in ("psycopg", "sqlalchemy.pool"):  # what they say of a line that broke, StoreError says better
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Line(psycopg.Connection[Any]):
    """A connection that does not wait for a server that does not answer.

    A statement may take as long as it needs while the server says that it is at work on it. Raises OperationalError,
    and closes the connection, where the server is not, or cannot be asked.
    """

    patience: Patience

    def wait(self, gen: Generator[Any, Any, Any], interval: float = _TICK, timeout: float | None = None) -> Any:
        """Runs a generator of psycopg's to its end, which is handed 0 whenever `interval` passes without an answer."""
        return super().wait(self._heard(gen), interval, timeout)

    def cancel_safe(self, *, timeout: float = _MOMENT) -> None:
        """Asks the server to leave a statement, as psycopg does on Ctrl-C, who would ask for 5 s."""
        super().cancel_safe(timeout=min(timeout, _MOMENT))

    def _heard(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        begun = monotonic()
        is_doubted = was_waiting = False
        self.patience.ask()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    begun, is_doubted = monotonic(), False
                    if ready & Ready.R or was_waiting:  # that something can be sent at once says nothing of the server
                        self.patience.hear()
                elif ready is None:  # Ctrl-C came, and psycopg waits for what it has cancelled
                    begun, is_doubted = monotonic(), True
                elif self.patience.left() <= 0 or (is_doubted and monotonic() - begun > _MOMENT):
                    self._give_up()  # not as soon as it is doubted: an answer may have come while the server was asked
                elif not is_doubted and monotonic() - begun > SILENCE:
                    is_doubted = not self._is_at_work()
                    begun = monotonic()
                was_waiting = ready == 0
                wanted = gen.send(ready)
        except StopIteration as ended:
            self.patience.hear()
            return ended.value

    def _is_at_work(self) -> bool:
        """Whether the server has not finished what it was asked over this line; through a pooler it may not know."""
        dsn, password, pid = self.info.dsn, self.info.password, self.info.backend_pid

        def ask() -> Any:
            with _Brief.connect(dsn, password=password, connect_timeout=CONNECT_SECONDS) as other:
                return other.execute(_WORKING, (pid,)).fetchone()

        try:
            found = _within(self.patience, ask, CONNECT_SECONDS)
        except Exception:  # noqa: BLE001  # a time-out has a private type
            return False
        self.patience.hear()
        return found is None or not str(found[0]).startswith("idle")

    def _give_up(self) -> None:
        self.pgconn.finish()
        raise psycopg.OperationalError("its line has gone silent")


class _Brief(psycopg.Connection[Any]):
    """A connection on which nothing may take long."""

    def wait(self, gen: Generator[Any, Any, Any], interval: float = _TICK, timeout: float | None = None) -> Any:
        return super().wait(gen, interval, CONNECT_SECONDS)


def connected(patience: Patience, *positional: Any, **named: Any) -> Line:
    """A line, made as psycopg makes a connection of these arguments.

    Raises OperationalError where no address of the server answers before the patience is at its end.
    """
    patience.ask()
    made = _within(patience, lambda: Line.connect(*positional, **named), None)
    made.patience = patience
    patience.hear()
    return made


def _within(patience: Patience, work: Callable[[], T], seconds: float | None) -> T:
    """What `work` returns, if that takes no longer than so many seconds, and than the patience of this thread.

    Raises OperationalError where it does. It runs in a thread: names are looked up, and the addresses of a server tried
    one after the other, without a limit to the whole of it.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001  # raised where the result is waited for
            answer.set_exception(error)

    until = None if seconds is None else monotonic() + seconds
    Thread(target=run, daemon=True, name="connecting").start()
    try:
        while not answer.done():
            left = patience.left() if until is None else min(patience.left(), until - monotonic())
            if left <= 0:
                raise psycopg.OperationalError("no connection could be made in time")
            wait((answer,), min(left, _TICK))
        return answer.result()
    except BaseException:
        answer.add_done_callback(_let_go)
        raise


def _let_go(late: "Future[Any]") -> None:
    """Closes a connection that nobody waits for any more."""
    if late.exception() is None and isinstance(made := late.result(), Line):
        made.close()
