"""What a user means by a sweep: an existing file, a preset, a stored sweep or stems, looked for in this order."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputError, quote

if TYPE_CHECKING:
    from pipeline.sweep.sweep import Sweep
    from store.database.connection import Store

_KERNEL = re.compile(r"[0-9]x[0-9]")
"""What every name of a stem has in it that is meant as one, but for those of words such as `gap`."""


def resolve(text: str, overrides: Mapping[str, Any], name: str | None, store: "Store | None") -> "Sweep | str":
    """The sweep that a text describes, or the name of a stored sweep that is to be taken as it is.

    `overrides` sets axes by their names, `name` gives the sweep another name. `store` is None where there is none yet.
    A stored sweep with overrides is expanded again from what was written. Raises InputError where it is none of all.
    """
    from pipeline.stem import SUFFIX, read_stem_file
    from pipeline.sweep.names import MODEL, is_name
    from pipeline.sweep.paths import is_file
    from pipeline.sweep.sweep import preset_spec, stem_sweep, sweep
    from pipeline.sweep.sweepfile import read_sweep_file

    path = Path(text)
    if is_file(path):
        if path.suffix.lower() == SUFFIX:
            return stem_sweep(read_stem_file(path), overrides, {}, name or path.stem)
        if path.suffix.lower() == MODEL:
            return sweep(read_sweep_file(_imported(path)), overrides, name=name or path.stem)
        spec = {"name": path.stem, **read_sweep_file(path)}
        return sweep(spec, overrides, name=name)
    if (preset := preset_spec(text)) is not None:
        return sweep(preset, overrides, name=name)
    stored = _stored_specs(store, text) if is_name(text) else None
    if stored is not None:
        if not overrides and name in (None, text):
            return text
        if len(stored) > 1:
            raise InputError(f"sweep {quote(text)} was put together by --append; name the sweep file instead")
        return sweep({**stored[0], "name": text}, overrides, name=name, is_stored=name in (None, text))
    try:
        return stem_sweep(text, overrides, {}, name)
    except InputError as error:
        raise _unresolved(text, error, store) from None


def _imported(path: Path) -> Path:
    """The sweep file of a model, MODEL.onnx.yaml beside it; written now unless there is one that is newer.

    Raises InputError as `import_model` does.
    """
    from pipeline.models import import_model, write_import

    sweep, weights = path.with_name(f"{path.name}.yaml"), path.with_name(f"{path.name}.npz")
    if sweep.is_file() and weights.is_file() and sweep.stat().st_mtime >= path.stat().st_mtime:
        return sweep
    return write_import(import_model(path), path, replace=True)[0]


def _unresolved(text: str, error: InputError, store: "Store | None") -> InputError:
    """What to say of a text that names nothing, with the nearest name that there is; of a stem, what is wrong in it."""
    from pipeline.sentence import nearest
    from pipeline.stem import NAMES, WORDS, is_notation
    from pipeline.sweep.names import is_name
    from pipeline.sweep.paths import missing_file
    from pipeline.sweep.presets import preset_names

    if missing := missing_file(text):
        return missing
    if not is_name(text) or _KERNEL.search(text) or is_notation(text.lower()):  # perhaps in capitals: error says so
        return error
    stored = [] if store is None else _stored_names(store)
    hint = nearest(text, [*dict.fromkeys((*preset_names(), *stored, *WORDS, *NAMES))])
    return InputError(
        f"no file, preset, stored sweep or stem is called {quote(text)}{hint} (`erfsweep presets` and `erfsweep ls` "
        "list the sweeps, 4x3x3 is a stem)"
    )


def _stored_names(store: "Store") -> list[str]:
    from store.asking.query import sweeps

    return [line.name for line in sweeps(store)]


def _stored_specs(store: "Store | None", name: str) -> tuple[dict[str, Any], ...] | None:
    if store is None:
        return None
    from store.queue.sweeps import specs

    return specs(store, name)
