"""The entry point: every way the command can end becomes an exit code and at most one sentence on stderr."""

import atexit
import errno
import gc
import os
import re
import sys
from _thread import interrupt_main
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGINT
from threading import Timer

from cli.completion import mend_words
from cli.exit import INTERRUPTIONS, ExitCode, exit_code, interrupted_by
from cli.opened import close_stores, damage_lines
from cli.unread import make_stderr_unread
from pipeline.engines.interrupts import last_signal, raise_on_signals
from pipeline.errors import ErfsweepError, InputError, quote

_EMPTY = re.compile(r"(--[\w-]+=)?")
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_OTHER_PLACE = "choose another place, or see that this user may use it"
_OF_THE_SYSTEM = {
    errno.EMFILE: "raise `ulimit -n`",
    errno.ENFILE: "end other programs",
    errno.ENOMEM: "free memory",
    errno.EACCES: _OTHER_PLACE,
    errno.EPERM: _OTHER_PLACE,
    errno.EROFS: _OTHER_PLACE,
    errno.ENAMETOOLONG: _OTHER_PLACE,
    errno.ELOOP: _OTHER_PLACE,
    errno.ENOTDIR: _OTHER_PLACE,
}
"""What is the matter with the system and not with this program, and the way out."""
_SEVERAL = {
    **dict.fromkeys(
        ("erfsweep run", "erfsweep submit"),
        "several stems are one argument, with commas between them, as in '4x3x3, 5x5'",
    ),
    "erfsweep table": "rows of several sweeps are a condition: --where \"sweep in ('first', 'second')\"",
    "erfsweep show": "show one config at a time, or print several by table",
    "erfsweep export": "export one sweep at a time",
}
"""What to do where a command is given one argument too many."""
_OBJECTS_BETWEEN_COLLECTIONS = 200_000
"""A command loads some 100,000 objects, which stay until its end: looking for garbage among them delays the start."""


def main() -> None:
    """Runs `erfsweep` and exits with its code; a traceback is shown only with `--debug`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, `erfsweep run >&-`
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  # until the process ends
    make_stderr_unread()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    raise_on_signals()
    sys.unraisablehook = _heard_again
    _leave(execute(sys.argv[1:]))


def _heard_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """A signal that came while garbage was collected, where nothing can be raised, comes again a moment later."""
    if unraisable.exc_type is KeyboardInterrupt:
        again = Timer(0.02, interrupt_main, (last_signal(),))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(unraisable)


def _foresee(arguments: Sequence[str]) -> None:
    """Where workers will be wanted, what they need is loaded on another core while this one loads the command."""
    if {"run", "work"} & set(arguments) and {"processes", "--engine=processes"} & set(arguments):
        from pipeline.engines.forkserver import TEMPLATE

        with suppress(OSError):  # said when it is needed, if it still cannot be started then
            TEMPLATE.warm_up()


def _leave(code: int) -> None:
    """Ends the process without taking the interpreter apart, object by object, for a fifth of a second."""
    if code not in INTERRUPTIONS:  # then not waiting for threads that still measure: nobody wants their results
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Runs `erfsweep` with these arguments in this process; the exit code."""
    debug = "--debug" in arguments  # anywhere, as it is what one adds to the line that failed
    try:
        _refuse_empty(arguments)
        _foresee(arguments)
        from cli.app import app
        from cli.options import remember_debug

        remember_debug(debug)
        mend_words()
        words = [word for word in arguments if word != "--debug"] or ["--help"]
        answer = app(words, prog_name="erfsweep", standalone_mode=False)
        sys.stdout.flush()
        is_damaged = _say_damage()
    except ErfsweepError as error:
        _say_damage()
        return _ended(error, str(error), exit_code(error), debug)
    except KeyboardInterrupt as error:
        return _interrupted(error, debug)
    except (SystemExit, OSError) as error:  # the parser of arguments turns a broken pipe into an exit of its own
        origin = error.__context__ if isinstance(error, SystemExit) else error
        if isinstance(origin, BrokenPipeError):  # the reader has left, `erfsweep table | head`
            _drop_output()
            return ExitCode.DONE
        if isinstance(error, SystemExit) and origin is None and isinstance(error.code, int | None):
            return error.code or ExitCode.DONE  # completion ends so
        if isinstance(origin, FileNotFoundError) and not _has_directory():
            problem = "the working directory was removed; change to another one"
            return _ended(error, problem, ExitCode.WRONG_INPUT, debug)
        if isinstance(origin, OSError) and "--install-completion" in arguments:
            problem = f"cannot write {quote(origin.filename)}: {origin.strerror}; copy what --show-completion prints"
            return _ended(error, problem, ExitCode.WRONG_INPUT, debug)
        if not isinstance(origin, OSError) or origin.errno not in _UNWRITABLE or origin.filename is not None:
            return _unexpected(error, debug)
        _drop_output()
        return _ended(error, f"cannot write the output: {origin.strerror}; make room, or write elsewhere", 2, debug)
    except Exception as error:  # noqa: BLE001  # the last resort
        return _unexpected(error, debug)
    finally:
        close_stores()
    if answer in INTERRUPTIONS:  # which Typer makes of Ctrl-C without a word, and a run that stopped returns
        return _interrupted(None, debug)
    if is_damaged:
        return ExitCode.STORE
    return answer if isinstance(answer, int) else ExitCode.DONE


