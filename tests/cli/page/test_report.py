"""`erfsweep report`: one file that shows everything, does no harm, and asks nobody for anything."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import erfsweep as door
from store.asking.thumbnails import THUMBNAIL_FROM, thumbnails
from store.database.opening import open_store
from tests.browser import Browser
from tests.cli.command import ROOT, erfsweep, good
from tests.cli.page.conftest import HOSTILE, LONG
from tests.store.asking import test_where


def opened(chromium: Browser, url: str, *arguments: str) -> float:
    """Writes a report and opens it; milliseconds until it is ready."""
    good("--db", url, "report", *arguments, "-o", "page.html")
    return chromium.open(Path("page.html").absolute().as_uri())


def test_a_page_shows_each_row_and_asks_for_nothing(chromium: Browser, mixed: str) -> None:
    opened(chromium, mixed, "mixed")
    listed = good("--db", mixed, "table", "mixed", "-c", "config", "-f", "json").json
    assert [" ".join(each.split()) for each in chromium.column("config")] == [
        " ".join(each["config"].split()) for each in listed
    ]
    assert chromium.requests() == [Path("page.html").absolute().as_uri()]
    assert chromium.problems() == []


def test_names_and_errors_of_others_do_no_harm(chromium: Browser, mixed: str) -> None:
    opened(chromium, mixed, "mixed")
    assert chromium.column("config")[: len(HOSTILE)] == list(HOSTILE)
    chromium.run("document.getElementById('select-page').click()")
    chromium.until("return document.querySelectorAll('.card').length > 10")
    chromium.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert "<script>alert(3)</script>" in chromium.text("cards")
    for point in range(len(HOSTILE)):
        hover(chromium, point)
    assert chromium.alerts() == []
    made = "return document.querySelectorAll('#rows script, #rows img, .card script, .card img').length"
    assert chromium.run(made) == 0
    source = Path("page.html").read_text()
    assert all(label not in source for label in HOSTILE if "alert" in label)


def test_points_of_no_family_look_like_none_that_have_one(chromium: Browser, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/families.db"
    good("--db", url, "run", "3x3, 2x3x3, res(2x3x3:1) 3x3", "--name", "families")
    opened(chromium, url, "families")
    data = chromium.run(
        """const { family, color } = Bokeh.documents[0].get_model_by_name("scatter-points").data;
        return Array.from(family, (name, i) => [name, color[i]]);"""
    )
    colours = {name: {colour for other, colour in data if other == name} for name, _ in data}
    assert set(colours) == {"3x3", ""}
    assert not colours["3x3"] & colours[""]
    assert chromium.text("scatter-legend").split("\n") == ["●3x3", "●no family"]


def hover(chromium: Browser, point: int) -> None:
    """Moves the mouse to a point of the scatter plot, and waits for its tooltip."""
    chromium.run("document.getElementById('scatter-legend').scrollIntoView({block: 'end'})")
    x, y = chromium.run(
        """const model = (name) => Bokeh.documents[0].get_model_by_name(name);
        const figure = model("scatter"), source = model("scatter-points");
        const view = Bokeh.index.find_one(figure), box = view.el.getBoundingClientRect();
        return [box.left + view.frame.x_scale.compute(source.data.x[arguments[0]]),
                box.top + view.frame.y_scale.compute(source.data.y[arguments[0]])];""",
        point,
    )
    for step in (0, 1):
        chromium.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x + step, "y": y})
    chromium.until(
        """const deep = (root) => [...root.querySelectorAll("*")].some((each) =>
          (each.classList.contains("bk-Tooltip") && !each.hidden) || (each.shadowRoot && deep(each.shadowRoot)));
        return deep(document);"""
    )


def test_conditions_mean_what_they_mean_to_the_store(chromium: Browser) -> None:
    (cases,) = (mark.args[1] for mark in test_where.test_means.pytestmark)
    script = (ROOT / "cli" / "render" / "page" / "where.js").read_text()
    texts = {"activation", "config", "state"}
    kinds = {
        name: "text" if name in texts else "truth" if name in ("dead", "saturated") else "number"
        for name in test_where.ROW
    }
    chromium.driver.get("about:blank")
    found: list[Any] = chromium.run(
        f"""{script}
        const [row, kinds, cases] = arguments;
        const columns = {{}};
        for (const name in row) columns[name] = {{ kind: kinds[name], get: () => row[name] }};
        return cases.map((text) => {{
          try {{ return condition(text, columns)(0); }} catch (error) {{ return String(error); }}
        }});""",
        test_where.ROW,
        kinds,
        [case for case, _ in cases],
    )
    assert dict(zip((case for case, _ in cases), found, strict=True)) == dict(cases)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("kernel = 3", "cannot be read at"),
        ("nosuch == 3", 'there is no column "nosuch"'),
        ("kernel", "a value stands where a condition should"),
        ("config == 3", "text is compared with what is not text"),
        ("kernel == 3 kernel", "cannot be read from"),
        ("like(kernel, '3')", "text"),
        ("(kernel == 3", "lacks )"),
        ("constructor == 3", "there is no column"),
    ],
)
def test_a_wrong_condition_is_answered_by_a_sentence(chromium: Browser, mixed: str, condition: str, said: str) -> None:
    if not chromium.run("return location.pathname").endswith("page.html"):
        opened(chromium, mixed, "mixed")
    chromium.write("where", condition)
    assert said in chromium.text("problem")
    assert chromium.run("return document.getElementById('where').getAttribute('aria-invalid')") == "true"


def test_the_table_filters_sorts_and_turns_pages_as_the_command_does(chromium: Browser, mixed: str) -> None:
    opened(chromium, mixed, "growth")
    where = "kernel == 3 and ratio <= 1"
    chromium.write("where", where)
    listed = good("--db", mixed, "table", "growth", "--where", where, "-c", "id", "-f", "json").json
    assert chromium.column("id") == [row["id"] for row in listed]
    assert f"{len(listed)} of 12 rows" in chromium.text("total")
    chromium.write("where", "")
    for sort in ("luo", "-luo"):
        chromium.run("document.querySelector('#heads [data-name=luo]').click()")
        order = "descending" if sort.startswith("-") else "ascending"
        chromium.until("return document.querySelector('[data-name=luo]').parentNode.ariaSort === arguments[0]", order)
        listed = good("--db", mixed, "table", "growth", "--sort", sort, "-c", "id", "-f", "json").json
        assert chromium.column("id") == [row["id"] for row in listed]
    chromium.write("text", "4X5X5")
    assert set(chromium.column("config")) == {"4x5x5"}


def test_what_is_selected_is_the_same_in_table_plots_heatmaps_and_link(chromium: Browser, mixed: str) -> None:
    opened(chromium, mixed, "growth")
    selected = "return [...Bokeh.documents[0].get_model_by_name(arguments[0]).selected.indices]"
    chromium.run("document.querySelectorAll('#rows input')[2].click()")
    chromium.until(f"{selected}.length", "scatter-points")
    assert chromium.run(selected, "scatter-points") == [2]
    assert chromium.run(selected, "growth-points") == [2]
    chromium.run("Bokeh.documents[0].get_model_by_name('growth-points').selected.indices = [0, 3]")
    chromium.until("return document.querySelectorAll('.card').length === 2")
    ids = chromium.column("id")
    checked = "return [...document.querySelectorAll('#rows input:checked')].map((each) => each.dataset.id)"
    assert chromium.run(checked) == [ids[0], ids[3]]
    link = chromium.run("return location.href")
    chromium.open(link)
    assert "2 selected" in chromium.text("selection")
    assert chromium.run(selected, "scatter-points") == [0, 3]
    assert chromium.problems() == []


def test_the_keyboard_reaches_everything_in_order_and_selects(chromium: Browser, mixed: str) -> None:
    from selenium.webdriver import ActionChains, Keys

    opened(chromium, mixed, "growth")
    order = ["where", "text", "clear", "select-page"]
    chromium.run("document.getElementById('where').focus()")
    for name in order:
        assert chromium.run("return document.activeElement.id") == name
        assert chromium.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
        ActionChains(chromium.driver).send_keys(Keys.TAB).perform()
    chromium.run("document.querySelector('#rows input').focus()")
    ActionChains(chromium.driver).send_keys(Keys.ARROW_DOWN, Keys.SPACE).perform()
    assert chromium.run("return document.activeElement.dataset.id") == chromium.column("id")[1]
    assert "1 selected" in chromium.text("selection")
    unnamed = """return [...document.querySelectorAll("input, select, button")].filter((each) =>
      !(each.labels?.length || each.ariaLabel || each.textContent.trim())).map((each) => each.outerHTML)"""
    assert chromium.run(unnamed) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_narrow_screen(chromium: Browser, mixed: str, scheme: str) -> None:
    command = chromium.driver.execute_cdp_cmd
    command("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    command("Emulation.setDeviceMetricsOverride", {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True})
    try:
        opened(chromium, mixed, "mixed")
        assert chromium.run("return document.documentElement.scrollWidth") == 400
        assert LONG.strip() in chromium.run("return document.getElementById('rows').textContent")
        axis = "return Bokeh.documents[0].get_model_by_name('scatter').below[0]"
        assert (chromium.run(f"{axis}.axis_label_text_color") == "#e4e4e7") == (scheme == "dark")
        assert chromium.run(f"{axis}.axis_label") == "theo_rf (px)"
    finally:
        command("Emulation.clearDeviceMetricsOverride", {})
        command("Emulation.setEmulatedMedia", {"features": []})


def test_mass_curves_fill_their_axis(chromium: Browser, mixed: str) -> None:
    opened(chromium, mixed, "growth", "--where", "kernel == 3 and depth <= 2")
    ends = """const { start, end, reset_end } = Bokeh.documents[0].get_model_by_name("curves").x_range;
      return [start, end, reset_end];"""
    # A window of 5 px holds all within 2 px of its centre, and the axis ends 4 % behind that.
    assert chromium.run(ends) == pytest.approx([0, 2.08, 2.08])


@pytest.mark.parametrize(
    ("scale", "marks"), [("linear", "0 0.5 1"), ("root", "0 0.25 1"), ("log", "0.0001 or less 0.01 1")]
)
def test_the_bar_says_which_share_of_the_maximum_a_colour_is(
    chromium: Browser, mixed: str, scale: str, marks: str
) -> None:
    good("--db", mixed, "report", "growth", "-o", "page.html")
    chromium.open(f"{Path('page.html').absolute().as_uri()}#scale={scale}")
    assert chromium.text("bar-marks").split() == marks.split()
    colours = """const context = document.getElementById("bar").getContext("2d");
      return [0, 255].map((x) => [...context.getImageData(x, 0, 1, 1).data].slice(0, 3));"""
    first, last = chromium.run(colours)
    assert sum(first) < 10  # black
    assert last == [252, 255, 164]  # the pale yellow that inferno of Matplotlib ends with


def test_paper_has_no_tools_and_no_broken_heading(chromium: Browser, mixed: str) -> None:
    command = chromium.driver.execute_cdp_cmd
    opened(chromium, mixed, "growth")
    tools = """const found = [];
      const deep = (root) => root.querySelectorAll("*").forEach((each) => {
        if (each.classList.contains("bk-Toolbar")) found.push(getComputedStyle(each).display);
        if (each.shadowRoot) deep(each.shadowRoot);
      });
      deep(document);
      return found;"""
    words = """return [...document.querySelectorAll("#heads button")].flatMap((button) => {
      const range = document.createRange();
      return [...button.childNodes].filter((each) => each.nodeType === 3 && each.data.trim()).map((each) => {
        range.selectNodeContents(each);
        return /^ /.test(each.data) ? 1 : range.getClientRects().length;
      });
    });"""
    shown = chromium.run(tools)
    assert len(shown) == 4
    assert "none" not in shown
    lines = "return [...document.querySelectorAll('#heads button')].map((each) => each.offsetHeight)"
    command("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True})
    narrow = chromium.run(lines)
    command("Emulation.setEmulatedMedia", {"media": "print"})
    command(
        "Emulation.setDeviceMetricsOverride", {"width": 700, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        assert len({*narrow}) == 1  # on a screen a heading takes one line, however narrow it is
        assert chromium.run(tools) == ["none"] * 4
        assert set(chromium.run(words)) == {1}
    finally:
        command("Emulation.clearDeviceMetricsOverride", {})
        command("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_a_heatmap_of_the_page_is_that_of_the_store_reduced(mixed: str) -> None:
    store = open_store(mixed)
    with door.open_store(mixed) as asked:
        (row,) = asked.rows("growth", columns=THUMBNAIL_FROM, limit=1)
        heatmap = asked.heatmap("growth:0")
        ((_, found),) = thumbnails(store, [row], 31)
        assert (found.height, found.width, found.block, found.top, found.left) == (3, 3, 1, 9, 9)
        part = heatmap[9:12, 9:12]
        expected = (255 * (part / part.max()) ** 0.5).round().astype("uint8")
        assert found.levels == expected.tobytes()
        ((_, reduced),) = thumbnails(store, [row], 2)
        means = [[part[:2, :2].mean(), part[:2, 2:].mean()], [part[2:, :2].mean(), part[2:, 2:].mean()]]
        top = max(map(max, means))
        assert (reduced.block, [*reduced.levels]) == (
            2,
            [round(255 * (each / top) ** 0.5) for line in means for each in line],
        )
    store.close()


def test_python_writes_the_same_page(mixed: str) -> None:
    good("--db", mixed, "report", "growth", "--where", "kernel == 3", "-o", "one.html")
    with door.open_store(mixed) as store:
        made = store.report("growth", "other.html", where="kernel == 3")
    assert (made.rows, made.bytes) == (6, Path("other.html").stat().st_size)
    maps = r'id="page-maps">([^<]+)<'
    one, other = (re.search(maps, Path(name).read_text()) for name in ("one.html", "other.html"))
    assert one is not None
    assert other is not None
    assert one[1] == other[1]


def test_a_report_that_cannot_be_is_one_sentence(mixed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search(r"no sweep 'none'", erfsweep("--db", mixed, "report", "none").err)
    assert "cannot write 'no/such.html'" in erfsweep("--db", mixed, "report", "growth", "-o", "no/such.html").err
    empty = good("--db", mixed, "report", "growth", "--where", "kernel == 9")
    assert "0 of 12 rows with --where" in empty.err
    monkeypatch.setattr("cli.render.page.report.MAX_ROWS", 5)
    assert "at most 5 rows" in erfsweep("--db", mixed, "report", "growth").err
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "bokeh" else find(name, *more))
    ended = erfsweep("--db", mixed, "report", "growth")
    assert (ended.code, ended.err) == (
        2,
        "erfsweep: a report needs bokeh, which is not installed; "
        f"type `{sys.executable} -m pip install 'erfsweep[report]'`\n",
    )
