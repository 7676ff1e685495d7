"""A browser, and a store with everything that a page may have to show."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

import erfsweep
from tests.browser import Browser, browser

HOSTILE = (
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>"),
    *("$$\\frac{1}{2}$$", "x @id{safe} <%= alert(1) %> {{7*7}}", "'\"&amp;"),
)
LONG = "wide " * 60


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with the sweeps `growth` and `mixed`; in the latter some are dead, one is cut off, one fails,
    one waits, and names are hostile. It is to be read only."""
    path = tmp_path_factory.mktemp("mixed") / "mixed.db"
    url = f"sqlite:///{path}"
    named = [{"stem": "3x3x3", "label": label, "init.seed": i} for i, label in enumerate((*HOSTILE, "long"))]
    others = [{"stem": "6x3x3:1", "init.seed": i} for i in range(8)] + [{"stem": "5x9x9", "input": 15, "label": "cut"}]
    with erfsweep.open_store(url, create=True) as store:
        he = {"init": {"kind": "he_normal"}, "input": 21}
        store.submit({"name": "growth", "grid": {"kernel": [3, 5], "depth": [1, 2, 4], "seed": [0, 1]}, **he})
        store.submit({"name": "mixed", "stems": named + others, **he})
        store.work(engine="sync")
        store.submit({"name": "mixed", "stems": [{"stem": "9x9", "input": 301, "label": "fails"}], **he}, mode="append")
        store.work(engine="sync", timeout=1e-9)
        store.submit({"name": "mixed", "stems": [{"stem": "7x7", "label": "waits"}], **he}, mode="append")
    with closing(sqlite3.connect(path)) as raw, raw:  # as a store of somebody else may be
        raw.execute("UPDATE sweep_config SET label = ? WHERE label = 'long'", (LONG,))
        raw.execute("UPDATE attempt SET message = ? WHERE outcome = 'failed'", ("<script>alert(3)</script>",))
    return url
