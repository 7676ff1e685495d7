"""A server that falls silent while a command is at work: it ends with one sentence when its patience does."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from store.asking.query import status
from store.database.opening import open_store
from tests.cli.command import environment, erfsweep, finished, hear_ctrl_c
from tests.clock import ends_within, until
from tests.postgres import Proxy, proxy_of, schema, through

PATIENCE = 8.0
SLACK = 40.0
"""Seconds that a busy machine may take more; what is measured here would take 60 s."""
DRIVER = """
import sys
from pipeline.work import leases
from store.database import line, opening
from pipeline import engine as make
from tests.poison import endless

opening.open_store.__kwdefaults__["patience"] = float(sys.argv.pop(1))
line.SILENCE, line.CONNECT_SECONDS, line.SETTINGS["connect_timeout"], leases.PULSE = 1.0, 2, 2, 0.5
original = make.make_engine

def long(*arguments, **options):
    engine = original(*arguments, **options)
    for each in (engine, getattr(engine, "inside", None), getattr(engine, "outside", None)):
        if each is not None:
            each.measure = endless
    return engine

make.make_engine = long
from cli.main import main
main()
"""


@pytest.fixture
def postgres_url() -> Iterator[str]:
    with schema() as url:
        yield url


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    with closing(proxy_of(postgres_url)) as made:
        yield made


def measuring(url: str, proxy: Proxy, engine: str, patience: float) -> "subprocess.Popen[str]":
    """A run whose configs take a minute each, once it holds some."""
    assert erfsweep("submit", "3x3", "-s", "seed=range(0,40)", "--name", "long", "--db", url).code == 0
    driver = [sys.executable, "-c", DRIVER, str(patience)]
    command = [*driver, "work", "long", "--engine", engine, "--db", through(proxy, url)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), preexec_fn=hear_ctrl_c
    )
    with closing(open_store(url)) as store:
        until(lambda: process.poll() is not None or status(store).states["running"].configs > 0)
    time.sleep(1)  # the first is being measured
    return process


@pytest.mark.parametrize("engine", ["sync", "threads", "processes"])
def test_a_run_ends_with_its_patience_whatever_is_measured(engine: str, proxy: Proxy, postgres_url: str) -> None:
    process = measuring(postgres_url, proxy, engine, PATIENCE)
    proxy.silent.set()
    with ends_within(PATIENCE + SLACK):
        ended = finished(process)
    assert ended.code == 3, ended
    first, last = ended.err.splitlines()[-2:]
    assert first.endswith(f"see that it runs and try again; it is tried for {PATIENCE:.0f} s")
    assert last.startswith("erfsweep: the server of ")
    assert "cannot be reached" in last
    assert last.endswith("see that it runs and try again")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_wait_for_a_silent_server(
    number: signal.Signals, proxy: Proxy, postgres_url: str
) -> None:
    process = measuring(postgres_url, proxy, "threads", 90)
    proxy.silent.set()
    time.sleep(2.5)  # a sign of life has been asked for, and has not come
    process.send_signal(number)
    time.sleep(0.5)
    process.send_signal(number)
    with ends_within(60):
        ended = finished(process)
    assert ended.code == 128 + number, ended
    assert ended.err.splitlines()[-1].startswith("erfsweep: interrupted")
