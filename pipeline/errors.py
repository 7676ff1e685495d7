"""What can be wrong, as one flat family; the command maps each to an exit code.

ErfsweepError
├── InputError      what the user wrote is wrong (exit code 2)
│   └── PlaneError  a stem that does not fit the sides of its plane
├── StoreError      the database cannot be used (exit code 3)
│   └── GivenUpError  it has not answered for too long
└── EngineError     the Dask engine cannot be used (exit code 4)

Every message is one sentence that names the offending value and the way out.
"""

_LONGEST_QUOTE = 80


class ErfsweepError(Exception):
    """Base of every error this project raises on purpose."""


class InputError(ErfsweepError):
    """A stem, config, sweep, expression or option that cannot be used as written."""


class PlaneError(InputError):
    """A stem that does not fit the sides of its input plane; on a plane of other sides it may."""


class StoreError(ErfsweepError):
    """A database that cannot be opened, read or written."""


class GivenUpError(StoreError):
    """A database that has not answered for as long as it is waited for."""


class EngineError(ErfsweepError):
    """A Dask engine that cannot be started, reached or kept."""


def quote(value: object) -> str:
    """The value as it may stand in a message: escaped, in quotes, and cut in its middle where it is long."""
    text = repr(str(value))
    if len(text) <= _LONGEST_QUOTE:
        return text
    end = _LONGEST_QUOTE // 2
    return f"{text[: _LONGEST_QUOTE - end - 3]}...{text[-end:]}"


def cannot_read(what: str, error: OSError) -> InputError:
    """The error of a file that cannot be opened or read; `what` names it."""
    way = "make it readable for this user" if isinstance(error, PermissionError) else "check the path"
    return InputError(f"cannot read {what}: {error.strerror}; {way}")


_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB")
_DECIMAL = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


def amount(count: int) -> str:
    """A number of bytes as it may stand in a message: `29 TB`, `1.5 MB`, and `1 GiB` for what is that exactly.

    >>> amount(29_400_000_000_000), amount(2**30), amount(999)
    ('29.4 TB', '1 GiB', '999 bytes')
    """
    power = next((power for power in (4, 3, 2, 1) if count and count % 1024**power == 0), 0)
    if power and count // 1024**power < 1024:
        return f"{count // 1024**power} {_BINARY[power]}"
    power = 0
    while count >= 999.5 * 1000**power and power < len(_DECIMAL) - 1:
        power += 1
    if power == 0:
        return "1 byte" if count == 1 else f"{count} bytes"
    return f"{count / 1000**power:.3g} {_DECIMAL[power]}"


def counted(number: int, noun: str) -> str:
    """A number with its noun, as it may stand in a message.

    >>> counted(1, "config"), counted(1620, "config")
    ('1 config', '1,620 configs')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
