"""Worker processes of our own, each at the end of a line, and replaced by the thread that minds it."""

import errno
import pickle
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import NamedTuple

import msgspec

from pipeline.engines.fleet import Broken, Joined, Left, News, Returned, broken_worker
from pipeline.engines.forking import Loaded
from pipeline.engines.forkserver import RUNNING, TEMPLATE, UNKNOWN
from pipeline.engines.versions import differences, erfsweep_version
from pipeline.engines.wire import pack
from pipeline.errors import EngineError
from pipeline.graph import Measure, Partition
from pipeline.limits import Limits

PATIENCE = 30.0
"""Seconds for which our own workers may all be away before we give up on them."""

_PAUSE = 0.5
"""Seconds before another is started in place of a worker that did not come up."""

_CLEARING = 1.0
"""Seconds that a worker whose line is down has to end by itself."""

_TICK = 0.005
"""Seconds between two looks at whether it has."""


class Worker(NamedTuple):
    """A process, by its number, and our end of the line to it."""

    pid: int
    line: "Connection[bytes, bytes]"


class ProcessFleet:
    """So many processes, until it is closed; see `Fleet`."""

    def __init__(self, workers: int, limits: Limits, measure: Measure | None) -> None:
        self.events: SimpleQueue[News] = SimpleQueue()
        self.patience = PATIENCE
        self._limits = limits
        self._measure = measure
        self._problem = ""
        self._lock = Lock()  # of what follows
        self._started: set[int] = set()
        self._lines: dict[str, Connection[bytes, bytes]] = {}
        self._closed = Event()
        self._minders = [Thread(target=self._mind, daemon=True, name=f"minder {number}") for number in range(workers)]

    def open(self) -> None:
        """Starts the workers; each tells when it is there."""
        for minder in self._minders:
            minder.start()

    def close(self) -> None:
        """Ends the workers at once, whatever they measure: nobody waits for it any more."""
        self._closed.set()
        TEMPLATE.abandon()
        with self._lock:
            for pid in self._started:
                TEMPLATE.kill(pid)
            for line in self._lines.values():
                _dismiss(line)
        for minder in self._minders:
            if minder.is_alive():  # Ctrl-C may come before all are started
                minder.join()

    def send(self, address: str, key: str, partition: Partition) -> None:
        """See `Fleet.send`."""
        self._write(address, key, pack(partition, self._limits))

    def withdraw(self, address: str, key: str) -> None:
        """See `Fleet.withdraw`."""
        self._write(address, key, b"")

    def tend(self) -> None:
        """See `Fleet.tend`; minders need no reminder."""

    def waiting(self) -> str:
        """See `Fleet.waiting`."""
        return "waiting for worker processes to start"

    def absence(self) -> str:
        """See `Fleet.absence`."""
        problem = f" ({self._problem})" if self._problem else ""
        return (
            f"none of the {len(self._minders)} worker processes has come up for {self.patience:.0f} s{problem}; see "
            "whether this machine has memory left, use `--engine threads` or fewer --workers, and type `erfsweep work` "
            "to go on"
        )

    def _write(self, address: str, key: str, parcel: bytes) -> None:
        with self._lock, suppress(OSError):  # it is gone: its minder says so
            if (line := self._lines.get(address)) is not None:
                line.send_bytes(key.encode())
                line.send_bytes(parcel)

    def _mind(self) -> None:
        """Keeps one worker there, and tells what it does."""
        while not self._closed.is_set():
            try:
                worker = self._start()
            except (OSError, EOFError) as error:  # the template has just died, or memory is short
                if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
                    self.events.put(Broken(_unstartable(f"{error.strerror}; see `ulimit -n`")))
                    return
                self._problem = str(error)
                self._closed.wait(_PAUSE)
                continue
            except ImportError as error:
                self.events.put(Broken(_unstartable(str(error))))
                return
            except Exception as error:  # noqa: BLE001  # whatever keeps this process from having others
                self.events.put(Broken(_unstartable(f"{type(error).__name__}: {error}")))
                return
            try:
                address, wrong = worker.line.recv_bytes().decode(), worker.line.recv_bytes().decode()
            except (EOFError, OSError):
                self._problem = f"the last one {self._end(worker)}"
                self._closed.wait(_PAUSE)
                continue
            if wrong:
                self.events.put(Broken(_unstartable(wrong)))
            with self._lock:
                self._lines[address] = worker.line
                if self._closed.is_set():
                    _dismiss(worker.line)
            self.events.put(Joined(address, 1))
            self._listen(address, worker.line)
            with self._lock:
                del self._lines[address]
            self.events.put(Left(address, ending=self._end(worker)))

    def _start(self) -> Worker:
        loaded = msgspec.json.decode(TEMPLATE.loaded(), type=Loaded)
        if loaded.problem or (found := differences(loaded.version, erfsweep_version())):
            raise ImportError(loaded.problem or f"they would have {found}: was erfsweep replaced meanwhile?")
        task = pickle.dumps(self._measure)
        ours, theirs = Pipe()
        with theirs:
            try:
                pid = TEMPLATE.fork(theirs.fileno())
            except BaseException:
                ours.close()
                raise
        with self._lock:
            self._started.add(pid)
            if self._closed.is_set():
                TEMPLATE.kill(pid)
        with suppress(OSError):  # it has just died: found out next
            ours.send_bytes(task)
        return Worker(pid, ours)

    def _listen(self, address: str, line: "Connection[bytes, bytes]") -> None:
        """Tells what a worker sends, until it ends."""
        with suppress(EOFError, OSError):
            while True:
                key, wrong, reply = line.recv_bytes().decode(), line.recv_bytes().decode(), line.recv_bytes()
                if wrong:
                    self.events.put(Broken(broken_worker(address, wrong)))
                else:
                    self.events.put(Returned(address, key, reply))

    def _end(self, worker: Worker) -> str:
        """Clears away after a worker whose line is down; how it came to its end, as the rest of a sentence."""
        worker.line.close()
        deadline = time.monotonic() + _CLEARING
        while (code := TEMPLATE.ending(worker.pid)) == RUNNING and time.monotonic() < deadline:
            time.sleep(_TICK)
        if code == RUNNING:
            TEMPLATE.kill(worker.pid)
        with self._lock:
            self._started.discard(worker.pid)
        if code in (RUNNING, UNKNOWN):
            return "was lost"
        if code >= 0:
            return f"exited with status {code}"
        with suppress(ValueError):
            return f"was killed by signal {-code} ({signal.Signals(-code).name})"
        return f"was killed by signal {-code}"


def _dismiss(line: "Connection[bytes, bytes]") -> None:
    """Ends a worker by word: one whose template has died cannot be killed, its number may be another's by now."""
    with suppress(OSError):
        line.send_bytes(b"")


def _unstartable(reason: str) -> EngineError:
    return EngineError(f"worker processes cannot be started ({reason}); use `--engine threads` or `--engine sync`")
