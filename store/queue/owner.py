"""Who holds a config: a process, told apart from a later one that the system gave the same number."""

import os
import socket
from functools import lru_cache
from pathlib import Path

import msgspec


class Owner(msgspec.Struct, frozen=True, array_like=True):
    """A process: its host, the boot of that host, its number and the time it started, as the system counts it.

    `boot` also names the process-number space: two containers may share a host, its boot and a number.
    """

    host: str
    boot: str
    pid: int
    started: str

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()

    @property
    def is_here(self) -> bool:
        """Whether the owner runs, or ran, where this process can see it."""
        return bool(self.boot) and (self.host, self.boot) == _machine()

    @property
    def is_dead(self) -> bool:
        """Whether the owner ran here and is gone for certain."""
        if not self.is_here:
            return False
        begun = started(self.pid)
        if begun is None:  # /proc may hide it: mounted with hidepid, other users' processes are not in it
            return not _exists(self.pid)
        return begun != self.started

    @property
    def place(self) -> str:
        """Host and process number, for a sentence: `bench:4711`."""
        return f"{self.host}:{self.pid}"


def this_owner() -> Owner:
    """The owner that this process is."""
    pid = os.getpid()
    return Owner(*_machine(), pid, started(pid) or "")


def owner_of(text: str) -> Owner:
    """The owner that `str(owner)` wrote; for any other text one of whom nothing is known, so that his lease counts."""
    try:
        return msgspec.json.decode(text, type=Owner)
    except (msgspec.MsgspecError, TypeError, UnicodeEncodeError):
        return Owner("an unknown host", "", 0, "")


@lru_cache(maxsize=1)
def _machine() -> tuple[str, str]:
    """Host name and boot; the boot is empty where the system does not tell it, and then only leases count."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return socket.gethostname(), ""
    return socket.gethostname(), f"{boot} {space}"


def started(pid: int) -> str | None:
    """When a process started, in clock ticks after the boot; empty for a zombie, None where /proc does not show it."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *rest = line.rpartition(")")[2].split()  # the name before may hold spaces and brackets
    return "" if state in "ZX" else rest[18]


def _exists(pid: int) -> bool:
    """Whether the kernel knows a process of this number, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
