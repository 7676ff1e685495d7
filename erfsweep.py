"""Effective receptive fields from Python; `python -m erfsweep` is the command.

>>> found = measure("4x3x3", input=21, seed=7, readout={"channel": "sum"})
>>> found.heatmap.shape, found.theory.theo_rf, found.sizes.eff_rf
((21, 21), 9, 7.0)

What takes long to import is imported where it is first used.
"""

import importlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from cli.render.page.limits import DEFAULT_PORT
from pipeline.errors import EngineError, ErfsweepError, InputError, StoreError
from pipeline.limits import DEFAULT_MAX_CONFIGS, DEFAULT_MEMORY

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cli.render.page.report import Reported
    from cli.render.plots.plots import Plots
    from pipeline.engines.names import EngineName
    from pipeline.measurement import Measurement
    from pipeline.sweep.names import Labelled
    from pipeline.theory import Region, Walk
    from pipeline.work import Progress, Summary
    from store.asking.answer import Answer
    from store.asking.choices import CenterName, MapName
    from store.asking.comparison import Comparison
    from store.asking.export.export import Exported
    from store.asking.export.formats import CurveFormat, ExportFormat, HeatmapFormat
    from store.asking.health import Health
    from store.asking.labelled import Align
    from store.asking.pareto import Front
    from store.asking.query import Status, SweepLine
    from store.asking.records import Record
    from store.database.connection import Store as Connected
    from store.queue.sweeps import Mode, Submission

__all__ = [
    "EngineError",
    "ErfsweepError",
    "InputError",
    "Measurement",
    "Store",
    "StoreError",
    "import_model",
    "measure",
    "open_store",
    "region",
    "theory",
]

T = TypeVar("T")

