"""Groups of results: rows that are alike in everything but some axes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.network import Plane


def groups(rows: list[dict[str, Any]], *paths: str) -> list[list[dict[str, Any]]]:
    """Rows by everything of their config but some axes, in the order of their first members.

    Rows hold `spec` and `kernel_version`. What different versions of the kernel measured is kept apart: it may be one
    draw measured twice. A row that is not measured yet will be so by the present one. Where an axis of the stem is left
    out the plane may follow the stem, as a chosen one does: it keeps rows apart only where one stem is on several.
    """
    from pipeline.axis import STACK_AXES, without_axes
    from pipeline.config import KERNEL_VERSION, decode

    follows = any(path in STACK_AXES for path in paths)
    left_out = (*paths, "input.height", "input.width") if follows else paths
    keyed = []
    planes: dict[tuple[str, int], dict[str, Plane]] = {}
    contested = set()
    for row in rows:
        config = decode(row["spec"].encode())
        key = without_axes(config, *left_out), row["kernel_version"] or KERNEL_VERSION
        if follows and planes.setdefault(key, {}).setdefault(config.stem, config.input) != config.input:
            contested.add(key)
        keyed.append((key, config.input, row))
    found: dict[Any, list[dict[str, Any]]] = {}
    for key, plane, row in keyed:
        found.setdefault((key, plane if key in contested else None), []).append(row)
    return list(found.values())


def shared(members: list[dict[str, Any]], name: str) -> Any:
    """What all members of a group have in common, None where they differ."""
    found = {member[name] for member in members}
    return found.pop() if len(found) == 1 else None
