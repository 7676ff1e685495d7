"""What the page says before any row is asked for: columns, summary, and how it was made."""

import math
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from cli.health import Note, health_notes
from cli.render.cells import json_text
from cli.render.times import local_time
from cli.render.visible import visible
from pipeline.picture.colours import OPAQUE_FROM, anchors
from pipeline.sizes import student
from store.asking.columns import DEFAULT, without_constants
from store.asking.fields import fields
from store.asking.table import Table
from store.database.groups import GROUPS, PLACES

if TYPE_CHECKING:
    from store.asking.origins import Submitted
    from store.database.connection import Store

SWEEPS_TOLD = 20
"""Of the whole store: the origins of its last sweeps."""
COLOURED = (
    "state",
    "kernel",
    "depth",
    "features",
    "dilation",
    "stride",
    "activation",
    "init",
    "probes",
    "channel",
    "gradient",
)
"""Columns of few values, which may colour points."""


_QUANTILES = 100
"""Of Student's t that the page is sent. For more degrees of freedom it interpolates, wrong by less than 1 in 20,000."""


class Column(msgspec.Struct, frozen=True):
    """A column that the page can show. kind: int, float, bool, str or json; path: another name in conditions."""

    name: str
    kind: str
    unit: str
    about: str
    group: str
    path: str


class Told(msgspec.Struct, frozen=True):
    """Names and values under a heading."""

    heading: str
    rows: list[tuple[str, str]]


class Head(msgspec.Struct, frozen=True):
    """What the scripts read first. Every text is printable.

    shown: the columns of the table at first. coloured: columns that may colour points. colours: (red, green, blue) of
    the scale of heatmaps, from 0 to its maximum. opaque_from: the level from which on they hide an image below them.
    student: the quantiles of Student's t for intervals of 95 %, of 1, 2, ... degrees of freedom, the last of infinity.
    """

    sweep: str | None
    columns: list[Column]
    shown: list[str]
    coloured: list[str]
    states: dict[str, int]
    notes: list[dict[str, str]]
    made: list[Told]
    colours: list[list[int]]
    opaque_from: float
    student: list[float]
    live: bool = False


def head(store: "Store", sweep: str | None, sample: Table, made: Sequence[Told] = (), *, live: bool = False) -> Head:
    """The head of a page about one sweep, or about everything.

    `sample` are rows by which columns are chosen; it has the columns of `DEFAULT`. `made` is told behind the sweeps.
    Raises InputError where there is no sweep of that name.
    """
    from store.asking.health import health
    from store.asking.origins import origins
    from store.asking.query import status

    counted = status(store, sweep).states
    notes = health_notes(health(store, sweep, counted), sweep)
    told = [_told(each) for each in origins(store, sweep, SWEEPS_TOLD)]
    shown = without_constants(sample.only(DEFAULT)).columns
    return Head(
        sweep,
        columns(by_place=sweep is not None),
        list(shown),
        list(COLOURED),
        {state: count.configs for state, count in counted.items()},
        [_note(each) for each in notes],
        [*told, *made],
        anchors(),
        OPAQUE_FROM,
        [student(freedom) for freedom in (*range(1, _QUANTILES + 1), math.inf)],
        live,
    )


def columns(*, by_place: bool) -> list[Column]:
    """Every column of a page, those of places only where it is about one sweep."""
    return [
        Column(each.name, each.type, each.unit, each.description, GROUPS[each.group], each.path)
        for each in fields()
        if by_place or each.name not in PLACES
    ]


def _note(note: Note) -> dict[str, str]:
    return {"text": visible(note.text), "where": note.where}


def _told(submitted: "Submitted") -> Told:
    origin = submitted.origin
    commit = origin.git_commit and f"{origin.git_commit[:12]}{', with changes' if origin.git_dirty else ''}"
    rows: list[tuple[str, Any]] = [
        ("submitted", local_time(origin.created_at)),
        ("command", shlex.join(origin.argv)),
        ("host", origin.host),
        ("git commit", commit or "none"),
        ("versions", ", ".join(f"{name} {version}" for name, version in origin.versions.items())),
        *(("as written", json_text(spec, indent=0)) for spec in submitted.specs),
    ]
    return Told(f"Sweep {submitted.sweep}", [(name, visible(str(value))) for name, value in rows])
