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
        answer = app(arguments, prog_name="erfsweep", standalone_mode=False)
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
    if hasattr(error, "format_message"):  # what the parser of arguments found wrong
        problem = error.format_message().replace("Value error, ", "").rstrip(".")
        context = getattr(error, "ctx", None)
        page = f"{context.command_path} --help" if context else "erfsweep --help"
        return _ended(error, f"erfsweep: {problem[:1].lower()}{problem[1:]} (see {page})", ExitCode.WRONG_INPUT)
    return _ended(
        error, f"erfsweep: internal error, {type(error).__name__}: {error}; --debug shows where", ExitCode.INTERNAL
    )


def _ended(error: BaseException, sentence: str, code: ExitCode) -> int:
    if "--debug" in sys.argv:
        import traceback

        traceback.print_exception(error)
    print(sentence, file=sys.stderr)  # noqa: T201
    return code
