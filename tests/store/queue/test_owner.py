"""Owners: a process is told from another one, dead or alive."""

import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from store.queue.owner import owner_of, this_owner

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(not this_owner().boot, reason="this system does not tell boots and start times")


def test_survives_its_own_text() -> None:
    assert owner_of(str(this_owner())) == this_owner()


def test_this_process_is_here_and_alive() -> None:
    assert this_owner().is_here
    assert not this_owner().is_dead


def test_a_later_process_of_the_same_number_is_another() -> None:
    assert replace(this_owner(), started="1").is_dead


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"boot": "before pid:[1]"}, {"boot": ""}])
def test_nobody_can_say_that_a_process_elsewhere_is_dead(change: dict[str, str]) -> None:
    other = replace(this_owner(), pid=2**22, **change)
    assert not other.is_here
    assert not other.is_dead


def test_a_process_that_ended_is_dead() -> None:
    code = "from store.queue.owner import this_owner; print(this_owner(), flush=True); input()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        owner = owner_of(process.stdout.readline())
        assert (owner.pid, owner.is_here, owner.is_dead) == (process.pid, True, False)
        process.kill()
    assert owner.is_dead


def test_where_proc_hides_a_process_the_kernel_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with hidepid, for a process of another user: it lives until the kernel knows it no more."""
    monkeypatch.setattr("store.queue.owner.started", lambda pid: None)
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        owner = replace(this_owner(), pid=process.pid, started="70")
        assert not owner.is_dead
        process.kill()
    assert owner.is_dead
    assert not replace(owner, pid=1).is_dead  # which this user may not signal
