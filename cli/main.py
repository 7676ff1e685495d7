"""The entry point: every way the command can end becomes an exit code and at most one sentence on stderr."""

import os
import sys

from cli.exit import ExitCode, exit_code
from pipeline.errors import ErfsweepError


def main() -> None:
    """Runs `erfsweep` and exits with its code; a traceback is shown only with `--debug`."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    from cli.app import app

    try:
        answer = app(arguments, standalone_mode=False)
        sys.stdout.flush()
    except ErfsweepError as error:
        return _ended(error, f"erfsweep: {error}", exit_code(error))
    except KeyboardInterrupt as error:
        return _ended(error, "erfsweep: interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:  # the reader has left, `erfsweep table | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except Exception as error:  # noqa: BLE001  # the last resort
        return _unexpected(error)
    return answer if isinstance(answer, int) else ExitCode.DONE


def _unexpected(error: Exception) -> int:
    import typer

    if isinstance(error, typer.Abort):
        return _ended(error, "erfsweep: interrupted", ExitCode.INTERRUPTED)
    show = getattr(error, "show", None)
    if show is not None and hasattr(error, "exit_code"):  # what the parser of arguments found wrong
        show()
        return int(error.exit_code)
    return _ended(
        error, f"erfsweep: internal error, {type(error).__name__}: {error}; --debug shows where", ExitCode.INTERNAL
    )


def _ended(error: BaseException, sentence: str, code: ExitCode) -> int:
    if "--debug" in sys.argv:
        import traceback

        traceback.print_exception(error)
    print(sentence, file=sys.stderr)  # noqa: T201
    return code
