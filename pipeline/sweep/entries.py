"""The fields that a sweep sets: for all its configs, or for one entry of `stems:`, by dotted path."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.errors import InputError, quote
from pipeline.sentence import nearest
from pipeline.sweep.build import canonical_stem
from pipeline.sweep.grid import PATHS, STACK_AXES, check_whole
from pipeline.sweep.input_plane import written_sides
from pipeline.sweep.names import check_label

_EXAMPLES = {"init": "{kind: he_normal}", "probes": "{count: 64}", "readout": "{channel: sum}"}


class Entry(msgspec.Struct, frozen=True):
    """An explicit stem: its fields by dotted path, `stem` among them, its label, and how errors name its place.

    `place` is empty for an entry that is nothing but a line of notation, which errors show.
    """

    fields: dict[str, Any]
    label: str | None
    place: str

    @property
    def shown(self) -> str:
        """The stem as an error shows it."""
        return f"the stem {quote(self.fields['stem'])}" if isinstance(self.fields["stem"], str) else self.place


def entries(spec: Mapping[str, Any]) -> tuple[Entry, ...]:
    """The explicit stems of a sweep: `stem` first, then those of `stems`.

    Raises InputError, which names the entry, for one without a stem or with a field or label that it cannot have.
    """
    stems = spec.get("stems", [])
    if not isinstance(stems, list):
        way = f"; write stems: [{stems}]" if isinstance(stems, str) else ", as in stems: [3x3, 5x5]"
        raise InputError(f"stems is a list, not {quote(stems)}{way}")
    listed = [(f"stems[{position}]", entry) for position, entry in enumerate(stems)]
    return tuple(
        _entry(place, entry) for place, entry in [*([("stem", spec["stem"])] if "stem" in spec else []), *listed]
    )


def _entry(place: str, entry: Any) -> Entry:
    if not isinstance(entry, Mapping):
        return Entry({"stem": entry}, None, "" if isinstance(entry, str) else place)
    if "stem" not in entry:
        raise InputError(f"{place} has no stem; write it as {{stem: 4x3x3, init.seed: 7}}")
    for field in STACK_AXES:
        if field in entry:
            raise InputError(f"{place} sets {field} beside its stem; write it in the stem")
    fields = flat({name: value for name, value in entry.items() if name != "label"})
    check_fields(fields, place, ("stem", "label", "seed"))
    label = None
    if "label" in entry:
        try:
            label = check_label(entry["label"], canonical_stem(entry["stem"]))
        except InputError as error:
            raise InputError(f"{place}: {error}") from None
    return Entry(fields, label, place)


def flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a config by dotted path: {init: {seed: 7}} and {init.seed: 7} say the same."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        path = "init.seed" if name == "seed" else str(name)
        if path == "input":
            value = written_sides(value)
        if isinstance(value, Mapping):
            found |= {f"{path}.{inner}": setting for inner, setting in value.items()}
        else:
            found[path] = value
    return found


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Fields by dotted path as a config has them: {init.seed: 7} as {init: {seed: 7}}."""
    found: dict[str, Any] = {}
    for path, value in flat.items():
        part, _, field = path.partition(".")
        if field:
            found.setdefault(part, {})[field] = value
        else:
            found[part] = value
    return found


def check_fields(fields: Mapping[str, Any], owner: str, own: tuple[str, ...] = ()) -> None:
    """Raises InputError for a path that no config has, and that is not one of `own`."""
    for path, value in fields.items():
        check_whole(path, value)
        if path in _EXAMPLES:
            raise InputError(f"{path} must be a mapping, as in {path}: {_EXAMPLES[path]}, not {quote(value)}")
        if path not in PATHS and path not in own:
            raise InputError(f"{owner} has no field {quote(path)}{nearest(path, (*own, *PATHS))}")
