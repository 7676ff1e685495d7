"""The line to a server: gone silent, away at the start, and a role that may only read."""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, text

from pipeline.errors import StoreError
from store.asking.query import status
from store.database import line
from store.database.faults import PassingError
from store.database.opening import open_store
from store.queue.claims import claim
from store.queue.owner import this_owner
from tests.store.fakes import queue


class Proxy:
    """Forwards to a server until it is told to be silent: what comes in then is taken, and nothing is answered."""

    def __init__(self, host: str, port: int) -> None:
        self.silent = Event()
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._open):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            there = socket.create_connection(self._server)
            self._open += (here, there)
            for one, other in ((here, there), (there, here)):
                self._start(self._forward, one, other)

    def _start(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        self._threads.append(Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if not self.silent.is_set():
                    other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    where = make_url(postgres_url)
    with closing(Proxy(where.host or "127.0.0.1", where.port or 5432)) as made:
        yield made


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "SILENCE", 0.5)
    monkeypatch.setattr(line, "CONNECT_SECONDS", 2)
    monkeypatch.setitem(line.SETTINGS, "connect_timeout", 2)


def through(proxy: Proxy, url: str) -> str:
    return make_url(url).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)


@pytest.mark.usefixtures("_impatient")
def test_a_line_that_has_gone_silent_is_noticed_and_said(proxy: Proxy, postgres_url: str) -> None:
    said: list[str] = []
    store = open_store(through(proxy, postgres_url), patience=8, say=said.append)
    queue(store)
    proxy.silent.set()
    started = time.monotonic()
    with pytest.raises(StoreError, match="cannot be reached"):
        status(store)
    assert time.monotonic() - started < 8 + 6
    assert len(said) == 1
    assert "cannot be reached" in said[0]
    assert said[0].endswith("see that it runs and try again; it is tried for 8 s")
    store.close()


@pytest.mark.usefixtures("_impatient")
def test_a_line_that_goes_silent_in_a_transaction_is_named(proxy: Proxy, postgres_url: str) -> None:
    store = open_store(through(proxy, postgres_url), patience=0)

    def fall_silent(connection: Connection) -> None:
        proxy.silent.set()
        connection.execute(text("SELECT 1"))

    with pytest.raises(StoreError, match=r"cannot be reached \(its line has gone silent\); see that it runs"):
        store.reading(fall_silent)
    store.close()


@pytest.mark.usefixtures("_impatient")
def test_work_goes_on_where_the_line_speaks_again(proxy: Proxy, postgres_url: str) -> None:
    said: list[str] = []

    def heal(sentence: str) -> None:
        said.append(sentence)
        proxy.silent.clear()

    store = open_store(through(proxy, postgres_url), patience=20, say=heal)
    queue(store)
    proxy.silent.set()
    assert status(store).configs == 5
    assert len(said) == 1
    store.close()


@pytest.mark.usefixtures("_impatient")
def test_a_server_that_is_slow_is_not_silent(proxy: Proxy, postgres_url: str) -> None:
    with closing(open_store(through(proxy, postgres_url), patience=5)) as store:
        started = time.monotonic()
        assert store.reading(lambda connection: connection.execute(text("SELECT pg_sleep(4), 7")).one()[1]) == 7
        assert time.monotonic() - started >= 4


@pytest.mark.usefixtures("_impatient")
def test_a_wait_for_a_lock_is_not_silence(proxy: Proxy, postgres_url: str) -> None:
    with closing(open_store(postgres_url)) as other, closing(open_store(through(proxy, postgres_url))) as store:
        queue(other)

        def hold() -> None:
            with other.write() as connection:
                connection.execute(text("LOCK TABLE config"))
                time.sleep(4)

        holder = Thread(target=hold)
        holder.start()
        time.sleep(0.5)
        assert status(store).configs == 5
        holder.join()


@pytest.mark.usefixtures("_impatient")
def test_opening_is_tried_again(proxy: Proxy, postgres_url: str) -> None:
    proxy.silent.set()
    said: list[str] = []

    def heal(sentence: str) -> None:
        said.append(sentence)
        proxy.silent.clear()

    open_store(through(proxy, postgres_url), patience=20, say=heal).close()
    assert len(said) == 1


def test_giving_up_on_a_server_that_is_away_takes_the_patience() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(StoreError, match="cannot be reached"):
        open_store(f"postgresql://me@127.0.0.1:{port}/erf", patience=1.5)
    assert 0.5 < time.monotonic() - started < 4


def test_nobody_else_tells_of_a_line_that_broke(
    proxy: Proxy, postgres_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as without pytest, where logging has a last resort
    store = open_store(through(proxy, postgres_url), patience=1)
    queue(store)
    proxy.close()

    def break_off(connection: Connection) -> None:
        raw: Any = connection.connection.driver_connection
        socket.socket(fileno=os.dup(raw.pgconn.socket)).shutdown(socket.SHUT_RDWR)
        connection.execute(text("SELECT 1"))

    with pytest.raises(StoreError):
        store.reading(break_off)
    store.close()
    assert capfd.readouterr().err == ""


def test_a_role_that_reads_by_default_reads_and_is_told_where_it_would_write(postgres_url: str) -> None:
    with closing(open_store(postgres_url)) as store:
        queue(store)
    only_reads = f"{postgres_url}%20-cdefault_transaction_read_only%3Don"
    with closing(open_store(only_reads, create=False)) as store:
        assert status(store).configs == 5
        for write in (lambda: claim(store, this_owner()), lambda: queue(store, "more", count=9)):
            assert status(store).configs == 5  # a transaction that reads leaves nothing behind that may write
            with pytest.raises(StoreError, match=r"cannot be written \(cannot execute .* in a read-only transaction\)"):
                write()
    with closing(open_store(postgres_url)) as store:
        assert status(store).states["queued"].configs == 5


def test_who_has_given_up_tries_once_and_is_patient_again_after_a_success(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.database.connection._TOLD_AFTER", 0.3)
    said: list[str] = []
    with closing(open_store(postgres_url, patience=3, say=said.append)) as store:
        queue(store)

        def breaks(connection: Connection) -> None:
            raise PassingError("it is away")

        for least, most in ((1.0, 4.0), (0.0, 0.5)):
            started = time.monotonic()
            with pytest.raises(StoreError, match="it is away"):
                store.reading(breaks)
            assert least <= time.monotonic() - started < most
            assert store.is_given_up
        assert said == ["it is away; it is tried for 3 s"]
        assert status(store).configs == 5
        assert not store.is_given_up
        started = time.monotonic()
        with pytest.raises(StoreError):
            store.reading(breaks)
        assert time.monotonic() - started > 1
