"""The PostgreSQL server that ERFSWEEP_TEST_POSTGRES names: a schema of one's own on it, and a line to it that fails."""

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from store.database.address import address


@contextmanager
def schema() -> Iterator[str]:
    """A URL of a schema of its own on the server that ERFSWEEP_TEST_POSTGRES names."""
    server = os.environ.get("ERFSWEEP_TEST_POSTGRES")
    if not server:
        pytest.skip("ERFSWEEP_TEST_POSTGRES names no PostgreSQL server")
    schema = f"erfsweep_{uuid.uuid4().hex[:12]}"
    engine = create_engine(address(server).url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    sign = "&" if "?" in server else "?"
    yield f"{server}{sign}options=-csearch_path%3D{schema}"
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))


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


def proxy_of(url: str) -> Proxy:
    """A proxy to the server of a URL."""
    where = make_url(url)
    return Proxy(where.host or "127.0.0.1", where.port or 5432)


def through(proxy: Proxy, url: str) -> str:
    """The URL by way of a proxy."""
    return make_url(url).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
