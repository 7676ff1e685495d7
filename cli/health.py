"""Lines on stderr about results that a reader should not take at face value, each with what to type."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from store.asking.health import Health
    from store.database.connection import Store
    from store.queue.states import Count


class Note(NamedTuple):
    """A sentence about results, and the `--where` condition that they meet."""

    text: str
    where: str


def print_health(store: "Store", sweep: str | None, states: "Mapping[str, Count]") -> None:
    """Says what is wrong with the results of a sweep, or of everything, whose configs were counted by state."""
    from store.asking.health import health

    for note in health_notes(health(store, sweep, states), sweep):
        sys.stderr.write(note.text + "\n")


def health_notes(found: "Health", sweep: str | None) -> list[Note]:
    """A sentence for each thing that is wrong."""
    more = "try -s readout.channel=sum or other seeds" if found.of_one_channel else "try other seeds or wider layers"
    table = " ".join(filter(None, ("erfsweep table", sweep)))
    why = (
        f"""`{table} --where "state in ('failed', 'killed')" -c id,config,error` says why, --retry-failed tries again"""
    )
    lines = [
        (found.dead, f"dead, no probe's gradient reaches the input: {more}", "dead"),
        (
            found.thin,
            f"thin, with a gradient from fewer than half of {_their(found.thin)} probes: {more}",
            "not dead and 2 * (n_zero + n_nan) > probes_count",
        ),
        (
            found.cut_off,
            f"cut off, as the window leaves the plane: {_uncut(found)}",
            "saturated and not is_global",
        ),
        (found.failed + found.killed, f"without a result: {why}", "state in ('failed', 'killed')"),
    ]
    return [
        Note(f"{number:,} of {_configs(found)} {_are(number)} {what}", where) for number, what, where in lines if number
    ]


def _uncut(found: "Health") -> str:
    """What to type so that no window leaves its plane."""
    cures = ([_plane(found)] if found.widest else []) + (["-s readout.position=center"] * (found.off_centre > 0))
    return "take " + ", and ".join(cures)


def _plane(found: "Health") -> str:
    """What to type for units at the centre, whose windows a plane can hold."""
    from store.asking.health import side_that_holds

    held = side_that_holds(found)
    if held is None:
        return "no -s input=, and a plane that holds it is chosen"
    side, is_chosen = held
    return f"-s input={side}, or leave input out" if is_chosen else f"-s input={side}"


def _configs(found: "Health") -> str:
    return "1 config" if found.configs == 1 else f"{found.configs:,} configs"


def _their(number: int) -> str:
    return "its" if number == 1 else "their"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
