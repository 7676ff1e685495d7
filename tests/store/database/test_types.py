"""Columns follow from the structs: each is declared once, with its type, unit and meaning."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from pipeline.config import axes
from pipeline.errors import InputError
from pipeline.result import Axes, Provenance, Sizes, Theory
from pipeline.sweep.build import build
from pipeline.sweep.grid import axis_path
from store.asking.fields import expanded, field, group
from store.database.fields import COLUMNS, FIELDS, named_columns
from store.database.groups import ALL, GROUP_OF, GROUPS
from store.database.schema import config, result
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
    assert all(each.description and each.source for each in FIELDS)
    assert [each.name for each in FIELDS] == [*named_columns(by_place=True)] == [*COLUMNS]
    assert set(named_columns(by_place=True)) - set(named_columns(by_place=False)) == {"sweep", "position", "label"}
    assert len({each.name for each in FIELDS}) == len(FIELDS)
    assert {*config.c.keys(), *result.c.keys()} - {"config_id", "owner", "lease_until", "cautions", "json"} <= set(
        COLUMNS
    )


def test_every_field_is_in_one_group_and_no_group_is_called_like_a_field() -> None:
    assert {each.name: each.group for each in FIELDS} == GROUP_OF
    assert set(GROUP_OF.values()) == set(GROUPS)
    assert not {*GROUPS, ALL} & {each.name for each in FIELDS}
    assert [name for each in GROUPS for name in group(each)] == sorted(
        (each.name for each in FIELDS), key=lambda name: [*GROUPS].index(field(name).group)
    )


def test_a_path_of_a_config_names_its_column_and_its_axis() -> None:
    config = build({"stem": "4x3x3", "input": "21x22x2", "probes": {"count": 3, "seed": 5}, "readout": {"channel": 1}})
    found = msgspec.structs.asdict(axes(config))
    paths = {each.path: each.name for each in FIELDS if each.path}
    assert {*paths} == {
        *("input.height", "input.width", "input.channels", "init.kind", "init.seed"),
        *("probes.kind", "probes.count", "probes.seed", "probes.index", "readout.channel", "readout.gradient"),
    }
    for path, name in paths.items():
        part, _, of = path.partition(".")
        assert str(getattr(getattr(config, part), of)) == str(found[name])
        assert field(path) is field(name)
        assert axis_path(path) == axis_path(name) == path


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["eff_*"], ["eff_rf", "eff_rf_y", "eff_square"]),
        (["probes.count", "probes_?????"], ["probes_count"]),
        (["id", "costs", "id"], ["id", "params", "macs"]),
        (["health", "n_*"], ["dead", "n_zero", "n_nan"]),
        (["area_[23]0"], ["area_20", "area_30"]),
    ],
)
def test_groups_and_globs_stand_for_their_fields(written: list[str], meant: list[str]) -> None:
    assert [*expanded(written)] == meant


def test_all_is_every_field() -> None:
    assert expanded(["all"]) == tuple(each.name for each in FIELDS)


@pytest.mark.parametrize("name", ["eff_z*", "[", "sizez"])
def test_a_glob_or_a_group_that_is_nothing_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="`erfsweep fields` lists them"):
        expanded([name])


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
