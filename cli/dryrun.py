"""`--dry-run`: how many configs a run would measure, and why each."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cli.exit import ExitCode

if TYPE_CHECKING:
    from pipeline.limits import Limits
    from store.asking.dryrun import DryRun, Foreseen, Standing
    from store.queue.sweeps import Mode

_WHY: "dict[Standing, str]" = {
    "new": "new",
    "queued": "queued before and not measured yet",
    "running": "held by another process",
    "done": "done already",
    "failed": "failed before; --retry-failed measures it again",
    "limited": "failed under narrower limits; measured again",
    "killed": "ended its worker before; --retry-failed measures it again",
}
_SHORT = {"limited": "failed under narrower limits"}
_NAMED_AT_MOST = 3


def explain(
    url: str,
    sweep: str,
    overrides: Mapping[str, Any],
    name: str | None,
    most: int,
    limits: "Limits",
    mode: "Mode" = "new",
    retry_failed: bool = False,
    verbose: bool = False,
) -> int:
    """Prints what `run` would do; nothing is written, not even a store.

    Configs that would take more memory than `limits` have are named. With `retry_failed` what failed or was killed is
    work, too. In `mode` new a name that is taken by another list is told.
    """
    from cli.opened import opened_if_there
    from cli.progress import tracked
    from pipeline.sweep.sweep import check_size
    from store.asking.dryrun import dry_run, dry_run_of_stored, foreseen
    from store.asking.resolve import resolve

    store = opened_if_there(url, create=False)
    found = resolve(sweep, overrides, name, store)
    if isinstance(found, str):
        assert store is not None  # noqa: S101  (for the type checker: a sweep that is stored has a store)
        _print(dry_run_of_stored(store, found, limits, retry_failed=retry_failed), found)
        return ExitCode.DONE
    check_size(found, most)
    each: Iterable[Foreseen] = tracked(foreseen(store, found, limits, retry_failed=retry_failed), found.size, "reading")
    _print(dry_run(store, found, _told(each) if verbose else each, mode), found.name)
    return ExitCode.DONE


def _told(each: "Iterable[Foreseen]") -> "Iterator[Foreseen]":
    """The same, each printed with why a run would measure it, or would not."""
    from cli.render.visible import visible
    from pipeline.ids import id_of

    for one in each:
        why = one.refusal or _why(one)
        sys.stdout.write(f"{id_of(one.config.digest)}  {visible(one.label or one.config.stem)}: {why}\n")
        yield one


def _why(one: "Foreseen") -> str:
    """Why a run would measure a config, or would not."""
    why = _WHY[one.standing]
    return why.replace("--retry-failed measures it again", "measured again") if one.is_wanted else why


def _print(found: "DryRun", name: str) -> None:
    from cli.progress import duration

    numbers = [(each, found.standings[each]) for each in _WHY if each in found.standings]
    shown = ", ".join(f"{number} {_SHORT.get(standing, standing)}" for standing, number in numbers)
    shown += f", {found.repeated} that come again" if found.repeated else ""
    sys.stdout.write(f"{shown}; about {duration(found.seconds)} of work on one core\n")
    if found.refusals:
        sys.stdout.write(f"{len(found.refusals)} of these would be refused:\n")
        reasons = list(dict.fromkeys(found.refusals))
        more = [f"and {len(reasons) - _NAMED_AT_MOST} more"] if len(reasons) > _NAMED_AT_MOST else []
        sys.stdout.writelines(f"  {line}\n" for line in [*reasons[:_NAMED_AT_MOST], *more])
    if found.is_taken:
        sys.stdout.write(
            f"the run would be refused: sweep {name} exists with another list; use --append, --replace or another "
            "name\n"
        )
