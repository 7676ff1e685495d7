"""What the server answers to the page: rows by query, points, heatmaps of a few, how far a sweep is."""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from cli.render.page.limits import LARGEST_SIDE, MAX_POINTS
from cli.render.visible import visible
from pipeline.errors import ErfsweepError

if TYPE_CHECKING:
    from store.database.connection import Store

_MAX_ROWS = 200
_MAX_DETAILS = 24
_SAMPLE = 200
"""Rows by which the columns of the table are chosen."""
_SEARCHED = ("config", "stem", "id", "state", "error")
"""Columns that the text is looked for in."""

Kind: TypeAlias = Literal["sweeps", "head", "status", "rows", "points", "details"]


class Question(msgspec.Struct, frozen=True):
    """What the page asks; `number` comes back with the answer."""

    number: int
    kind: Kind
    sweep: str | None = None
    where: str = ""
    text: str = ""
    sort: str = ""
    offset: int = 0
    count: int = 50
    columns: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


_read = msgspec.json.Decoder(Question).decode


def answer(store: "Store", asked: str) -> str:
    """The answer to a question, both as JSON; what is wrong with it is told as `problem`.

    Raises MsgspecError for what is no question.
    """
    question = _read(asked)
    try:
        told = {"number": question.number, "found": _ANSWERS[question.kind](store, question)}
    except ErfsweepError as error:
        told = {"number": question.number, "problem": visible(str(error))}
    return msgspec.json.encode(told).decode()


def _sweeps(store: "Store", question: Question) -> Any:
    from store.asking.query import sweeps

    return [{"name": each.name, "about": visible(each.description)} for each in sweeps(store)]


def _head(store: "Store", question: Question) -> Any:
    from cli.render.page.head import head
    from store.asking.columns import DEFAULT
    from store.asking.query import rows

    sample = rows(store, question.sweep, columns=DEFAULT, limit=_SAMPLE)
    return msgspec.to_builtins(head(store, question.sweep, sample, live=True))


def _status(store: "Store", question: Question) -> Any:
    from store.asking.query import status

    found = status(store, question.sweep)
    states = {state: count.configs for state, count in found.states.items()}
    return {"states": states, "left": found.seconds_left, "pace": found.pace.configs}


def _rows(store: "Store", question: Question) -> Any:
    from store.asking.query import count, rows

    where = condition(question)
    limit = max(1, min(question.count, _MAX_ROWS))
    sort = (question.sort,) if question.sort else ()
    names = ("id", *question.columns)
    found = rows(
        store, question.sweep, where=where, columns=names, sort=sort, limit=limit, offset=max(0, question.offset)
    )
    everything = count(store, question.sweep)
    listed = [_shown(row) for row in found.rows]
    return {
        "total": everything if where is None else count(store, question.sweep, where=where),
        "all": everything,
        "ids": [row[0] for row in listed],
        "rows": [row[1:] for row in listed],
    }


def _points(store: "Store", question: Question) -> Any:
    from cli.render.page.layers import layers_of
    from store.asking.families import FAMILIES_FROM, families
    from store.asking.layers import NETWORKS_FROM
    from store.asking.query import rows
    from store.asking.table import Table

    names = tuple(dict.fromkeys(("id", *question.columns, *FAMILIES_FROM, *NETWORKS_FROM)))
    found = rows(store, question.sweep, where=condition(question), columns=names, limit=MAX_POINTS)
    table = Table(found.columns, [tuple(_shown(row)) for row in found.rows])
    columns = dict(zip(names, zip(*table.rows, strict=True), strict=True)) if table.rows else dict.fromkeys(names, ())
    of = families(found)
    return {
        "ids": columns["id"],
        "families": of.names,
        "family": of.of,
        "networks": layers_of(found),
        "columns": {name: columns[name] for name in question.columns},
    }


def _details(store: "Store", question: Question) -> Any:
    from cli.render.page.head import columns
    from cli.render.page.limits import LARGEST_BACKDROP
    from store.asking.backdrops import reduced_backdrops
    from store.asking.query import rows
    from store.asking.records import digests_of
    from store.asking.thumbnails import thumbnails

    wanted = question.ids[:_MAX_DETAILS]
    names = [each.name for each in columns(by_place=question.sweep is not None)]
    digests = digests_of(store, wanted)
    found = {row["id"]: row for row in rows(store, question.sweep, columns=names, digests=digests).dicts()}
    made = dict(thumbnails(store, found.values(), LARGEST_SIDE))
    there = [each for each in wanted if each in found]
    below = reduced_backdrops([found[each] for each in there], _MAX_DETAILS * LARGEST_BACKDROP**2, LARGEST_BACKDROP)
    cards = [
        {
            "id": each,
            "thumb": _thumb(made.get(found[each]["digest"])),
            "values": dict(zip(names, _shown(found[each].values()), strict=True)),
            "backdrop": number,
            "problem": problem and visible(problem),
        }
        for each, number, problem in zip(there, below.of, below.problems, strict=True)
    ]
    return {"cards": cards, "backdrops": [_thumb(each) | {"said": visible(each.said)} for each in below.backdrops]}


def _thumb(made: Any) -> Any:
    """A thumbnail, or what it is drawn on, by name, its bytes in Base64."""
    if made is None:
        return None
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in msgspec.structs.asdict(made).items()
    }


def condition(question: Question) -> str | None:
    """The condition of a question and its text together, None where there is neither.

    Raises InputError for a condition that cannot be used.
    """
    from store.asking.where import parse

    parts = []
    if question.where.strip():
        parse(question.where)  # by itself, so that what is wrong is told of what was written
        parts.append(f"({question.where.strip()})")
    if text := question.text.strip():
        parts.append("(" + " or ".join(f"like({name}, {f'*{text}*'!r})" for name in _SEARCHED) + ")")
    return " and ".join(parts) or None


def _shown(values: Any) -> list[Any]:
    return [visible(value) if isinstance(value, str) else value for value in values]


_ANSWERS: dict[str, Callable[["Store", Question], Any]] = {
    "sweeps": _sweeps,
    "head": _head,
    "status": _status,
    "rows": _rows,
    "points": _points,
    "details": _details,
}
