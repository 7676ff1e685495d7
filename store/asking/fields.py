"""The fields: every column that a user can name in `--where`, `--columns` and `--sort`, with its meaning."""

from difflib import get_close_matches

from pipeline.errors import InputError, quote
from pipeline.ids import ID_DIGITS, ID_LETTER
from store.database.schema import AXES, MEASURED
from store.database.types import Field

_OF_CONFIG = (
    Field("id", "str", "", f"{ID_LETTER} and the first {ID_DIGITS} characters of the digest", nullable=False),
    Field("config", "str", "", "label that the sweep gives it, else its stem", nullable=False),
    Field("stem", "str", "", "the stem in its notation", nullable=False),
    Field("digest", "str", "", "sha256 of everything that decides the heatmap", nullable=False),
    Field("position", "int", "", "place in the sweep, from 0; there where a sweep is named"),
    Field("state", "str", "", "queued, running, done, failed or killed", nullable=False),
    Field("attempts", "int", "", "number of attempts that ended", nullable=False),
    Field("error", "str", "", "how the last attempt went wrong"),
    Field("cost", "float", "s", "expected time", nullable=False),
    Field("spec", "str", "", "the whole config as canonical JSON", nullable=False),
)

FIELDS: tuple[Field, ...] = _OF_CONFIG + AXES + MEASURED
BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}


def fields() -> tuple[Field, ...]:
    """Every field, in the order of the wide table."""
    return FIELDS


def field(name: str) -> Field:
    """The field of a name. Raises InputError that names those with similar names."""
    found = BY_NAME.get(name)
    if found is None:
        near = get_close_matches(name, BY_NAME)
        hint = f"; did you mean {' or '.join(near)}" if near else ""
        raise InputError(f"there is no column {quote(name)}{hint} (`erfsweep fields` lists them)")
    return found
