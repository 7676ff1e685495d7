"""Several processes on one store: nothing twice, nothing lost, nothing half."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from store.asking.query import status
from store.database.opening import open_store
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.upkeep.transfer import info
from tests.clock import until
from tests.store.fakes import configs, queue

ROOT = Path(__file__).parents[3]
PRELUDE = """
import os, sys, time
from store.database.opening import open_store
from store.queue.owner import this_owner
from store.asking.query import status
from store.queue.claims import claim
from store.queue.saving import save
from tests.store.fakes import done, queue
url, start = sys.argv[1], float(sys.argv[2])
me = this_owner()
time.sleep(max(0.0, start - time.time()))
"""


def launch(code: str, url: str, *, start: float = 0.0) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", PRELUDE + code, url, str(start)]
    return subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(processes: "list[subprocess.Popen[str]]") -> list[str]:
    """What each printed; a process that failed fails the test with what it said."""
    said = [process.communicate(timeout=300) for process in processes]
    errors = [error for process, (_, error) in zip(processes, said, strict=True) if process.returncode > 0]
    assert not errors, errors[0]
    return [out for out, _ in said]


def test_eight_make_the_same_new_store_at_once(shared_url: str) -> None:
    code = "store = open_store(url); print(queue(store).configs); store.close()"
    start = time.time() + 2.5  # when all have imported what they need
    assert finish([launch(code, shared_url, start=start) for _ in range(8)]) == ["5\n"] * 8
    store = open_store(shared_url)
    assert info(store).tables == {"sweep": 1, "config": 5, "sweep_config": 5, "attempt": 0, "result": 0}
    store.close()


WORK = """
store = open_store(url)
while True:
    held = claim(store, me, "growth", limit=3)
    time.sleep(0.002)
    if held:
        assert len(save(store, me, [done(each.digest) for each in held])) == len(held)
        print(*(each.digest for each in held), flush=True)
    elif not sum(status(store, "growth").states[state].configs for state in ("queued", "running")):
        break
store.close()
"""


def test_eight_share_a_queue_and_what_three_killed_ones_held_is_not_lost(shared_url: str) -> None:
    store = open_store(shared_url)
    queue(store, count=400)
    processes = [launch(WORK, shared_url) for _ in range(8)]
    for process in processes[:3]:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        process.send_signal(signal.SIGKILL)
    counted = Counter(digest for out in finish(processes) for digest in out.split())
    assert set(counted.values()) <= {1}
    assert set(counted) <= {config.digest for config in configs(400)}
    assert status(store).states["done"].configs == 400
    tables = info(store).tables
    assert (tables["result"], tables["attempt"]) == (400, 400)
    store.close()


def test_what_a_dead_process_held_is_free_at_once(shared_url: str) -> None:
    store = open_store(shared_url)
    queue(store, count=4)
    process = launch("print(len(claim(open_store(url), me, limit=3)), flush=True); time.sleep(60)", shared_url)
    assert process.stdout is not None
    assert process.stdout.readline() == "3\n"
    assert len(claim(store, this_owner())) == 1
    process.kill()  # and not yet waited for: its remains count as dead
    wait_for_death(process)
    assert len(claim(store, this_owner())) == 3
    process.communicate()
    store.close()


def wait_for_death(process: "subprocess.Popen[str]") -> None:
    until(lambda: ") Z " in Path(f"/proc/{process.pid}/stat").read_text())


def test_a_kill_in_mid_transaction_leaves_nothing(shared_url: str) -> None:
    store = open_store(shared_url)
    queue(store, count=3)
    code = """
from store.queue.saving import save_in
store = open_store(url)
held = claim(store, me)
with store.write() as connection:
    assert len(save_in(connection, str(me), [done(each.digest) for each in held])) == 3
    print("in the middle", flush=True)
    time.sleep(60)
"""
    process = launch(code, shared_url)
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n"
    process.kill()
    process.communicate()
    assert len(claim(store, this_owner())) == 3
    with store.read() as connection:
        for table in ("attempt", "result", "map"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    store.close()


def test_the_same_result_from_two_processes_is_kept_once(shared_url: str) -> None:
    store = open_store(shared_url)
    queue(store, count=50)
    held = [each.digest for each in claim(store, this_owner())]
    code = f"print(len(save(open_store(url), me, [done(digest) for digest in {held!r}])))"
    start = time.time() + 1.5
    counted = [int(out) for out in finish([launch(code, shared_url, start=start) for _ in range(2)])]
    assert sum(counted) == 50
    assert info(store).tables == {"sweep": 1, "config": 50, "sweep_config": 50, "attempt": 50, "result": 50}
    store.close()
