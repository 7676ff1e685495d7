"""A figure that knows what it shows: it saves itself with its query, without a date, with text that stays text."""

import shlex
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cli.render.plots.choices import COLUMN_WIDTH
from cli.render.plots.style import styled
from cli.render.visible import visible
from pipeline.errors import InputError, counted, quote

SUFFIXES = (".png", ".svg", ".pdf")
_PAD = 0.03
"""Inches around panels and at the border."""
_NARROW = 3.0
"""Inches from which on a legend has room for columns."""
_PASSES = 2
"""Layouts until the height fits: the first moves the panels together."""
_IDS_TOLD = 50
"""In the metadata of a file."""


class About(msgspec.Struct, frozen=True):
    """What a picture shows: its title, the words of the command that draws it, the ids of the configs in it."""

    title: str
    words: tuple[str, ...]
    ids: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """The command that draws it, without the store and the file."""
        return visible(shlex.join(("erfsweep", "plot", *self.words)))

    @property
    def keywords(self) -> list[str]:
        """What the file can be found by: the first ids among it."""
        more = [f"and {len(self.ids) - _IDS_TOLD} more"] if len(self.ids) > _IDS_TOLD else []
        return ["erfsweep", "effective receptive field", *self.ids[:_IDS_TOLD], *more]


class Picture(Figure):  # type: ignore[misc]  # Matplotlib is an extra, and is not looked into
    """A figure of Matplotlib. It is in no list of open figures, so nothing has to close it; a notebook shows it."""

    about: About

    def savefig(self, fname: Any, *, transparent: bool | None = None, **options: Any) -> None:
        """As `matplotlib.figure.Figure.savefig`, with the metadata of the picture unless others are given."""
        suffix = options.get("format") or Path(str(fname)).suffix.removeprefix(".")
        options.setdefault("metadata", _metadata(self.about, str(suffix).lower()))
        with styled():
            super().savefig(fname, transparent=transparent, **options)

    def file(self, suffix: str, dpi: float | None = None) -> bytes:
        """The bytes of a file of the picture; `suffix` is .png, .svg or .pdf, `dpi` the dots to an inch."""
        stream = BytesIO()
        self.savefig(stream, format=suffix.removeprefix("."), dpi="figure" if dpi is None else dpi)
        return stream.getvalue()

    def _repr_png_(self) -> bytes:
        return self.file(".png", 150)


def check_suffix(path: Path) -> None:
    """Raises InputError where a file is called as no format is."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"--output {quote(path)} ends in no format; end it in {', '.join(SUFFIXES[:-1])} or .pdf")


def picture(about: About, height: float, width: float = COLUMN_WIDTH, *, has_squares: bool = False) -> Picture:
    """An empty picture of so many inches. `has_squares`: its panels have a fixed shape, and move close together."""
    with styled():
        made = Picture(figsize=(width, height), layout="compressed" if has_squares else "constrained")
        made.get_layout_engine().set(w_pad=_PAD, h_pad=_PAD, wspace=_PAD, hspace=_PAD)
    made.about = about
    return made


def panels(axes: "Axes | Sequence[Axes] | None", count: int) -> list[Axes]:
    """A caller's own axes as a list. Raises InputError where they are not as many as the picture has panels."""
    import numpy as np

    found = [*np.asarray(axes, dtype=object).ravel()]
    if len(found) != count:
        raise InputError(f"this picture takes {counted(count, 'panel')}, not {len(found)}; give as many axes")
    return found


def legend_below(made: Picture, handles: Sequence[Any], columns: int = 1, title: str | None = None) -> None:
    """A legend below all panels, where it hides nothing; in one column where the picture is narrow."""
    columns = columns if made.get_figwidth() >= _NARROW else 1
    if handles:
        made.legend(handles=[*handles], loc="outside lower center", ncols=columns, title=title, alignment="left")


def fit_height(made: Picture) -> None:
    """Takes away the height that panels of a fixed shape leave empty."""
    for _ in range(_PASSES):
        made.draw_without_rendering()
        made.set_figheight(made.get_tightbbox().height + 2 * _PAD)


def legend_above(made: Picture, handles: Sequence[Any], columns: int) -> None:
    """A legend in lines of so many entries above all panels."""
    made.legend(handles=[*handles], loc="outside upper center", ncols=columns)


def _metadata(about: About, suffix: str) -> dict[str, Any]:
    title, query = visible(about.title), about.query
    match suffix:
        case "pdf":
            words = ", ".join(about.keywords)
            about_it = {"Title": title, "Subject": query, "Keywords": words}
            return {**about_it, "Creator": "erfsweep", "CreationDate": None}
        case "svg":
            return {
                "Title": title,
                "Description": query,
                "Keywords": about.keywords,
                "Creator": "erfsweep",
                "Date": None,
            }
        case "png":
            words = ", ".join(about.keywords)
            return {"Title": title, "Description": query, "Keywords": words, "Software": "erfsweep"}
    return {}
