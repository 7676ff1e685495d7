"""The store as other programs see it: SQL by hand, pandas, Datasette."""

import asyncio
import re
import sqlite3
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

import erfsweep
from store.database.opening import open_store
from store.database.view import COLUMNS
from tests.postgres import schema

PAGE = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```sql\n(.*?)```", PAGE.partition("\n## Ten questions in SQL\n")[2], re.DOTALL)


def fill(url: str) -> None:
    """`growth` and `wide` on two planes, which share a config that has a label in the latter; one fails, one waits."""
    with erfsweep.open_store(url, create=True) as made:
        grid = {"kernel": [3, 5], "depth": [1, 3], "seed": [0, 1]}
        made.submit({"name": "growth", "grid": grid, "input": 21, "init": {"kind": "he_normal"}})
        made.submit({"name": "growth", "stems": [{"stem": "4x3x3:1", "init.seed": 1}], "input": 21}, mode="append")
        made.work(engine="sync")
        made.submit({"name": "growth", "stems": ["9x9"], "input": 301}, mode="append")
        made.work(engine="sync", memory=1)
        shared = {"stem": "3x3x3", "label": "the same", "input": 21}
        listed = [{"stem": "1x3x3", "input": 31}, shared, {"stem": "3x5x5", "input": 31}]
        made.submit({"name": "wide", "stems": listed, "init": {"kind": "he_normal"}})
        made.work("wide", engine="sync")
        made.submit({"name": "wide", "stems": ["7x7"], "input": 31}, mode="append")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("other") / "mine.db"
    fill(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def answers(request: pytest.FixtureRequest) -> list[list[dict[str, Any]]]:
    """What the ten questions of the page are answered."""
    if request.param == "sqlite":
        context: Any = nullcontext(f"sqlite:///{request.getfixturevalue('file')}")
    else:
        context = schema()
    with context as url:
        if request.param == "postgresql":
            fill(url)
        store = open_store(url)
        with store.read() as connection:
            found = [[dict(row) for row in connection.execute(text(each)).mappings()] for each in QUESTIONS]
        store.close()
    return found


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


def test_every_question_has_its_answer(answers: list[list[dict[str, Any]]]) -> None:
    far, least, growth, draws, closed, failed, careful, paired, shared, cost = answers
    counts = [(row["sweep"], row["state"], row["configs"]) for row in far]
    assert counts == [("growth", "done", 9), ("growth", "failed", 1), ("wide", "done", 3), ("wide", "queued", 1)]
    ratios = [row["ratio"] for row in least]
    assert ratios == sorted(ratios)
    assert len(ratios) == 8
    assert [(row["kernel"], row["depth"]) for row in growth if row["depth"] == 3] == [(3, 3), (5, 3)]
    of_one_layer = {row["kernel"]: row["eff_rf"] for row in growth if row["depth"] == 1}
    assert (of_one_layer[3], of_one_layer[5]) == (3.0, 5.0)  # all that there is
    assert {row["stem"]: row["n"] for row in draws} == {
        **dict.fromkeys(("3x3", "3x3x3", "5x5", "3x5x5"), 2),
        "4x3x3:1": 0,
        "9x9": 0,
    }
    assert all(row["low"] <= row["mean"] <= row["high"] for row in draws if row["n"])
    assert all(row["difference"] == row["eff_rf"] - row["pred_eff_rf"] for row in closed if row["eff_rf"] is not None)
    assert [(row["position"], row["state"]) for row in failed] == [(9, "failed")]
    assert "memory" in failed[0]["error"]
    assert "dead,of_one_channel" in [row["cautions"] for row in careful if row["position"] == 8]
    assert [(row["stem"], row["difference"]) for row in paired if row["stem"] == "3x3"] == [("3x3", 0.0)]
    assert [(row["growth"], row["wide"]) for row in shared] == [(2, 1)]
    assert [(row["sweep"], row["configs"]) for row in cost] == [("growth", 10), ("wide", 4)]
    assert all(row["seconds"] > 0 and row["bytes"] > 0 for row in cost)


def test_the_view_begins_with_what_tells_results_apart() -> None:
    assert COLUMNS[:3] == ("sweep", "position", "label")
    assert COLUMNS[-1] == "spec"


def test_pandas_reads_the_view(file: Path) -> None:
    pandas = pytest.importorskip("pandas")
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        frame = pandas.read_sql("SELECT * FROM results ORDER BY sweep, position", database)
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == 14
    with erfsweep.open_store(f"sqlite:///{file}") as store:
        wanted = [row["eff_rf"] for name in ("growth", "wide") for row in store.rows(name, columns="eff_rf")]
    np.testing.assert_array_equal(frame["eff_rf"].to_numpy(np.float64), np.array(wanted, np.float64))
    assert frame["theo_rf"].dtype.kind in "if"
    assert list(frame.loc[frame["sweep"] == "wide", "label"].dropna()) == ["the same"]


def asked(file: Path, *paths: str) -> list[Any]:
    """What Datasette answers at these paths."""
    datasette = pytest.importorskip("datasette.app", exc_type=ImportError)

    async def answers() -> list[Any]:
        server = datasette.Datasette([str(file)])
        return [await server.client.get(path) for path in paths]

    return asyncio.run(answers())


def test_datasette_shows_filters_sorts_and_counts_the_view(file: Path) -> None:
    page, rows, counted = asked(
        file,
        "/mine/results",
        "/mine/results.json?_shape=array&sweep=growth&state=done&_sort_desc=eff_rf&_size=3",
        "/mine/results.json?_facet=state&_size=0",
    )
    assert [page.status_code, rows.status_code, counted.status_code] == [200, 200, 200]
    heads = re.findall(r'<th class="col-(\w+)"', page.text)
    assert tuple(heads[: len(COLUMNS)]) == COLUMNS
    assert [(row["kernel"], row["depth"]) for row in rows.json()][:2] == [(5, 3), (5, 3)]
    facet = counted.json()["facet_results"]
    found = facet.get("results", facet)["state"]["results"]
    assert {each["value"]: each["count"] for each in found} == {"done": 12, "failed": 1, "queued": 1}
