"""The page as one file, which holds its rows, its heatmaps and its scripts, and asks nobody for anything."""

import base64
import time
import zlib
from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cli.render.page.limits import LARGEST_SIDE, MAX_ROWS
from pipeline.errors import InputError

if TYPE_CHECKING:
    from store.asking.selection import Selection
    from store.asking.table import Table
    from store.asking.thumbnails import Thumbnail
    from store.database.connection import Store

_MAP_BYTES = 5_000_000
"""Of all levels of heatmaps: with 5,000 rows 31 x 31 for each, and the file below 10 MB."""


class Reported(msgspec.Struct, frozen=True):
    """A report that was written: its file, its rows, and its bytes."""

    file: Path
    rows: int
    bytes: int


def write_report(
    store: "Store", selection: "Selection", file: Path, command: Sequence[str] = (), *, image: bool = True
) -> Reported:
    """Writes the page about the selected rows, whole or not at all; `command` is told as what made it.

    image: with the images that heatmaps were measured on; what cannot be read is told by `store.say`.

    Raises InputError where bokeh or Jinja2 is not installed, for more than 20,000 rows, and as a table does.
    """
    from cli.render.files import write_bytes
    from cli.render.page.template import check_libraries

    check_libraries("a report")
    rows, html = _report(store, selection, command, image=image)
    data = html.encode()
    write_bytes(file, data)
    return Reported(file, rows, len(data))


def _report(store: "Store", selection: "Selection", command: Sequence[str], *, image: bool) -> tuple[int, str]:
    """(number of rows, HTML)."""
    from cli.render.page.head import columns, head
    from cli.render.page.layers import layers_of
    from cli.render.page.template import Page, page_html
    from store.asking.families import families
    from store.asking.reading import read
    from store.asking.table import Table
    from store.asking.thumbnails import thumbnails

    names = [each.name for each in columns(by_place=selection.sweep is not None)]
    found = read(store, _limited(selection), names)
    if len(found.rows) > MAX_ROWS:
        raise InputError(
            f"a report has at most {MAX_ROWS:,} rows, and these are more; keep fewer by --where or --limit, "
            "or look at all of them with `erfsweep ui`"
        )
    table = Table(found.columns, list(found.rows))
    count = len(table.rows)
    side = min(LARGEST_SIDE, isqrt(_MAP_BYTES // max(1, count)))
    made = dict(thumbnails(store, table.dicts(), side, selection.center))
    digests = [row[names.index("digest")] for row in table.rows]
    maps, packed = _maps([made.get(digest) for digest in digests])
    backdrops, images = _backdrops(store, table, len(packed)) if image else ({}, b"")
    top = head(store, selection.sweep, table, [_page(selection, command, count)])
    data = msgspec.to_builtins(top) | {
        "count": count,
        "values": [_values(table, name) for name in names],
        "families": msgspec.to_builtins(families(table)),
        "networks": layers_of(table),
        "maps": maps,
        **backdrops,
    }
    what = "the whole store" if selection.sweep is None else f"the sweep {selection.sweep}"
    page = Page(
        f"erfsweep: {selection.sweep or 'every sweep'}",
        f"{count:,} {'row' if count == 1 else 'rows'} of {what}"
        + (f" with {selection.where}" if selection.where else ""),
        side,
        _script("page-data", msgspec.json.encode(data)) + _script("page-maps", packed + images),
    )
    return count, page_html(page, "file")


def _limited(selection: "Selection") -> "Selection":
    """The selection of at most one row more than a report takes."""
    limit = MAX_ROWS + 1 if selection.limit is None else min(selection.limit, MAX_ROWS + 1)
    return msgspec.structs.replace(selection, limit=limit)


def _values(table: "Table", name: str) -> Any:
    """A column: its values; text as its words and their numbers; None where there is none."""
    from cli.render.visible import visible

    values = [value for (value,) in table.only((name,)).rows]
    if all(value is None for value in values):
        return None
    if not any(isinstance(value, str) for value in values):
        return values
    words: dict[str, int] = {}
    of = [None if value is None else words.setdefault(visible(value), len(words)) for value in values]
    return {"words": list(words), "of": of}


def _maps(made: "Sequence[Thumbnail | None]") -> tuple[list[Any], bytes]:
    """(where the heatmap of each row is and what its script needs to draw it, None where it has none; the bytes)."""
    places: list[Any] = []
    pieces: list[bytes] = []
    at = 0
    for each in made:
        if each is None:
            places.append(None)
            continue
        *how, levels, curve = msgspec.structs.astuple(each)
        places.append([at, *how, len(curve) // 2])
        pieces += [levels, curve]
        at += len(levels) + len(curve)
    return places, b"".join(pieces)


def _backdrops(store: "Store", table: "Table", at: int) -> tuple[dict[str, Any], bytes]:
    """(what the page is told of the images below heatmaps, their bytes), where the bytes will stand from `at` on."""
    from cli.render.page.limits import BACKDROP_BYTES, LARGEST_BACKDROP
    from cli.render.visible import visible
    from store.asking.backdrops import reduced_backdrops

    found = reduced_backdrops(table.dicts(), BACKDROP_BYTES, LARGEST_BACKDROP)
    for problem in dict.fromkeys(each for each in found.problems if each is not None):
        store.say(problem)
    listed = []
    for each in found.backdrops:
        listed.append([at, each.height, each.width, each.block, visible(each.said)])
        at += len(each.grey)
    problems = [None if each is None else visible(each) for each in found.problems]
    told = {"backdrops": listed, "backdrop": found.of, "problems": problems}
    return told, b"".join(each.grey for each in found.backdrops)


def _script(name: str, data: bytes) -> str:
    """An element that holds compressed bytes: nothing that a user wrote is text of the page."""
    text = base64.b64encode(zlib.compress(data)).decode()
    return f'<script type="application/octet-stream" id="{name}">{text}</script>\n'


def _page(selection: "Selection", command: Sequence[str], count: int) -> Any:
    import shlex

    from cli.render.page.head import Told
    from cli.render.times import local_time
    from cli.render.visible import visible
    from store.database.address import shown_word
    from store.queue.provenance import versions

    used = versions(("erfsweep", "bokeh", "jinja2"))
    rows = [
        ("written", local_time(time.time())),
        ("command", shlex.join(shown_word(word) for word in command) or "from Python"),
        ("rows", f"{count:,}"),
        ("where", selection.where or "all rows"),
        ("sizes", "as stored" if selection.is_stored else f"mass {selection.mass or 0.9}, center {selection.center}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in used.items())),
    ]
    return Told("This page", [(name, visible(value)) for name, value in rows])
