"""Exit codes: what a script may rely on."""

from enum import IntEnum

from pipeline.errors import EngineError, ErfsweepError, InputError, StoreError


class ExitCode(IntEnum):
    """How the command ended."""

    DONE = 0
    SOME_FAILED = 1
    WRONG_INPUT = 2
    STORE = 3
    ENGINE = 4
    INTERNAL = 70
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


INTERRUPTIONS = (ExitCode.HUNG_UP, ExitCode.INTERRUPTED, ExitCode.TERMINATED)
"""128 and the number of the signal that asked to stop, as shells have it: SIGHUP, SIGINT, SIGTERM."""


def interrupted_by(signal: int) -> ExitCode:
    """The exit code of a command that a signal stopped."""
    return ExitCode(128 + signal)


def exit_code(error: ErfsweepError) -> ExitCode:
    """The exit code of an error of this project."""
    kinds = {InputError: ExitCode.WRONG_INPUT, StoreError: ExitCode.STORE, EngineError: ExitCode.ENGINE}
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), ExitCode.INTERNAL)
