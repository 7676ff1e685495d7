"""What can be wrong, as one flat family; the command maps each to an exit code.

ErfsweepError
├── InputError      what the user wrote is wrong (exit code 2)
│   └── PlaneError  a stem that does not fit the sides of its plane
├── StoreError      the database cannot be used (exit code 3)
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


class EngineError(ErfsweepError):
    """A Dask engine that cannot be started, reached or kept."""


def quote(value: object) -> str:
    """The value as it may stand in a message: escaped, in quotes, and cut in its middle where it is long."""
    text = repr(str(value))
    if len(text) <= _LONGEST_QUOTE:
        return text
    end = _LONGEST_QUOTE // 2
    return f"{text[: _LONGEST_QUOTE - end - 3]}...{text[-end:]}"
