"""An open store: its connections, and the two kinds of transaction that everything else is made of."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from threading import RLock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, QueuePool, StaticPool, create_engine, event, func, literal, select
from sqlalchemy.exc import NoSuchModuleError

from pipeline.errors import GivenUpError, StoreError, quote
from pipeline.extras import install
from store.database.address import Address
from store.database.damage import Damages
from store.database.faults import PassingError, told
from store.database.file import StoreFile
from store.database.patience import Patience
from store.database.types import REAL

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds for which a locked file is waited for, and a server that does not answer, until the command has ended."""

_TOLD_AFTER = 2.0
"""Seconds of trying again that nobody hears of."""
_MOMENT = 1.0
"""Seconds that an answer may take which has no reason to be late."""
_SHAPE_LOCK = 0x657266  # any number that no other program takes as its advisory lock


class Store:
    """A store that is open. `read` and `write` are transactions; `reading` and `writing` try again what may pass.

    One transaction at a time in a thread; threads may share a store.
    """

    def __init__(self, address: Address, *, patience: float = PATIENCE) -> None:
        self.address = address
        self.patience = Patience(patience)
        self.file = None if address.path is None else StoreFile(address, address.path, patience=patience)
        self.engine = make_engine(address, self.file, self.patience)
        self.say: Callable[[str], None] = lambda _: None
        """Hears, once for each time that work is tried again for a while, why."""
        self._away: _Away | None = None
        self.damages = Damages()  # what readers have met
        # By sweep, no position before this one is queued; by None, no id. A hint of `claim`.
        self.first_queued: dict[int | None, int] = {}
        self.suspected: set[str] = set()  # digests of what was claimed here as suspected
        # In memory all threads share the one connection there is.
        self._turn: AbstractContextManager[Any] = RLock() if address.in_memory else nullcontext()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store throughout; raises StoreError."""
        with self._transaction() as connection:
            if self.dialect == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits at its end and rolls back on any error; raises StoreError."""
        with self._transaction() as connection:
            if self.dialect == "postgresql":
                raw: Any = connection.connection.driver_connection
                raw.read_only = None  # whether it may write is for the role to say, whatever was read before
            connection.execution_options(immediate=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        watched = nullcontext() if self.file is None else self.file.watched()
        with (
            self.patience.question(),
            self._turn,
            watched,
            told(self.address),
            self.engine.connect() as connection,
        ):
            yield connection

    @contextmanager
    def reshape(self) -> Iterator[Connection]:
        """A write that alone may give out ids or take configs away, so that lists are never half of two."""
        with self.write() as connection:
            lock_shape(connection)
            yield connection

    def reading(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns in a read transaction, tried again while the server is away."""
        return self._patiently(self.read, work)

    def writing(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns in a write transaction, tried again while the server is away; it must bear a repeat."""
        return self._patiently(self.write, work)

    def reshaping(self, work: Callable[[Connection], T]) -> T:
        """The same in a `reshape` transaction."""
        return self._patiently(self.reshape, work)

    @property
    def is_given_up(self) -> bool:
        """Whether the last work was given up after all the patience; what is tried meanwhile is tried once."""
        return self.patience.is_given_up or (self._away is not None and self._away.is_given_up)

    @property
    def is_silent(self) -> bool:
        """Whether a server has been asked something for a while and has not answered."""
        return self.patience.unanswered > _MOMENT

    def ask(self) -> None:
        """Asks the database for nothing but an answer."""
        self.reading(lambda connection: connection.execute(select(1)))

    def forbid_writing(self) -> None:
        """From here on the database refuses whatever would change it through this store."""
        self.engine.dispose()  # connections that are open may write
        is_sqlite = self.dialect == "sqlite"

        @event.listens_for(self.engine, "connect")
        def read_only(raw: Any, record: object) -> None:
            if is_sqlite:
                raw.execute("PRAGMA query_only = ON")
            else:
                raw.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
                raw.commit()

    def close(self) -> None:
        """Gives the connections back; the store can be used again all the same."""
        self.engine.dispose()

    def _patiently(
        self, transaction: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]
    ) -> T:
        with self.patience.question():
            pause = 0.05
            while True:
                begun = time.monotonic()
                try:
                    with transaction() as connection:
                        result = work(connection)
                except PassingError as fault:
                    self._away = self._away or _Away(begun)
                    if self._is_over(pause):
                        self._away.is_given_up = True
                        self.patience.give_up()
                        raise GivenUpError(*fault.args) from fault
                    if not self._away.is_told and time.monotonic() - self._away.since > _TOLD_AFTER:
                        self._away.is_told = True
                        self.say(f"{fault}; it is tried for {self.patience.seconds:.0f} s")
                else:
                    self._away = None
                    self.patience.hear()
                    return result
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (spreads processes out, guards nothing)
                pause = min(2 * pause, 2.0)

    def _is_over(self, pause: float) -> bool:
        """Whether nothing can be tried again after a pause of about so many seconds."""
        assert self._away is not None  # noqa: S101  (for the type checker: something has just failed)
        tried = time.monotonic() - self._away.since
        if self.is_given_up or tried + pause > self.patience.seconds:
            return True
        return self.dialect != "sqlite" and pause > self.patience.left()


@dataclass
class _Away:
    """A time for which the database cannot be used, by whichever thread: since when, and whether that was said."""

    since: float
    is_told: bool = False
    is_given_up: bool = False


def lock_shape(connection: Connection) -> None:
    """Waits to be the only one who gives out ids or changes tables, until the end of the transaction.

    A write transaction of SQLite is that already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(func.pg_advisory_xact_lock(_SHAPE_LOCK).select())


def now(connection: Connection) -> Any:
    """The time that leases are measured by, in seconds since the epoch: the server's, or this host's for a file."""
    if connection.dialect.name == "postgresql":
        return func.extract("epoch", func.clock_timestamp()).cast(REAL)
    return literal(time.time(), REAL)


def make_engine(address: Address, file: StoreFile | None, patience: Patience) -> Engine:
    """An engine with the settings of the store, on its file if it has one, or to a server that `patience` is for.

    Raises StoreError where the driver is not installed.
    """
    if address.is_sqlite:
        return _sqlite_engine(address, file)
    url = address.url
    try:
        from store.database.line import SETTINGS, connected

        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_pre_ping=True,
            paramstyle="format",  # rows travel as tuples
            connect_args={key: value for key, value in SETTINGS.items() if key not in url.query},
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(
            f"the driver of {quote(address.shown)} is not installed; type {install('postgres')}"
        ) from error

    @event.listens_for(engine, "do_connect")
    def connect(dialect: object, record: object, positional: Any, named: Any) -> Any:
        return connected(patience, *positional, **named)

    return engine


def _sqlite_engine(address: Address, file: StoreFile | None) -> Engine:
    if file is None:
        in_memory = {"isolation_level": None, "check_same_thread": False}
        engine = create_engine(address.url, poolclass=StaticPool, connect_args=in_memory)
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    else:
        # Whether a reader takes the file as it stands is decided for each of its transactions.
        pool = NullPool if file.is_read_only else QueuePool
        engine = create_engine(address.url, poolclass=pool, creator=file.connect)

    @event.listens_for(engine, "connect")
    def settings(raw: Any, record: object) -> None:
        raw.text_factory = _text
        raw.execute("PRAGMA trusted_schema = OFF")  # a store of somebody else's calls no functions but plain ones

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # sqlite3 leaves transactions to us (isolation_level None). A writer takes its lock at once: a reader that
        # turns writer could be refused without waiting.
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _text(data: bytes) -> str:
    """Text of a store; bytes that are no UTF-8 become halves of surrogate pairs, by which readers know the value."""
    return data.decode("utf-8", "surrogateescape")
