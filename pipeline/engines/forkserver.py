"""Our handle on the template: a process that has loaded what workers need, and that our own workers are forked from.

Imports little: the command starts it before it has loaded itself, on another core.

A fork takes 10 ms where a new process that imports everything takes 200: that is what a worker that died costs.
`multiprocessing` has a fork server too. Ours is handed the module path of this process as it is, so that it loads this
erfsweep and nothing of the working directory; it needs no folder for a socket, no `__main__`, and no second process.
"""

import atexit
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock

from pipeline.engines.interrupts import blocked

ENVIRONMENT = {
    # The C library's default hands large temporary arrays back to the system: 78 page faults for each config.
    "MALLOC_TRIM_THRESHOLD_": str(2**28),
    "MALLOC_MMAP_THRESHOLD_": str(2**28),
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ERFSWEEP_WORKER": "1",
    "PYTHONSAFEPATH": "1",
}
"""What workers find in their environment; read by Python and by their libraries as they are loaded."""

PRELOAD = "pipeline.engines.worker"

REQUEST = struct.Struct("=cq")
"""A request to the template: its kind (FORK, ENDING or KILL) and the worker's process number (FORK: 0)."""

REPLY = struct.Struct("=q")
"""FORK: the worker's process number, or minus the error number. ENDING: its exit code, RUNNING or UNKNOWN."""

FORK, ENDING, KILL = b"f", b"e", b"k"
RUNNING, UNKNOWN = 2**32, 2**32 + 1

PROGRAM = "import sys; sys.path[:] = {path!a}; from pipeline.engines.forking import main; main({control})"


class Template:
    """The process, started by the first call that needs it and again when it has died. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._loaded: bytes | None = None

    def warm_up(self) -> None:
        """Starts the process, unless it runs; worth calling early, it loads the kernel meanwhile. Raises OSError."""
        with self._lock:
            self._running()

    def loaded(self) -> bytes:
        """What the process says of what it has loaded (see `forking.main`), waited for.

        Raises OSError or EOFError where it was killed meanwhile, and ImportError where it ended by itself instead.
        """
        with self._lock:
            control = self._running()
            if self._loaded is None:
                try:
                    (length,) = REPLY.unpack(_read(control, REPLY.size))
                    self._loaded = _read(control, length)
                except EOFError:
                    code = self._dispose()
                    if code > 0:
                        raise ImportError(f"{sys.executable} exited with status {code}") from None
                    raise
            return self._loaded

    def abandon(self) -> None:
        """Ends the process if it is still loading, so that nobody waits for it any longer."""
        process = self._process
        if process is not None and self._loaded is None:
            process.kill()

    def close(self) -> None:
        """Ends the process; its workers live on until their lines end."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
            self._dispose()

    def fork(self, line: int) -> int:
        """The process number of a new worker that serves a line, a file descriptor. Raises OSError or EOFError."""
        self.loaded()
        answer = self._ask(FORK, 0, line)
        if answer < 0:
            raise OSError(-answer, os.strerror(-answer))
        return answer

    def ending(self, pid: int) -> int:
        """The exit code of a worker, RUNNING, or UNKNOWN where the process that it was forked from has died."""
        try:
            return self._ask(ENDING, pid)
        except (OSError, EOFError):
            return UNKNOWN

    def kill(self, pid: int) -> None:
        """Kills a worker, unless its end was asked for already: its number may belong to another process then."""
        with suppress(OSError, EOFError):
            self._ask(KILL, pid)

    def _ask(self, kind: bytes, pid: int, *descriptors: int) -> int:
        with self._lock:
            if self._control is None or self._loaded is None:
                raise EOFError
            try:
                socket.send_fds(self._control, [REQUEST.pack(kind, pid)], descriptors)
                (answer,) = REPLY.unpack(_read(self._control, REPLY.size))
            except BaseException:  # an interrupt too: the answer would be taken for that of the next request
                self._dispose()
                raise
        return int(answer)

    def _running(self) -> socket.socket:
        if self._process is not None and self._process.poll() is not None:
            self._dispose()
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                try:
                    self._process = _start(theirs)
                except BaseException:
                    self._control.close()
                    self._control = None
                    raise
        return self._control

    def _dispose(self) -> int:
        """Forgets the process, which has ended or is made to; its exit code."""
        process, control = self._process, self._control
        self._process = self._control = self._loaded = None
        if control is not None:
            control.close()
        if process is None:
            return 0
        with suppress(subprocess.TimeoutExpired):
            return process.wait(1.0)
        process.kill()
        return process.wait()


TEMPLATE = Template()
"""The template of this process."""

atexit.register(TEMPLATE.close)


def _start(control: socket.socket) -> "subprocess.Popen[bytes]":
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # as multiprocessing does
    program = PROGRAM.format(path=module_path(), control=control.fileno())
    with blocked():  # until it ignores them
        return subprocess.Popen(  # noqa: S603  # our own Python and program
            [sys.executable, *flags, "-P", "-c", program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
            pass_fds=[control.fileno()],
        )


def module_path() -> list[str]:
    """Where this process looks for modules, but for whatever its working directory is, with this erfsweep on it."""
    path = [entry for entry in sys.path if entry]
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120  # no links followed
    return path if root in path else [root, *path]


def _read(control: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = control.recv(length - len(found))
        if not part:
            raise EOFError
        found += part
    return found


@contextmanager
def restored(names: Iterable[str]) -> Iterator[None]:
    """Variables of the environment have the values that they had when this is left."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
