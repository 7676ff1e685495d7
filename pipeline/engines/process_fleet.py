"""Worker processes of our own, each at the end of a line, and replaced by the thread that minds it."""

import multiprocessing
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, NamedTuple

from pipeline.engines.fleet import Broken, Joined, Left, News, Returned, broken_worker
from pipeline.engines.parcel import pack
from pipeline.engines.template import warm_up, workers_environment
from pipeline.errors import EngineError
from pipeline.graph import Limits, Measure, Partition

PATIENCE = 30.0
"""Seconds for which our own workers may all be away before we give up on them."""

_PAUSE = 0.5
"""Seconds before another is started in place of a worker that did not come up."""


def _serve(line: "Connection[bytes, bytes]", measure: Measure | None) -> None:
    from pipeline.engines.worker import serve  # which loads the kernel: the driver does without

    serve(line, measure)


class Worker(NamedTuple):
    """A process, and our end of the line to it."""

    process: BaseProcess
    line: "Connection[bytes, bytes]"


class ProcessFleet:
    """So many processes, until it is closed; see `Fleet`."""

    def __init__(self, workers: int, limits: Limits, measure: Measure | None) -> None:
        self.events: SimpleQueue[News] = SimpleQueue()
        self.patience = PATIENCE
        self._limits = limits
        self._measure = measure
        self._lock = Lock()  # of what follows, and of starting: the environment is changed for a moment
        self._started: set[BaseProcess] = set()
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
        with self._lock:
            for process in self._started:
                process.kill()
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
        return (
            f"none of the {len(self._minders)} worker processes has come up for {self.patience:.0f} s; see whether "
            "this machine has memory left, use `--engine threads` or fewer --workers, and type `erfsweep work` to go on"
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
            except (OSError, EOFError):  # the process that it is forked from has just died, or memory is short
                self._closed.wait(_PAUSE)
                continue
            except Exception as error:  # noqa: BLE001  # whatever keeps this process from having others
                self.events.put(Broken(_unstartable(error)))
                return
            try:
                address = worker.line.recv_bytes().decode()
            except (EOFError, OSError):
                self._end(worker)
                self._closed.wait(_PAUSE)
                continue
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
        forks = "forkserver" in multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
        with self._lock:
            warm_up()
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self._measure), daemon=True, name="erfsweep worker")
            try:
                with workers_environment():
                    process.start()
            except BaseException:
                ours.close()
                raise
            finally:
                theirs.close()
            self._started.add(process)
            if self._closed.is_set():
                process.kill()
        return Worker(process, ours)

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
        worker.process.join(1.0)
        code = worker.process.exitcode
        if code is None:
            worker.process.kill()
        with self._lock:
            self._started.discard(worker.process)
        if code is None or code == _UNKNOWN:
            return "was lost"
        if code >= 0:
            return f"exited with status {code}"
        with suppress(ValueError):
            return f"was killed by signal {-code} ({signal.Signals(-code).name})"
        return f"was killed by signal {-code}"


def _dismiss(line: "Connection[bytes, bytes]") -> None:
    """Ends a worker by word: one whose own parent has died is taken for dead, and is not killed."""
    with suppress(OSError):
        line.send_bytes(b"")


def _unstartable(error: Exception) -> EngineError:
    reason = f"{type(error).__name__}: {error}"
    return EngineError(f"worker processes cannot be started ({reason}); use `--engine threads` or `--engine sync`")


_UNKNOWN = 255
"""What is said of a process whose own parent, from which it was forked, has died."""
