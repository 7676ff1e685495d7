"""The fields by name: what `--where`, `--columns` and `--sort` take, as `store.database.fields` declares them."""

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from pipeline.errors import InputError, quote
from store.database.fields import FIELDS
from store.database.groups import ALL, GROUPS
from store.database.types import Field

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
BY_PATH: dict[str, Field] = {field.path: field for field in FIELDS if field.path}
"""By where a config holds them, as sweeps write it: `probes.count` is the column probes_count."""

_WILD = frozenset("*?[")


def fields() -> tuple[Field, ...]:
    """Every field, in the order of the wide table."""
    return FIELDS


def field(name: str) -> Field:
    """The field of a name, or of a path in a config. Raises InputError that names those with similar names."""
    found = BY_NAME.get(name) or BY_PATH.get(name)
    if found is None:
        if name in GROUPS or name == ALL:
            raise InputError(f"{quote(name)} stands for several columns, which --columns takes; name one of them here")
        raise _unknown(name, [*BY_NAME, *BY_PATH])
    return found


def _unknown(name: str, known: Sequence[str]) -> InputError:
    lowered = name.lower()  # SQL takes no notice of capitals
    near = [lowered] if lowered in known else get_close_matches(name, known)
    hint = f"; did you mean {' or '.join(near)}" if near else ""
    return InputError(f"there is no column {quote(name)}{hint} (`erfsweep fields` lists them)")


def group(name: str) -> tuple[str, ...]:
    """The names of the fields of a group, of all with `all`, or of those that a glob such as `eff_*` matches.

    They are none where the name is none of these.
    """
    if name == ALL:
        return tuple(BY_NAME)
    if name in GROUPS:
        return tuple(each.name for each in FIELDS if each.group == name)
    if _WILD & set(name):
        return tuple(each for each in BY_NAME if fnmatchcase(each, name))
    return ()


def expanded(names: Sequence[str]) -> tuple[str, ...]:
    """The fields that names, paths, groups and globs stand for, each where it comes first.

    Raises InputError for a name that there is not, and for a glob that nothing matches.
    """
    found: dict[str, None] = {}
    for name in names:
        several = group(name)
        if not several and _WILD & set(name):
            raise InputError(f"no column is like {quote(name)} (`erfsweep fields` lists them)")
        if not several and name not in BY_NAME and name not in BY_PATH:
            raise _unknown(name, [*BY_NAME, *BY_PATH, *GROUPS])
        found.update(dict.fromkeys(several or (field(name).name,)))
    return tuple(found)


def is_several(name: str) -> bool:
    """Whether a name stands for a group of fields, or is a glob."""
    return name == ALL or name in GROUPS or bool(_WILD & set(name))
