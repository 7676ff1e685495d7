"""Columns follow from the structs: each is declared once, with its type, unit and meaning."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from pipeline.errors import InputError
from pipeline.result import Axes, Provenance, Sizes, Theory
from store.asking.fields import FIELDS, field
from store.database.schema import config, named_columns, result
from store.database.types import Field, declared

ROOT = Path(__file__).parents[3]


class Sample(msgspec.Struct):
    count: Annotated[int, Meta(description="how many")]
    length: Annotated[float | None, Meta(description="how long", extra_json_schema={"unit": "px", "options": ["mass"]})]
    known: bool
    name: str | None
    reasons: dict[str, str]


def test_a_struct_declares_its_columns() -> None:
    assert declared(Sample) == (
        Field("count", "int", "", "how many", nullable=False),
        Field("length", "float", "px", "how long", nullable=True, options=("mass",)),
        Field("known", "bool", "", "", nullable=False),
        Field("name", "str", "", "", nullable=True),
        Field("reasons", "json", "", "", nullable=False),
    )


def test_a_type_that_no_column_holds_is_refused() -> None:
    class Odd(msgspec.Struct):
        pair: tuple[int, int]

    with pytest.raises(TypeError, match="no column can hold pair"):
        declared(Odd)


def test_every_member_of_a_result_is_a_column() -> None:
    assert set(Axes.__struct_fields__) <= set(config.c.keys())
    for struct in (Theory, Sizes, Provenance):
        assert set(struct.__struct_fields__) <= set(result.c.keys())


def test_every_field_has_a_meaning_and_a_column_and_every_column_a_field() -> None:
    assert all(each.description for each in FIELDS)
    assert {each.name for each in FIELDS} == {*named_columns(), "position"}
    assert len({each.name for each in FIELDS}) == len(FIELDS)


def test_an_unknown_field_is_named_with_its_neighbours() -> None:
    with pytest.raises(InputError, match=r"no column 'eff_fr'; did you mean eff_rf .*\(`erfsweep fields` lists them\)"):
        field("eff_fr")


@pytest.mark.parametrize(
    "modules",
    [
        "store.database.opening, store.asking.query, store.asking.records, store.asking.fields",
        "store.queue.sweeps, store.queue.claims, store.queue.saving",
    ],
)
def test_using_a_store_imports_neither_numpy_nor_dask_nor_alembic(modules: str, tmp_path: Path) -> None:
    code = (
        f"import sys, {modules}; from store.database.opening import open_store; open_store('sqlite:///{tmp_path}/a.db');"
        "print({name.partition('.')[0] for name in sys.modules} & {'numpy', 'dask', 'alembic', 'yaml', 'scipy'})"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
