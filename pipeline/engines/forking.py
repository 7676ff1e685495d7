"""The template from within: loads what workers need, says what that is, and forks a worker whenever it is asked to."""

import os
import signal
import socket
from multiprocessing.connection import Connection
from typing import NoReturn

import msgspec

from pipeline.engines.forkserver import ENDING, FORK, KILL, REPLY, REQUEST, RUNNING, UNKNOWN


class Loaded(msgspec.Struct):
    """What a template has loaded: the version of erfsweep, or why it could not."""

    version: dict[str, str] = {}
    problem: str = ""


def main(control: int) -> NoReturn:
    """Serves a socket to the driver until the driver is gone; workers end by themselves then.

    What comes first is a `Loaded` as JSON, after its length. Requests and replies are those of `template`.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # whatever was inherited: the ends of workers are asked for
    with socket.socket(fileno=control) as driver:
        said = msgspec.json.encode(_load())
        driver.sendall(REPLY.pack(len(said)) + said)
        _serve(driver)
    os._exit(0)


def _load() -> Loaded:
    try:
        from pipeline.engines import worker  # noqa: F401  # with the kernel
        from pipeline.engines.versions import erfsweep_version

        return Loaded(erfsweep_version())
    except Exception as error:  # noqa: BLE001  # whatever keeps a library from being imported
        return Loaded(problem=f"{type(error).__name__}: {error}")


def _serve(driver: socket.socket) -> None:
    unreaped: set[int] = set()
    while True:
        try:
            request, lines, _, _ = socket.recv_fds(driver, REQUEST.size, 1)
        except OSError:
            return
        if len(request) < REQUEST.size:
            return
        kind, pid = REQUEST.unpack(request)
        answer = 0
        if kind == FORK:
            answer = _fork(driver, lines[0])
            if answer > 0:
                unreaped.add(answer)
        elif kind == KILL and pid in unreaped:
            os.kill(pid, signal.SIGKILL)
        elif kind == ENDING:
            answer = _ending(pid) if pid in unreaped else UNKNOWN
            if answer != RUNNING:
                unreaped.discard(pid)
        try:
            driver.sendall(REPLY.pack(answer))
        except OSError:
            return


def _ending(pid: int) -> int:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else RUNNING


def _fork(driver: socket.socket, line: int) -> int:
    """The number of a new worker at its end of a line, or minus the error number."""
    from pipeline.engines.worker import serve

    try:
        pid = os.fork()
    except OSError as error:
        os.close(line)
        return -(error.errno or 1)
    if pid:
        os.close(line)
        return pid
    try:
        driver.close()
        serve(Connection(line))
    finally:
        os._exit(1)
