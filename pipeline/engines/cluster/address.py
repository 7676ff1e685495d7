"""Where a foreign scheduler is, and how it may be spoken to."""

import ipaddress
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from pipeline.errors import InputError, quote
from pipeline.limits import MAX_SCHEDULER_FILE
from pipeline.regular import read_regular


class Connection(msgspec.Struct, frozen=True):
    """A scheduler as a user names it: tcp://, tls:// or a scheduler file; the three files of TLS, in PEM."""

    scheduler: str
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    insecure: bool = False
    patience: float = 60.0


def settled_address(connection: Connection) -> str:
    """The `tcp://host:port` or `tls://host:port` of a connection.

    Raises InputError for a scheduler file that cannot be used, an address that is none, a `tcp://` address that is
    not loopback without `insecure` (whoever reaches that port can run code in this process and on every worker), and
    TLS without its three files.
    """
    written = connection.scheduler
    address = _address_in(written) if _is_file(written) else written
    scheme, host, place = _parts(address)
    given = (connection.tls_ca, connection.tls_cert, connection.tls_key)
    if scheme == "tls":
        for option, path in zip(("--tls-ca", "--tls-cert", "--tls-key"), given, strict=True):
            if path is None:
                raise InputError(f"{quote(address)} needs {option}; give --tls-ca, --tls-cert and --tls-key")
            if not Path(path).is_file():
                raise InputError(f"{option} {quote(path)} is not a file; give the path of a PEM file")
    elif any(given):
        raise InputError(
            f"{quote(address)} does not use TLS; write tls://{place}, or leave out --tls-ca and the others"
        )
    elif not connection.insecure and not _is_loopback(host):
        raise InputError(
            f"whoever reaches {quote(address)} can run code here and on its workers; "
            f"use tls://{place}, or --insecure on a network that you trust"
        )
    return f"{scheme}://{place}"


def _parts(address: str) -> tuple[str, str, str]:
    """(scheme, host, `host:port` as written) of an address, whose scheme may be left out.

    By the standard library: Dask's own `parse_host_port` takes `host:-1`, `host:8_786` and an empty host for addresses.
    Raises InputError for anything but a host, an IPv6 address in brackets among them, and a port from 1 to 65535.
    """
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        is_whole = parts.hostname and parts.port and address.endswith(parts.netloc) and "@" not in parts.netloc
    except ValueError:  # a port that is not a number, a bracket too few
        is_whole = False
    if not is_whole or parts.scheme not in ("tcp", "tls"):
        raise InputError(
            f"{quote(address)} is not a scheduler; write tls://host:8786, tcp://host:8786 or a scheduler file"
        )
    return parts.scheme, parts.hostname or "", parts.netloc


def _is_file(written: str) -> bool:
    if "://" in written:
        return False
    try:
        return written.endswith(".json") or Path(written).exists()
    except (OSError, ValueError):  # a name of 300 letters, a zero character
        return False


def _address_in(path: str) -> str:
    try:
        return str(json.loads(read_regular(path, MAX_SCHEDULER_FILE))["address"])
    except InputError as error:
        raise InputError(f"{error} (a scheduler file is what `dask scheduler --scheduler-file` writes)") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(
            f"{quote(path)} is not a scheduler file; `dask scheduler --scheduler-file` writes one"
        ) from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def security(connection: Connection) -> Any:
    """Dask's security object of a connection: encryption is required as soon as there are certificates."""
    from distributed.security import Security

    if connection.tls_ca is None:
        return Security()
    return Security(
        tls_ca_file=connection.tls_ca,
        tls_client_cert=connection.tls_cert,
        tls_client_key=connection.tls_key,
        require_encryption=True,
    )
