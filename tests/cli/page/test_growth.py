"""The growth of the page: slopes and intervals are those of the command, whatever the size and the kernel."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import erfsweep as door
from cli.render.page.head import head
from store.asking.columns import DEFAULT
from store.asking.query import rows
from store.database.opening import open_store
from tests.browser import Browser
from tests.cli.command import ROOT, good

SLOPES = """return [...document.getElementById("slopes").children].map((row) =>
  [...row.children].map((each) => each.textContent));"""
LINES = """const { xs, ys } = Bokeh.documents[0].get_model_by_name("growth-lines").data;
  return Array.from(xs, (x, i) => [[...x], [...ys[i]]]);"""


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with stacks of 3x3 and of 3x7 at four depths, three draws of each, and of 5x5 at two."""
    url = f"sqlite:///{tmp_path_factory.mktemp('stacks')}/stacks.db"
    he = {"init": {"kind": "he_normal"}, "input": 31}
    with door.open_store(url, create=True) as store:
        for name, kernel, depths in (("small", 3, [1, 2, 3, 4]), ("wide", [3, 7], [1, 2, 3, 4]), ("two", 5, [1, 2])):
            store.submit({"name": name, "grid": {"kernel": [kernel], "depth": depths, "seed": [0, 1, 2]}, **he})
        store.work(engine="sync")
    return url


def opened(chromium: Browser, url: str, link: str, *arguments: str) -> None:
    if not Path("page.html").exists():
        good("--db", url, "report", *arguments, "-o", "page.html")
    chromium.open(f"{Path('page.html').absolute().as_uri()}#{link}")


def test_slopes_have_the_intervals_of_the_command(chromium: Browser, stacks: str) -> None:
    for size in ("luo", "sigma_x"):
        told = good("--db", stacks, "growth", "--size", size, "-f", "json").json
        for along in ("depth", "theo_rf"):
            opened(chromium, stacks, f"growth={size}&along={along}")
            laws = {row["layer"]: row for row in told if (row["growth"], row["with"]) == (size, along)}
            assert len(laws) == 3
            expected = [
                [
                    layer,
                    f"{law['slope']:.3f}",
                    "-" if law["low"] is None else f"[{law['low']:.3f}, {law['high']:.3f}]",
                    str(law["points"]),
                    str(law["draws"]),
                ]
                for layer, law in laws.items()
            ]
            found = [[row[0][1:], *row[1:]] for row in chromium.run(SLOPES)]
            assert sorted(found) == sorted(expected), (size, along)
    assert chromium.problems() == []


def test_the_interval_of_the_fitted_mean_is_that_of_linear_regression(chromium: Browser, stacks: str) -> None:
    opened(chromium, stacks, "growth=luo&along=depth", "wide")
    (x, mean), (at, low), (_, high) = chromium.run(LINES)
    logs, up, new = np.log(x), np.log(mean), np.log(at)
    # The textbook's interval of a mean response, of `new` against all of the points.
    fit = stats.linregress(logs, up)
    left = up - fit.intercept - fit.slope * logs
    spread = ((logs - logs.mean()) ** 2).sum()
    error = np.sqrt((left @ left) / 2 * (1 / 4 + (new - logs.mean()) ** 2 / spread))
    line, half = fit.intercept + fit.slope * new, stats.t.ppf(0.975, 2) * error
    assert low == pytest.approx(np.exp(line - half), rel=1e-9)
    assert high == pytest.approx(np.exp(line + half), rel=1e-9)
    assert (at[0], at[-1]) == pytest.approx((1, 4))
    assert "Dotted: the 95 % interval of the fitted mean" in chromium.text("growth-note")


@pytest.mark.parametrize("freedom", [1, 2, 100, 101, 250, 5000, 10**6])
def test_quantiles_of_students_t_are_those_of_scipy(chromium: Browser, stacks: str, freedom: int) -> None:
    store = open_store(stacks, create=False)
    quantiles = head(store, None, rows(store, columns=DEFAULT, limit=1)).student
    store.close()
    script = (ROOT / "cli" / "render" / "page" / "growth.js").read_text()
    chromium.driver.get("about:blank")
    found = chromium.run(f"{script}\nreturn studentOf(...arguments);", freedom, quantiles)
    assert found == pytest.approx(stats.t.ppf(0.975, freedom), rel=5e-5)


def test_equal_sizes_grow_by_exactly_nothing(chromium: Browser, stacks: str) -> None:
    script = (ROOT / "cli" / "render" / "page" / "growth.js").read_text()
    chromium.driver.get("about:blank")
    laws = """const of = (x, y) => lawCells(powerLaw(x, y, [12.7, 1.96]));
      return [of([1, 2, 5], [7.1, 7.1, 7.1]), of([3, 3], [1, 2])];"""
    assert chromium.run(f"{script}\n{laws}") == [["0.000", "[0.000, 0.000]"], ["-", "-"]]
