"""What `export` writes, read back by other programs: values, types and NULLs, whatever texts say."""

import csv
import io
import json
import sqlite3
import string
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import erfsweep
from pipeline.errors import InputError
from tests.cli.command import erfsweep as command
from tests.cli.command import good

HOSTILE = [
    "../../etc/passwd",
    "..",
    "C:\\Windows\\NUL",
    '=HYPERLINK("http://example.org")',
    "@SUM(A1)",
    "x" * 300,
    'say "a,b"\nand\tgo',
    "\u202e\x1b[31mred",
    "<script>alert(1)</script>",
    "感受野",
    "NULL",
    "1e5",
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with the sweep `mine`: hostile labels; measured, dead, failed and queued configs."""
    path = tmp_path_factory.mktemp("mine") / "mine.db"
    stems = ["3x3", "2x3x3", "1x5x5:2", "7x7/2:4 max3x3/2"]
    listed = [{"stem": stem, "init.seed": seed} for seed in range(3) for stem in stems]
    dead = {"stem": "4x3x3:1", "init.seed": 1}  # its one ReLU is off for every probe
    with erfsweep.open_store(f"sqlite:///{path}", create=True) as made:
        made.submit({"name": "mine", "stems": listed, "input": "21x25x2", "init": {"kind": "he_normal"}})
        made.submit({"name": "mine", "stems": [dead], "input": "21x25x2"}, mode="append")
        made.work("mine", engine="sync")
        made.submit({"name": "mine", "stems": ["9x9"], "input": 301}, mode="append")
        made.work("mine", engine="sync", memory=1)
        made.submit({"name": "mine", "stems": ["4x3x3"], "input": 21}, mode="append")
    with closing(sqlite3.connect(path)) as database, database:  # a store that somebody else has filled
        for position, label in enumerate(HOSTILE):
            database.execute("UPDATE sweep_config SET label = ? WHERE position = ?", (label, position))
    return f"sqlite:///{path}"


@pytest.fixture
def store(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[erfsweep.Store]:
    monkeypatch.setenv("ERFSWEEP_DB", url)
    with erfsweep.open_store(url) as opened:
        yield opened


def expected(store: erfsweep.Store) -> list[dict[str, Any]]:
    return store.rows("mine", columns=[*manifest()["columns"]])


def manifest() -> Any:
    return json.loads(Path("out/manifest.json").read_text())


def test_the_rows_have_every_kind_of_value(store: erfsweep.Store) -> None:
    states = [row["state"] for row in store.rows("mine", columns="state")]
    assert states == ["done"] * 13 + ["failed", "queued"]
    assert store.rows("mine", columns="dead,eff_rf")[12] == {"dead": True, "eff_rf": None}


TYPES: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "bool": {"true": True, "false": False}.__getitem__,
    "str": str,
    "json": str,
}


def test_csv_gives_back_values_types_and_nulls(store: erfsweep.Store) -> None:
    store.export("mine", "out")
    types = manifest()["columns"]
    with Path("out/table.csv").open(newline="", encoding="utf-8") as stream:
        read = [
            {name: None if text == "" else TYPES[types[name]](text) for name, text in row.items()}
            for row in csv.DictReader(stream)
        ]
    wanted = expected(store)
    labels = [row.pop(name) for row in read for name in ("config", "label") if name in row]
    for row in wanted:
        for name in ("config", "label"):
            row.pop(name, None)
    assert read == wanted
    assert [list(map(type, row.values())) for row in read] == [list(map(type, row.values())) for row in wanted]
    assert not [text for text in labels if text and text[0] in "=+-@\t\r"]  # a spreadsheet runs none


def test_pandas_reads_the_csv_file(store: erfsweep.Store) -> None:
    pandas = pytest.importorskip("pandas")
    store.export("mine", "out")
    frame = pandas.read_csv("out/table.csv")
    wanted = expected(store)
    for name, kind in manifest()["columns"].items():
        values = [row[name] for row in wanted]
        if kind in ("int", "float"):
            np.testing.assert_array_equal(frame[name].to_numpy(np.float64), np.array(values, np.float64), name)
    assert not [text for text in frame["id"] if not text.startswith("g")]


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_json_gives_back_values_types_and_nulls(store: erfsweep.Store, format_: Any) -> None:
    store.export("mine", "out", format=format_)
    text = Path(f"out/table.{format_}").read_text(encoding="utf-8")
    read = json.loads(text) if format_ == "json" else [json.loads(line) for line in text.split("\n")[:-1]]
    wanted = expected(store)
    assert read == wanted
    assert [list(map(type, row.values())) for row in read] == [list(map(type, row.values())) for row in wanted]
    assert "\x1b" not in text
    if format_ == "jsonl":
        assert len(text.splitlines()) == len(wanted)  # also for readers that take other characters for ends of lines


def test_parquet_gives_back_values_types_and_nulls(store: erfsweep.Store) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    store.export("mine", "out", format="parquet")
    read = parquet.read_table("out/table.parquet")
    wanted = expected(store)
    assert read.to_pylist() == wanted
    arrow = {"int": "int64", "float": "double", "bool": "bool", "str": "string", "json": "string"}
    types = manifest()["columns"]
    assert {field.name: str(field.type) for field in read.schema} == {name: arrow[kind] for name, kind in types.items()}
    assert read.schema.field("eff_rf").metadata[b"unit"] == b"px"


def test_pandas_reads_the_parquet_file(store: erfsweep.Store) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    store.export("mine", "out", format="parquet", where="state == 'done'")
    frame = pandas.read_parquet("out/table.parquet")
    assert frame["theo_rf"].dtype == "int64"
    assert frame["dead"].sum() == 1
    assert frame["eff_rf"].isna().sum() == 1


def test_parquet_of_groups_has_types_for_columns_without_values(store: erfsweep.Store) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for where in ("init == 'he_normal'", "state == 'queued'"):
        store.export("mine", "out", format="parquet", over="seed", where=where, map="mean")
        read = parquet.read_table("out/table.parquet")
        assert read.to_pylist() == store.rows("mine", over="seed", where=where, map="mean", columns=None)
        names = ("n", "eff_rf", "eff_rf_n", "eff_rf_sd", "eff_rf_map")
        assert [str(read.schema.field(name).type) for name in names] == ["int64", "double", "int64", "double", "double"]


def test_parquet_without_pyarrow_says_what_to_install(store: erfsweep.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    ended = command("export", "mine", "--to", "out", "--format", "parquet")
    assert ended.code == 2
    assert f"{sys.executable} -m pip install 'erfsweep[parquet]'" in ended.err
    assert not Path("out").exists()


def arrays_of(kind: str, suffix: str) -> dict[int, Any]:
    found = {}
    for path in Path("out").glob(f"{kind}_*.{suffix}"):
        found[int(path.stem.split("_")[1])] = np.load(path, allow_pickle=False)
    return found


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("center", ["unit", "plane"])
def test_arrays_are_given_back(store: erfsweep.Store, suffix: Any, center: Any) -> None:
    found = store.export("mine", "out", heatmaps=suffix, curves=suffix, center=center)
    assert (found.rows, found.heatmaps, found.curves) == (15, 13, 12)  # a dead config has a heatmap of zeros
    heatmaps, curves = arrays_of("heatmap", suffix), arrays_of("curves", suffix)
    assert (set(heatmaps), set(curves)) == (set(range(13)), set(range(12)))
    for position, found_there in heatmaps.items():
        heatmap = found_there["heatmap"] if suffix == "npz" else found_there
        assert heatmap.dtype == np.float64
        np.testing.assert_array_equal(heatmap, store.heatmap(f"mine:{position}"))
    for position, found_there in curves.items():
        rows = [found_there[name] for name in ("square", "x", "y", "radial")] if suffix == "npz" else found_there
        if center == "unit":
            np.testing.assert_array_equal(rows, store.curves(f"mine:{position}"))
        else:
            heatmap = store.heatmap(f"mine:{position}")
            inside = heatmap[10 - 2 : 10 + 3, 12 - 2 : 12 + 3].sum() / heatmap.sum()  # r = 2 about the plane's centre
            np.testing.assert_allclose(rows[0][2], inside, rtol=1e-12)


def test_hostile_labels_do_no_harm(store: erfsweep.Store) -> None:
    before = set(Path().iterdir())
    store.export("mine", "out", heatmaps="npy", curves="npz")
    assert set(Path().iterdir()) == {*before, Path("out")}
    names = [path.name for path in Path("out").iterdir()]
    assert len({name.lower() for name in names}) == len(names) == 1 + 1 + 13 + 12
    assert set("".join(names)) <= set(string.ascii_letters + string.digits + "._-")
    assert max(map(len, names)) < 80
    assert {file["name"] for file in manifest()["files"]} == {*names} - {"manifest.json"}


def test_the_same_export_makes_the_same_bytes(store: erfsweep.Store) -> None:
    for folder in ("one", "two"):
        store.export("mine", folder, heatmaps="npz", curves="npz", format="jsonl")
    one, two = ({path.name: path.read_bytes() for path in Path(name).iterdir()} for name in ("one", "two"))
    assert one == two


def test_an_export_of_groups_has_no_arrays(store: erfsweep.Store) -> None:
    for option, value in (("--heatmaps", "npy"), ("--curves", "npz")):
        ended = command("export", "mine", "--to", "out", "--over", "seed", option, value)
        assert ended.code == 2
        assert f"{option} {value} writes a file for each config, and --over seed" in ended.err
    good("export", "mine", "--to", "out", "--over", "seed", "--curves", "none", "--where", "init == 'he_normal'")


@pytest.mark.parametrize("wrong", [{"format": "xlsx"}, {"curves": "png"}, {"heatmaps": "csv"}])
def test_python_refuses_a_format_that_there_is_not(store: erfsweep.Store, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is not a format for"):
        store.export("mine", "out", **wrong)
    assert not Path("out").exists()


def test_no_secret_is_written(store: erfsweep.Store) -> None:
    store.export("mine", "out", where="config != 'postgresql://me:hunter22@db.example.org/erf'")
    assert "hunter22" not in Path("out/manifest.json").read_text()


def test_a_row_of_the_csv_file_is_one_record(store: erfsweep.Store) -> None:
    store.export("mine", "out")
    text = Path("out/table.csv").read_bytes().decode()
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == 16