def _has_directory() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _refuse_empty(arguments: Sequence[str]) -> None:
    """An empty argument is a variable of a script that was never set: it stands for no default."""
    for before, word in zip(("erfsweep", *arguments), arguments, strict=False):
        if _EMPTY.fullmatch(word):
            what = f"the argument after {quote(before)}" if word == "" else quote(word)
            raise InputError(f"{what} is empty; fill it in or leave it out")


def _drop_output() -> None:
    """Nothing is written to stdout any more, not even by the interpreter as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unexpected(error: BaseException, debug: bool) -> int:
    import typer

    if isinstance(error, typer.Abort):
        return _interrupted(error, debug)
    if hasattr(error, "format_message"):
        return _ended(error, _misread(error), ExitCode.WRONG_INPUT, debug)
    if isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
        what = "a file" if error.filename is None else quote(error.filename)
        problem = f"cannot use {what}: {error.strerror}; {_OF_THE_SYSTEM[error.errno]}"
        return _ended(error, problem, ExitCode.WRONG_INPUT, debug)
    return _ended(
        error, f"internal error, {type(error).__name__}: {error}; --debug shows where", ExitCode.INTERNAL, debug
    )


def _misread(error: BaseException) -> str:
    """What the parser of arguments found wrong, with the offending value and the page that helps."""
    problem = error.format_message().replace("Value error, ", "").rstrip(".")  # type: ignore[attr-defined]  # a click error
    problem = problem[:1].lower() + problem[1:].replace("Input should", "it should")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "erfsweep"
    if problem == "missing command" and context:
        from pipeline.sentence import listed

        problem = f"{quote(path)} needs a command: {listed(context.command.commands)}"
    if problem.startswith("got unexpected extra argument") and path in _SEVERAL:
        problem += f"; {_SEVERAL[path]}"
    wrong = getattr(error.__cause__, "errors", None)  # of pydantic, which leaves the value out of its message
    if wrong is not None and (value := quote(wrong()[0]["input"])) not in problem:
        problem += f", not {value}"
    return f"{problem} (see {path} --help)"


def _interrupted(error: BaseException | None, debug: bool) -> int:
    signal = last_signal()
    by = "" if signal == SIGINT else f" by {signal.name}"
    return _ended(error, f"interrupted{by}; run it again to go on", interrupted_by(signal), debug)


def _ended(error: BaseException | None, sentence: str, code: int, debug: bool) -> int:
    if debug and error is not None:
        import traceback

        from cli.render.visible import visible_lines
        from store.database.secret import masked

        lines = "".join(traceback.format_exception(error)).splitlines()
        sys.stderr.writelines(f"{visible_lines(masked(line))}\n" for line in lines)
    _say(sentence)
    return code


def _say_damage() -> bool:
    """Names on stderr what the command found damaged in its stores; whether that is anything."""
    lines = damage_lines()
    for line in lines:
        _say(line)
    return bool(lines)


def _say(sentence: str) -> None:
    from cli.render.visible import visible  # here: these are needed where something went wrong
    from store.database.secret import masked

    sys.stderr.write(f"erfsweep: {visible(masked(sentence))}\n")