DEFAULT_URL = "sqlite:///erfsweep.db"
_LATER = {"Measurement": "pipeline.measurement"}
"""Names that are imported when they are first asked for, and from where."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def measure(stem: str, *, memory: int = DEFAULT_MEMORY, timeout: float | None = None, **config: Any) -> "Measurement":
    """Measures one stem in this process, bit for bit as every engine does.

    `config` has the fields of a sweep file: `input`, `init`, `probes`, `readout`, `dtype`, and `seed`. `memory` (bytes)
    and `timeout` (s) say what it may take. The heatmap is float64 [height, width].
    Raises InputError for a stem or a field that cannot be used, and where it would take more than it may.
    """
    from pipeline.limits import Limits
    from pipeline.measurement import measurement
    from pipeline.sweep.single import single_config

    return measurement(single_config(stem, config), Limits(memory, timeout))


def theory(stem: str, input: object = None) -> "Walk":  # as a config calls it
    """The receptive-field arithmetic of a stem, layer by layer, without measuring.

    `stem` is notation or the path of a file that holds one, `input` a plane such as 224, `224x320` or `224x224x3`, and
    None one that holds the window. Raises InputError for a stem that cannot be used or does not fit the plane.
    """
    from pipeline.sweep.walked import walked

    return walked(stem, input)


def region(
    stem: str,
    unit: tuple[int, int],
    channel: int | None = None,
    input: object = None,  # as a config calls it
) -> "Region":
    """The region of the input that one unit (y, x) of a stem's output sees, without measuring.

    channel: the unit's, None for all of them together. `stem` and `input` as `theory` takes them. Raises InputError as
    `theory` does, and for a unit or a channel that the output does not have.
    """
    from pipeline.sweep.walked import network_of
    from pipeline.theory import region

    return region(network_of(stem, input), unit, channel)


def import_model(
    path: str | PathLike[str],
    to: str | PathLike[str] | None = None,
    *,
    output: str | None = None,
    input: str | None = None,  # as the command calls it
    replace: bool = False,
) -> tuple[Path, Path]:
    """Writes a trained network, an ONNX file, as a sweep file and a file of its weights; returns their paths.

    `to` is their path without a suffix, by default the model's name in the working directory. `output` names the tensor
    that ends the network, `input` the sides, `224x320`, of one that leaves them free; `replace` writes over files of
    that name. Raises InputError as `erfsweep import` does.
    """
    from pipeline.models import import_model as imported
    from pipeline.models import write_import
    from pipeline.sweep.input_plane import written_image_sides

    sides = None if input is None else written_image_sides(input)
    return write_import(imported(Path(path), output, sides), Path(to or Path(path).stem), replace)


def open_store(url: str = DEFAULT_URL, *, create: bool = False) -> "Store":
    """The store at an SQLAlchemy URL, SQLite or PostgreSQL; with `create` it is made if it is not there.

    Raises InputError for a URL that cannot be used as written, StoreError for a database that cannot.
    """
    from store.database.opening import open_store as opened

    return Store(opened(url, create=create, say=_warn))


class Store:
    """An open store. Close it, or use it in a `with` statement. Threads may share it.

    Rows and results that are damaged are left out with a RuntimeWarning.
    """

    def __init__(self, store: "Connected") -> None:
        self._store = store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections back."""
        self._store.close()

    def sweeps(self) -> "list[SweepLine]":
        """Every sweep, the oldest first: its name, when it was submitted, its configs by state."""
        from store.asking.query import sweeps

        return self._sound(sweeps(self._store))

    def status(self, sweep: str | None = None) -> "Status":
        """How far a sweep is, or everything. Raises InputError where there is no sweep of that name."""
        from store.asking.query import status

        return status(self._store, sweep)

    def health(self, sweep: str | None = None) -> "Health":
        """How many results of a sweep, or of everything, a reader should not take at face value."""
        from store.asking.health import health

        return health(self._store, sweep, self.status(sweep).states)

    def table(
        self,
        sweep: str | None = None,
        *,
        where: str | None = None,
        columns: str | Sequence[str] | None = None,
        sort: str | Sequence[str] = (),
        limit: int | None = None,
        over: str | None = None,
        map: "MapName | None" = None,  # as the option is called
        mass: float | Sequence[float] | None = None,
        center: "CenterName" = "unit",
        diff: bool = False,
        pivot: str | Sequence[str] = (),
        value: str | Sequence[str] = (),
    ) -> "Answer":
        """Rows of a sweep, or of everything, as `erfsweep table` shows them; they are kept packed.

        `where` is an expression such as `kernel == 3 and ratio < 0.8`; `columns` are names, paths (`probes.count`),
        groups (`sizes`) and globs (`eff_*`); `sort` are names, a dash in front of one to sort by: descending. With
        `over`, an axis such as `seed`, there is a row for each group that is alike in everything else; `map` (`mean` or
        `square`) adds the sizes of its averaged heatmap. `mass` (0 to 1) and `center` (`unit` or `plane`) ask for other
        sizes than those that are stored; with several masses a size has a column for each, such as `eff_rf@0.5`.
        `diff` leaves out columns that are the same in all rows. `pivot` names the columns down the side and, the last,
        across the top, and `value` those in the cells.
        Raises InputError for what cannot be used as written.
        """
        from store.asking.answer import Answer
        from store.asking.selection import Selection
        from store.asking.tables import table_of

        selection = Selection(sweep, where, _names(sort), limit, None, center)
        masses = () if mass is None else (mass,) if isinstance(mass, int | float) else tuple(mass)
        names = None if columns is None else _names(columns)
        found = table_of(
            self._store,
            selection,
            names,
            over,
            map,
            masses=masses,
            diff=diff,
            pivot=_names(pivot),
            values=_names(value),
        )

        def labelled(align: "Align") -> Any:
            from store.asking.labelled import dataset

            of = Selection(sweep, where, _names(sort), limit, masses[0] if masses else None, center)
            return self._sound(dataset(self._store, of, names, align))

        def images() -> list[str]:
            from store.asking.html import ROWS_SHOWN
            from store.asking.images import IMAGES_FROM, images
            from store.asking.reading import read

            first = ROWS_SHOWN if limit is None else min(limit, ROWS_SHOWN)
            some = read(self._store, Selection(sweep, where, _names(sort), first, None, center), IMAGES_FROM)
            return self._sound([*images(self._store, some.dicts(), center)])

        if over or pivot or len(masses) > 1:
            return Answer(self._sound(found))
        return Answer(self._sound(found), labelled, images)

    def rows(self, sweep: str | None = None, **asked: Any) -> list[dict[str, Any]]:
        """The rows that `table` has, each a dict by column: str, int, float, bool or None."""
        return list(self.table(sweep, **asked).dicts())

    def compare(
        self,
        a: str,
        b: str | None = None,
        *,
        by: str | None = None,
        sizes: str | Sequence[str] | None = None,
        where: str | None = None,
        mass: float | None = None,
        center: "CenterName" = "unit",
    ) -> "Comparison":
        """How the sizes of `b` differ from those of `a`, over the pairs of results that agree in what they share.

        Each is a stored sweep, a label, a stem, or one config as `record` takes it. Instead of `b`, `by` splits the
        results of `a` in two: by an axis of two values, such as `activation`, or by two of its values, `kernel=3,5`.
        `sizes` are names (the usual ones); `where`, `mass` and `center` are those of `table`. Raises InputError for
        what cannot be used as written, and where nothing pairs.
        """
        from store.asking.columns import SIZES
        from store.asking.comparison import compare

        names = SIZES if sizes is None else _names(sizes)
        return self._sound(compare(self._store, a, b, names, by=by, where=where, mass=mass, center=center))

    def growth(
        self,
        sweep: str | None = None,
        *,
        size: str = "luo",
        where: str | None = None,
        mass: float | None = None,
        center: "CenterName" = "unit",
    ) -> "Answer":
        """How a size grows with depth and with theoretical RF, as `erfsweep growth` has it; `plot.growth` draws it.

        There is a row for each family of plain stacks and each law: the slope with its 95 % interval. Raises InputError
        for what cannot be used as written, and where no family has the size at two depths.
        """
        from store.asking.answer import Answer
        from store.asking.growth import growth_columns, growth_table
        from store.asking.reading import read
        from store.asking.selection import Selection

        found = read(self._store, Selection(sweep, where, (), None, mass, center), growth_columns(size))
        return Answer(self._sound(growth_table(found, size)))

    def pareto(
        self,
        sweep: str | None = None,
        *,
        max: str | Sequence[str] = (),  # as the options are called
        min: str | Sequence[str] = (),
        where: str | None = None,
        columns: str | Sequence[str] | None = None,
        over: str | None = None,
        mass: float | None = None,
        center: "CenterName" = "unit",
    ) -> "Front":
        """The results that no other beats, as `erfsweep pareto` has them.

        `max` and `min` are columns of which more, or less, is better. `columns` are shown beside these; the rest is as
        `table` has it. Raises InputError for what cannot be used as written.
        """
        from store.asking.pareto import front, objectives
        from store.asking.selection import Selection

        names = None if columns is None else _names(columns)
        wanted = objectives(_names(max), _names(min))
        return self._sound(front(self._store, Selection(sweep, where, (), None, mass, center), wanted, names, over))

    @property
    def plot(self) -> "Plots":
        """The pictures of the store, by kind: `store.plot.heatmap("growth:17")` returns a figure of Matplotlib.

        Raises InputError where Matplotlib is not installed (the extra `plot`), when one of them is drawn.
        """
        from cli.render.plots.plots import Plots

        return Plots(self._store, self._sound)

    def record(self, config: str) -> "Record":
        """Everything that is kept of one config but its arrays.

        `config` is the beginning of its id, or `SWEEP:position`. Raises InputError where that names none, or several.
        """
        from store.asking.records import find

        return find(self._store, config)

    def heatmap(self, config: str) -> "npt.NDArray[np.float64]":
        """The heatmap of one config, float64 [height, width] on its input plane, read-only.

        Raises InputError where it is not measured, StoreError where it is damaged, and as `record` does.
        """
        return self._arrays(config)[0]

    def curves(self, config: str) -> "npt.NDArray[np.float64] | None":
        """The mass curves of one config as `Measurement` has them, float64 [4, radii]; raises as `heatmap` does."""
        return self._arrays(config)[1]

    def export(
        self,
        sweep: str,
        folder: str | PathLike[str],
        *,
        where: str | None = None,
        over: str | None = None,
        map: "MapName | None" = None,  # as the option is called
        mass: float | None = None,
        center: "CenterName" = "unit",
        format: "ExportFormat" = "csv",  # as the option is called
        curves: "CurveFormat | None" = None,
        heatmaps: "HeatmapFormat | None" = None,
        force: bool = False,
    ) -> "Exported":
        """Writes a sweep as files into a folder, in place of its last export there, as `erfsweep export` does.

        `format` is that of the table: `csv`, `json`, `jsonl` or `parquet`. `curves` are `csv` (the default: the curve
        of the centred square), `npy`, `npz` (all four) or `none`, `heatmaps` `npy` or `npz`. The rest is as `table` has
        it. Raises InputError for a folder that holds something else, unless `force`, or that cannot be written.
        """
        from cli.render.tables import MACHINE_LINES
        from store.asking.export.export import Wanted, export
        from store.asking.selection import Selection

        wanted = Wanted(Selection(sweep, where, (), None, mass, center), over, map, format, curves, heatmaps)
        return self._sound(export(self._store, Path(folder), wanted, MACHINE_LINES.get(format), force=force))

    def report(
        self,
        sweep: str | None = None,
        file: str | PathLike[str] = "report.html",
        *,
        where: str | None = None,
        limit: int | None = None,
        mass: float | None = None,
        center: "CenterName" = "unit",
        image: bool = True,
    ) -> "Reported":
        """Writes results as one page for a browser, as `erfsweep report` does; the arguments are those of `table`.

        image: with the images that heatmaps were measured on, where probes are images.

        Raises InputError where bokeh or Jinja2 is not installed (the extra `report`), for more than 20,000 rows, and
        for a file that cannot be written.
        """
        from cli.render.page.report import write_report
        from store.asking.selection import Selection

        selection = Selection(sweep, where, (), limit, mass, center)
        return self._sound(write_report(self._store, selection, Path(file), image=image))

    def serve(self, port: int = DEFAULT_PORT) -> None:
        """Serves the page of `report` live at this port of 127.0.0.1, as `erfsweep ui` does, until KeyboardInterrupt.

        Nothing can be written through this store any more. Raises InputError where bokeh or Jinja2 is not installed
        (the extra `report`), and for a port that cannot be used.
        """
        from cli.render.page.server import serve

        serve(self._store, port)

    def submit(
        self,
        sweep: str | Mapping[str, Any],
        *,
        axes: Mapping[str, Any] | None = None,
        name: str | None = None,
        mode: "Mode" = "new",
        max_configs: int = DEFAULT_MAX_CONFIGS,
    ) -> "Submission":
        """Queues a sweep without measuring it.

        `sweep` is what `erfsweep submit` takes (a sweep file, a preset, a stored sweep, stems between commas), or a
        mapping with the fields of a sweep file. `axes` sets or overrides axes: `{"seed": range(20)}`. `mode` says what
        happens where the name is taken: `new` refuses another list, `append` adds to it, `replace` takes its place.
        Raises InputError for a sweep that cannot be used.
        """
        from pipeline.engines.interrupts import interrupts_held
        from pipeline.gradient import expected_seconds
        from pipeline.sweep.checked import Anew, checked
        from pipeline.sweep.sweep import sweep as described
        from store.asking.resolve import resolve
        from store.queue.sweeps import Submission, submit_sweep

        overrides = {axis: list(v) if isinstance(v, range | tuple) else v for axis, v in (axes or {}).items()}
        if isinstance(sweep, str):
            found = resolve(sweep, overrides, name, self._store)
        else:
            found = described(sweep, overrides, name=name)
        if isinstance(found, str):
            standing = self.status(found)
            return Submission(found, standing.configs, 0, 0, standing.states)
        listed = checked(found, max_configs)
        with interrupts_held() as give_way:

            def configs() -> "Iterator[Labelled]":
                for each in listed:
                    give_way()  # between two configs Ctrl-C is not lost, and nothing of the sweep stays
                    yield each

            return submit_sweep(self._store, found, Anew(configs), mode, cost=expected_seconds)

    def rename(self, old: str, new: str) -> None:
        """Gives a sweep another name.

        Raises InputError where there is no sweep `old`, for a name that is taken, not valid, or that of a stem, a
        preset or a sweep file, and while a process measures some of the sweep.
        """
        from store.queue.renaming import rename

        rename(self._store, old, new)

    def work(
        self,
        sweep: str | None = None,
        *,
        engine: "EngineName" = "auto",
        workers: int = 2,
        memory: int = DEFAULT_MEMORY,
        timeout: float | None = None,
        retry_failed: bool = False,
        fail_fast: bool = False,
        wait: bool = True,
        progress: "Progress | None" = None,
    ) -> "Summary":
        """Measures what is queued, of one sweep or of all, and saves it; what that came to.

        `engine` is `auto`, `sync`, `threads` or `processes`; `memory` (bytes) and `timeout` (s) are what one config may
        take. Any number of processes may work on one store. In the main thread Ctrl-C ends the run in good order.
        Raises InputError where there is no sweep of that name, StoreError and EngineError where it cannot go on.
        """
        from pipeline.limits import Limits
        from pipeline.work import Settings, work
        from store.upkeep.rescued import rescued_queue

        how = Settings(Limits(memory, timeout), engine, workers, retry_failed, fail_fast, wait)
        with rescued_queue(self._store, sweep) as queue:
            return work(queue, how, progress)

    def _arrays(self, config: str) -> "tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]":
        from store.asking.heatmaps import heatmap_and_curves

        return heatmap_and_curves(self._store, self.record(config))

    def _sound(self, found: T) -> T:
        """What was found; what was damaged and left out is told by a warning."""
        damaged = self._store.damages.taken()
        if damaged:
            more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
            _warn(f"damaged and left out: {damaged[0]}{more}; `erfsweep db check` looks through the whole store")
        return found


def _names(written: str | Sequence[str]) -> tuple[str, ...]:
    """Names, also where they are one text with commas between them."""
    return tuple(each.strip() for each in written.split(",")) if isinstance(written, str) else tuple(written)


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=4)


if __name__ == "__main__":
    from cli.main import main

    main()
