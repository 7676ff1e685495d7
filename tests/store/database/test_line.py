"""The line to a server: gone silent, away at the start, and a role that may only read."""

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, text

from pipeline.config import Config
from pipeline.errors import StoreError
from store.asking.query import status, sweeps
from store.database import line
from store.database.faults import PassingError
from store.database.opening import open_store
from store.database.patience import Patience
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.sweeps import submit
from tests.clock import ends_within
from tests.postgres import Proxy, proxy_of, through
from tests.store.fakes import ORIGIN, configs, queue, unlabelled


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    with closing(proxy_of(postgres_url)) as made:
        yield made


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "SILENCE", 0.5)
    monkeypatch.setattr(line, "CONNECT_SECONDS", 2)
    monkeypatch.setitem(line.SETTINGS, "connect_timeout", 2)


@pytest.mark.usefixtures("_impatient")
def test_a_line_that_has_gone_silent_is_noticed_and_said(proxy: Proxy, postgres_url: str) -> None:
    said: list[str] = []
    store = open_store(through(proxy, postgres_url), patience=8, say=said.append)
    queue(store)
    proxy.silent.set()
    with ends_within(8 + 40), pytest.raises(StoreError, match="cannot be reached"):
        status(store)
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

    store = open_store(through(proxy, postgres_url), patience=120, say=heal)
    queue(store)
    proxy.silent.set()
    assert status(store).configs == 5
    assert len(said) == 1
    store.close()


@pytest.mark.usefixtures("_impatient")
def test_a_server_that_is_slow_is_not_silent(proxy: Proxy, postgres_url: str) -> None:
    with closing(open_store(through(proxy, postgres_url), patience=120)) as store:
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

    open_store(through(proxy, postgres_url), patience=120, say=heal).close()
    assert len(said) == 1


def test_giving_up_on_a_server_that_is_away_takes_the_patience() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(StoreError, match="cannot be reached"):
        open_store(f"postgresql://me@127.0.0.1:{port}/erf", patience=1.5)
    assert 0.5 < time.monotonic() - started < 20  # the program's own patience is 28 s


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
    tried: list[int] = []
    with closing(open_store(postgres_url, patience=3, say=said.append)) as store:
        queue(store)

        def breaks(connection: Connection) -> None:
            tried.append(1)
            raise PassingError("it is away")

        for trials in ("several", "one"):
            tried.clear()
            with pytest.raises(StoreError, match="it is away"):
                store.reading(breaks)
            assert (len(tried) == 1) is (trials == "one")
            assert store.is_given_up
        assert said == ["it is away; it is tried for 3 s"]
        assert status(store).configs == 5
        assert not store.is_given_up
        tried.clear()
        with pytest.raises(StoreError):
            store.reading(breaks)
        assert len(tried) > 1


def test_patience_counts_from_the_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("store.database.patience.monotonic", lambda: clock[0])
    patience = Patience(30)
    clock[0] = 4
    with patience.question():
        assert patience.left() == 28.5 - 4  # the process has the rest to end in
        clock[0] = 20
        with patience.question():  # a transaction of the same question
            assert patience.left() == 8.5
        patience.hear()
        assert patience.left() == 28.5
    clock[0] = 100
    with patience.question():
        assert patience.left() == 15  # nobody had asked anything for a while
        clock[0] = 110
        patience.give_up()
        assert patience.left() == 0
    assert patience.is_given_up
    clock[0] = 111
    with patience.question():
        clock[0] = 112
        assert patience.left() == 4
        patience.hear()
        assert not patience.is_given_up
        assert patience.left() == 28.5


def test_a_thread_gives_up_what_another_has_given_up(proxy: Proxy, postgres_url: str) -> None:
    store = open_store(through(proxy, postgres_url))
    ended: list[float] = []

    def ask() -> None:
        with pytest.raises(StoreError, match="cannot be reached"):
            store.ask()
        ended.append(time.monotonic())

    proxy.silent.set()
    thread = Thread(target=ask)
    thread.start()
    while not store.patience.unanswered:
        time.sleep(0.01)
    assert not store.is_given_up
    given_up = time.monotonic()
    store.patience.give_up()
    thread.join()
    assert ended[0] - given_up < 20  # where its own patience would last for 28 s
    store.close()


def test_silence_is_known_by_what_is_asked_and_not_by_what_can_be_sent(proxy: Proxy, postgres_url: str) -> None:
    with closing(open_store(through(proxy, postgres_url), patience=3)) as store:
        store.ask()
        assert not store.is_silent
        proxy.silent.set()
        with pytest.raises(StoreError):
            store.ask()
        assert store.is_silent


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1,127.0.0.1,127.0.0.1,127.0.0.1"])
def test_opening_takes_no_longer_than_the_patience_whatever_the_number_of_addresses(
    proxy: Proxy, postgres_url: str, address: str
) -> None:
    proxy.silent.set()
    ports = ",".join([str(proxy.port)] * (address.count(",") + 1))
    name = make_url(postgres_url).database
    with ends_within(8 + 30), pytest.raises(StoreError, match="cannot be reached"):  # 60 s for each address
        open_store(f"postgresql://postgres@/{name}?host={address}&port={ports}&connect_timeout=60", patience=8)


def test_submitting_is_tried_again_where_its_configs_can_be_read_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [*unlabelled(configs(5))]
    broken = [True]

    def cost(config: Config) -> float:
        if broken and broken.pop():
            raise PassingError("it is away")
        return 0.5

    with closing(open_store(postgres_url, patience=5)) as store:
        assert submit(store, "listed", {}, listed, ORIGIN, cost=cost).new == 5
        broken.append(True)
        with pytest.raises(StoreError, match="it is away"):
            submit(store, "once", {}, iter([*unlabelled(configs(9))]), ORIGIN, cost=cost)
        assert [sweep.name for sweep in sweeps(store)] == ["listed"]
