"""Every picture by its kind: what the store is asked for it, and how it is drawn, for the command and for Python."""

from collections.abc import Callable, Sequence
from typing import Any

from cli.render.plots.choices import COLUMN_WIDTH, LARGEST_GRID, MOST_PANELS, AlongName, AreaName, CurveName, ScaleName
from cli.render.plots.style import needed
from pipeline.errors import InputError
from store.asking.choices import CenterName
from store.asking.selection import Selection
from store.database.connection import Store

_WIDTHS = (2.5, 40.0)
"""Inches that a picture may be wide."""


class Plots:
    """The pictures of a store.

    Each method returns a figure of Matplotlib, which a notebook shows and `savefig` writes; with `axes`, a panel of
    your own or as many as the picture has, it draws into these and returns their figure. `width` is in inches. The
    other arguments are those of `erfsweep plot`. Raises InputError where Matplotlib is not installed (the extra
    `plot`), for what cannot be used as written, and where there is nothing to draw.
    """

    def __init__(self, store: Store, sound: Callable[[Any], Any] | None = None) -> None:
        """`sound` is called with each figure and returns it: it may tell what was damaged and left out."""
        self.store = store
        self._sound = sound or (lambda figure: figure)

    def heatmap(
        self,
        config: str,
        *,
        axes: Any = None,
        scale: ScaleName = "linear",
        area: AreaName = "window",
        image: bool = True,
        mass: float | None = None,
        center: CenterName = "unit",
        width: float = COLUMN_WIDTH,
    ) -> Any:
        """One heatmap with the theoretical window and the effective square; `config` is as `record` takes it.

        image: where probes are images, it lies on the image or on the mean of several.
        """
        _check(width)
        from cli.render.plots.figure import About
        from cli.render.plots.heatmap import heatmap_figure
        from store.asking.pictured import one_pictured

        of = one_pictured(self.store, config, Selection(mass=mass, center=center), image=image)
        options = {"scale": scale, "area": area, "no-image": not image, "mass": mass, "center": center}
        words = _words("heatmap", config, **options, width=width)
        about = About(f"Heatmap of {of.name}", words, of.ids)
        return self._sound(heatmap_figure(of, about, axes=axes, scale=scale, area=area, width=width))

    def heatmaps(
        self,
        sweep: str | None = None,
        *,
        axes: Any = None,
        where: str | None = None,
        sort: Sequence[str] = (),
        limit: int | None = None,
        over: str | None = None,
        scale: ScaleName = "linear",
        shared: bool = False,
        area: AreaName = "window",
        image: bool = True,
        mass: float | None = None,
        center: CenterName = "unit",
        width: float = COLUMN_WIDTH,
    ) -> Any:
        """A grid of heatmaps, the first 16 unless `limit` says otherwise; `shared`: one scale of shades for all.

        `over` draws the mean heatmap of each group of results that differ in this axis alone; `image` is that of
        `heatmap`.
        """
        _check(width)
        from cli.render.plots.figure import About
        from cli.render.plots.heatmaps import heatmaps_figure
        from store.asking.pictured import mean_of_groups, pictured

        if limit is not None and limit > LARGEST_GRID:
            raise InputError(f"--limit {limit} is more than a picture has panels; draw at most {LARGEST_GRID} heatmaps")
        selection = Selection(sweep, where, tuple(sort), limit or MOST_PANELS, mass, center)
        if over is None:
            of = pictured(self.store, selection, image=image)
        else:
            of = mean_of_groups(self.store, selection, over, image=image)
        if not of:
            raise _nothing(sweep, where)
        options = {"where": where, "sort": ",".join(sort), "limit": limit, "over": over}
        shades = {"scale": scale, "shared": shared, "area": area, "no-image": not image}
        words = _words("heatmaps", sweep, **options, **shades, mass=mass, center=center, width=width)
        about = About(f"Heatmaps of {sweep or 'the store'}", words, tuple(key for each in of for key in each.ids))
        return self._sound(heatmaps_figure(of, about, axes=axes, scale=scale, shared=shared, area=area, width=width))

    def curves(
        self,
        sweep: str | None = None,
        *,
        axes: Any = None,
        where: str | None = None,
        sort: Sequence[str] = (),
        limit: int | None = None,
        over: str | None = None,
        curve: CurveName = "square",
        mass: float | None = None,
        center: CenterName = "unit",
        width: float = COLUMN_WIDTH,
    ) -> Any:
        """Mass curves with the closed form dashed; `over` draws the mean of each group, with a band of its spread."""
        _check(width)
        from cli.render.plots.curves import curves_figure
        from cli.render.plots.figure import About
        from pipeline.sizes import FRACTION
        from store.asking.mass_curves import mass_curves

        if mass is not None and not 0 < mass <= 1:
            raise InputError(f"--mass {mass} is not a share of the mass; give a number above 0 and at most 1")
        found = mass_curves(self.store, Selection(sweep, where, tuple(sort), limit, None, center), over)
        if not found.curves:
            raise _nothing(sweep, where)
        options = {"where": where, "sort": ",".join(sort), "limit": limit, "over": over, "curve": curve, "mass": mass}
        words = _words("curves", sweep, **options, center=center, width=width)
        ids = tuple(key for each in found.curves for key in each.ids)
        about = About(f"Mass curves of {sweep or 'the store'}", words, ids)
        return self._sound(
            curves_figure(found, about, axes=axes, curve=curve, mass=FRACTION if mass is None else mass, width=width)
        )

    def growth(
        self,
        sweep: str | None = None,
        *,
        axes: Any = None,
        size: str = "luo",
        along: AlongName | None = None,
        where: str | None = None,
        mass: float | None = None,
        center: CenterName = "unit",
        width: float = COLUMN_WIDTH,
    ) -> Any:
        """A size against depth and theoretical RF, log-log, with power laws; `along` names one of them."""
        _check(width)
        from cli.render.plots.figure import About
        from cli.render.plots.growth import growth_figure
        from store.asking.growth import families, growth_columns, no_growth
        from store.asking.reading import read

        rows = read(self.store, Selection(sweep, where, (), None, mass, center), growth_columns(size))
        if not len(rows.rows):
            raise _nothing(sweep, where)
        found = families(rows, size)
        if not any(each.points for each in found):
            raise no_growth(size)
        options = {"size": size, "along": along, "where": where, "mass": mass, "center": center}
        about = About(f"Growth of {size} in {sweep or 'the store'}", _words("growth", sweep, **options, width=width))
        return self._sound(growth_figure(found, size, about, along=along, axes=axes, width=width))

    def layers(
        self,
        sweep: str | None = None,
        *,
        axes: Any = None,
        size: str = "eff_rf",
        where: str | None = None,
        over: str | None = None,
        mass: float | None = None,
        center: CenterName = "unit",
        width: float = COLUMN_WIDTH,
    ) -> Any:
        """A size at each layer of networks against the theoretical RF; `over` draws means with a band of their spread.

        Configs that differ in `readout.layer` alone are one network.
        """
        _check(width)
        from cli.render.plots.figure import About
        from cli.render.plots.layers import layers_figure
        from store.asking.layers import layers, layers_columns
        from store.asking.reading import read

        rows = read(self.store, Selection(sweep, where, (), None, mass, center), layers_columns(size))
        if not len(rows.rows):
            raise _nothing(sweep, where)
        found = layers(rows, size, over)
        options = {"size": size if size != "eff_rf" else None, "where": where, "over": over, "mass": mass}
        words = _words("layers", sweep, **options, center=center, width=width)
        about = About(f"Layers of {sweep or 'the store'}: {size}", words, found.ids)
        return self._sound(layers_figure(found, size, about, axes=axes, width=width))

    def compare(
        self,
        a: str,
        b: str | None = None,
        *,
        axes: Any = None,
        by: str | None = None,
        where: str | None = None,
        scale: ScaleName = "linear",
        mass: float | None = None,
        center: CenterName = "unit",
        width: float = COLUMN_WIDTH,
    ) -> Any:
        """Two heatmaps, their difference and their profiles, in four panels.

        They are what `compare` of the store takes; of several draws it is their mean heatmap.
        """
        _check(width)
        from cli.render.plots.comparison import comparison_figure
        from cli.render.plots.figure import About
        from store.asking.pictured import mean_halves, mean_pictured
        from store.asking.pictured_pair import pictured_pair
        from store.asking.sides import check_sides

        selection = Selection(None, where, (), None, mass, center)
        check_sides(b, by)
        if by is not None:
            pair = pictured_pair(*mean_halves(self.store, a, by, selection))
        else:
            pair = pictured_pair(*(mean_pictured(self.store, name, selection) for name in (a, b or "")))
        words = _words("compare", a, b, by=by, where=where, scale=scale, mass=mass, center=center, width=width)
        about = About(f"{pair.b.name} against {pair.a.name}", words, (*pair.a.ids, *pair.b.ids))
        return self._sound(comparison_figure(pair, about, axes=axes, scale=scale, width=width))

    def pareto(
        self,
        sweep: str | None = None,
        *,
        max: str | Sequence[str] = (),  # as the options are called
        min: str | Sequence[str] = (),
        axes: Any = None,
        where: str | None = None,
        over: str | None = None,
        mass: float | None = None,
        center: CenterName = "unit",
        width: float = COLUMN_WIDTH,
    ) -> Any:
        """The results that no other beats, among all: a panel for each objective after the first, against it."""
        _check(width)
        from cli.render.plots.figure import About
        from cli.render.plots.pareto import pareto_figure
        from store.asking.pareto import front, objectives

        wanted = objectives(_names(max), _names(min))
        found = front(self.store, Selection(sweep, where, (), None, mass, center), wanted, None, over)
        if not len(found.candidates.rows):
            raise _nothing(sweep, where)
        options = {each: ",".join(_names(names)) for each, names in (("max", max), ("min", min))}
        words = _words("pareto", sweep, **options, where=where, over=over, mass=mass, center=center, width=width)
        ids = () if over else tuple(row["id"] for row in found.table().dicts())
        about = About(f"Pareto front of {sweep or 'the store'}: {', '.join(map(str, wanted))}", words, ids)
        return self._sound(pareto_figure(found, about, axes=axes, width=width))


def _names(written: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(each.strip() for each in written.split(",")) if isinstance(written, str) else tuple(written)


def _check(width: float) -> None:
    needed()
    low, high = _WIDTHS
    if not low <= width <= high:
        raise InputError(f"--width {width:g} is not the width of a picture; give {low:g} to {high:g} inches")


def _nothing(sweep: str | None, where: str | None) -> InputError:
    from pipeline.errors import quote

    of = "the store" if sweep is None else quote(sweep)
    if where is not None:
        return InputError(f"no result of {of} meets --where {quote(where)}, so there is nothing to draw; widen it")
    return InputError(f"{of} has no result to draw yet; `erfsweep work` measures what is queued")


_DEFAULTS: dict[str, Any] = {
    "scale": "linear",
    "area": "window",
    "center": "unit",
    "curve": "square",
    "size": "luo",
    "width": COLUMN_WIDTH,
}
"""Values of options that need not be written."""


def _words(kind: str, *names: str | None, **options: Any) -> tuple[str, ...]:
    """The words of the command that draws a picture."""
    words = [kind, *(name for name in names if name is not None)]
    for name, value in options.items():
        if value is True:
            words.append(f"--{name}")
        elif value not in (None, False, "", _DEFAULTS.get(name)):
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return tuple(words)
