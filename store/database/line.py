"""The line to a server: one that has gone silent is noticed, where the system alone would wait for minutes."""

import logging
from collections.abc import Generator
from time import monotonic
from typing import Any

import psycopg

SILENCE = 10.0
"""Seconds without an answer after which the server is asked, over another line, whether it is still at work."""
CONNECT_SECONDS = 5
"""What a connection may take to be made, and what the question about another one may take."""
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

for _name in ("psycopg", "sqlalchemy.pool"):  # what they say of a line that broke, StoreError says better
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Line(psycopg.Connection[Any]):
    """A connection that does not wait for a server that does not answer.

    A statement may take as long as it needs while the server says that it is at work on it. Raises OperationalError,
    and closes the connection, where the server is not, or cannot be asked.
    """

    def wait(self, gen: Generator[Any, Any, Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Runs a generator of psycopg's to its end, which is handed 0 whenever `interval` passes without an answer."""
        return super().wait(self._heard(gen), interval, timeout)

    def _heard(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        begun = monotonic()
        is_doubted = False
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    begun, is_doubted = monotonic(), False
                elif is_doubted and monotonic() - begun > 1:  # an answer may have come while the server was asked
                    self._give_up()
                elif not is_doubted and monotonic() - begun > SILENCE:
                    is_doubted = not self._is_at_work()
                    begun = monotonic()
                wanted = gen.send(ready)
        except StopIteration as ended:
            return ended.value

    def _is_at_work(self) -> bool:
        """Whether the server has not finished what it was asked over this line; through a pooler it may not know."""
        try:
            with _Brief.connect(self.info.dsn, password=self.info.password, connect_timeout=CONNECT_SECONDS) as other:
                found = other.execute(_WORKING, (self.info.backend_pid,)).fetchone()
        except Exception:  # noqa: BLE001  # a time-out has a private type
            return False
        return found is None or not str(found[0]).startswith("idle")

    def _give_up(self) -> None:
        self.pgconn.finish()
        raise psycopg.OperationalError("its line has gone silent")


class _Brief(psycopg.Connection[Any]):
    """A connection on which nothing may take long."""

    def wait(self, gen: Generator[Any, Any, Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        return super().wait(gen, interval, CONNECT_SECONDS)
