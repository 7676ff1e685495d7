"""`erfsweep plot`: the files that it writes, what they say of themselves, and how it refuses."""

import doctest
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from unittest.mock import patch

import pytest

from cli.examples import EXAMPLES
from tests.cli.command import ROOT, erfsweep, good

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")

KINDS = {
    "heatmap": ("luo2016:4",),
    "heatmaps": ("luo2016",),
    "curves": ("luo2016",),
    "growth": ("luo2016",),
    "compare": ("luo2016:2", "luo2016:3"),
    "layers": ("net", "--over", "seed"),
    "pareto": ("luo2016", "--max", "luo", "--min", "macs"),
}


@pytest.fixture
def url(kind: str, luo2016: str, stages: str) -> str:
    """The store that an example of a kind is about."""
    return stages if kind == "layers" else luo2016


@pytest.mark.parametrize("kind", KINDS)
def test_a_png_is_one_column_wide_and_says_what_it_shows(url: str, kind: str) -> None:
    good("plot", kind, *KINDS[kind], "-o", "x.png", "--db", url)
    picture = Image.open("x.png")
    assert picture.size[0] == round(3.35 * 300)
    assert picture.text["Description"] == f"erfsweep plot {kind} {' '.join(KINDS[kind])}"
    assert picture.text["Title"]
    assert "Creation Time" not in picture.text


@pytest.mark.parametrize("kind", KINDS)
def test_text_stays_text_in_svg_and_pdf(url: str, kind: str) -> None:
    good("plot", kind, *KINDS[kind], "-o", "x.svg", "--db", url)
    svg = Path("x.svg").read_text()
    root = ElementTree.fromstring(svg)
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("[px]" in (text or "") for text in texts)
    assert f"<dc:description>erfsweep plot {kind}" in svg
    assert "<dc:date>" not in svg
    good("plot", kind, *KINDS[kind], "-o", "x.pdf", "--db", url)
    pdf = Path("x.pdf").read_bytes()
    assert b"/CIDFontType2" in pdf  # fonts of type 42 are embedded so
    assert b"/Type3" not in pdf
    assert f"/Subject (erfsweep plot {kind}".encode() in pdf
    assert b"/CreationDate" not in pdf


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_question_yields_the_same_bytes(luo2016: str, suffix: str) -> None:
    for name in ("a", "b"):
        good("plot", "compare", "luo2016:2", "luo2016:3", "-o", f"{name}.{suffix}", "--db", luo2016)
    assert Path(f"a.{suffix}").read_bytes() == Path(f"b.{suffix}").read_bytes()


def test_the_ids_of_its_configs_are_in_the_file_and_the_store_is_not(luo2016: str) -> None:
    ids = [row["id"] for row in good("table", "luo2016", "-c", "id", "-f", "csv", "--db", luo2016).rows]
    good("plot", "heatmaps", "luo2016", "--where", "depth > 1", "--scale", "log", "-o", "x.png", "--db", luo2016)
    text = Image.open("x.png").text
    assert text["Description"] == "erfsweep plot heatmaps luo2016 --where 'depth > 1' --scale log"
    assert set(re.findall(r"g\w{12}", text["Keywords"])) < set(ids)
    assert "sqlite" not in str(text)


def test_halves_of_a_sweep_are_drawn_as_the_two_that_they_are(luo2016: str) -> None:
    stacks = ("--where", "kernel == 3")
    good("plot", "compare", "luo2016", "--by", "depth=4,2", *stacks, "-o", "by.svg", "--db", luo2016)
    good("plot", "compare", "luo2016:2", "luo2016:1", "-o", "two.svg", "--db", luo2016)
    by, two = (Path(name).read_text() for name in ("by.svg", "two.svg"))
    images = [re.findall(r'xlink:href="(data:image/png[^"]+)"', each) for each in (by, two)]
    assert images[0] == images[1]
    assert len(images[0]) >= 3
    assert "A: depth=4" in by
    assert "B: depth=2" in by
    ended = erfsweep("plot", "compare", "luo2016", "--by", "kernel=3,5", "-o", "x.svg", "--db", luo2016)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "'kernel=3' have several windows or planes" in ended.err


def test_a_file_that_is_there_is_replaced_and_what_cannot_be_written_is_said(luo2016: str) -> None:
    Path("x.svg").write_text("old")
    assert good("plot", "curves", "luo2016", "-o", "x.svg", "--db", luo2016).err == "x.svg written\n"
    assert Path("x.svg").read_text() != "old"
    ended = erfsweep("plot", "curves", "luo2016", "-o", "none/x.svg", "--db", luo2016)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "cannot write 'none/x.svg'" in ended.err
    assert [each.name for each in Path().iterdir()] == ["x.svg"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("curves", "luo2016", "-o", "x.gif"), "--output 'x.gif' ends in no format; end it in .png, .svg or .pdf"),
        (("curves", "luo2016", "-o", "x"), "--output 'x' ends in no format"),
        (("curves", "luo2016", "-o", "x.png", "--width", "1"), "--width 1 is not the width of a picture"),
        (("curves", "luo2016", "-o", "x.png", "--width", "nan"), "--width nan is not the width of a picture"),
        (("curves", "luo2016", "-o", "x.png", "--where", "depth > 9"), "no result of 'luo2016' meets --where"),
        (("curves", "luo2016", "-o", "x.png", "--mass", "2"), "--mass 2.0 is not a share of the mass"),
        (("heatmap", "luo2016", "-o", "x.png"), "'luo2016' names 5 results, and this picture is of one"),
        (("heatmaps", "nothing", "-o", "x.png"), "'nothing'"),
        (("heatmaps", "luo2016", "--limit", "300", "-o", "x.png"), "--limit 300 is more than a picture has panels"),
        (("growth", "luo2016", "--size", "lou", "-o", "x.png"), "'lou' is not a size"),
        (("compare", "luo2016:0", "luo2016", "-o", "x.png"), "several windows or planes"),
        (("layers", "luo2016", "-o", "x.png"), "have no network with two layers, and this picture has several"),
        (("layers", "luo2016:1", "-o", "x.png"), "'luo2016:1'"),
        (("layers", "luo2016", "--where", "depth > 9", "-o", "x.png"), "no result of 'luo2016' meets --where"),
        (("layers", "luo2016", "--where", "depth == 1 and kernel == 3", "-o", "x.png"), "are all of one layer, '0'"),
        (("layers", "luo2016", "--over", "readout.layer", "-o", "x.png"), "what this picture tells apart"),
        (("layers", "luo2016", "--size", "lou", "-o", "x.png"), "'lou' is not a size"),
        (("pareto", "luo2016", "-o", "x.png"), "a front needs an objective"),
        (("pareto", "luo2016", "--max", "luo", "-o", "x.png"), "has two axes; name two objectives"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(luo2016: str, arguments: tuple[str, ...], named: str) -> None:
    ended = erfsweep("plot", *arguments, "--db", luo2016)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert named in ended.err
    assert not Path("x.png").exists()


def test_growth_of_one_depth_is_drawn_without_a_line(luo2016: str) -> None:
    good("plot", "growth", "luo2016", "--where", "kernel == 5", "-o", "x.svg", "--db", luo2016)
    assert "one point" in Path("x.svg").read_text()


def test_without_matplotlib_the_way_to_install_it_is_said(luo2016: str) -> None:
    hidden = {name: None for name in sys.modules if name.startswith(("matplotlib.", "cli.render.plots."))}
    with patch.dict(sys.modules, {**hidden, "matplotlib": None}):
        for name in hidden:
            if name.startswith("cli."):
                del sys.modules[name]
        ended = erfsweep("plot", "heatmap", "luo2016:0", "-o", "x.png", "--db", luo2016)
    assert ended.code == 2
    assert f"Matplotlib, which is not installed; type `{sys.executable} -m pip install 'erfsweep[plot]'`" in ended.err


def test_a_grid_says_how_many_it_leaves_out() -> None:
    good("submit", "3x3", "-s", "seed=range(0,20)", "--name", "many")
    ended = good("plot", "heatmaps", "many", "-o", "x.png")
    assert ended.err == "x.png written\nthe first 16 of 20 results; --limit draws more\n"
    assert good("plot", "heatmaps", "many", "--over", "seed", "-o", "x.png").err == "x.png written\n"
    ended = good("plot", "heatmaps", "many", "--where", "seed > 2", "-o", "x.png")
    assert ended.err == "x.png written\nthe first 16 of 17 results; --limit draws more\n"
    assert good("plot", "heatmaps", "many", "--where", "seed > 3", "-o", "x.png").err == "x.png written\n"
    good("run", "5x5=linear", "-s", "seed=range(0,18)", "-s", "probes.count=1", "--name", "measured")
    asked = ("--where", "eff_rf > 0", "--mass", "0.5", "-o", "x.png")  # read off the heatmaps
    ended = good("plot", "heatmaps", "measured", *asked)
    assert ended.err == "x.png written\nthe first 16 of 18 results; --limit draws more\n"
    assert good("plot", "heatmaps", "measured", "--limit", "3", *asked).err == "x.png written\n"
    grid = ("-s", "kernel=range(1,37,2)", "-s", "seed=0,1", "-s", "depth=1", "--name", "grid")
    Path("grid.yaml").write_text("grid: {kernel: 3}")
    good("submit", "grid.yaml", *grid)
    ended = good("plot", "heatmaps", "grid", "--over", "seed", "-o", "x.png")
    assert ended.err == "x.png written\nthe first 16 of 18 groups; --limit draws more\n"


def test_every_kind_has_an_example() -> None:
    assert {f"plot {kind}" for kind in KINDS} == {name for name in EXAMPLES if name.startswith("plot ")}


def test_the_examples_of_the_page_run() -> None:
    good("run", "luo2016")
    page = (ROOT / "docs" / "plots.md").read_text()
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(blocks, {}, "plots.md", "docs/plots.md", 0)
    assert len(examples.examples) > 5
    said: list[str] = []
    doctest.DocTestRunner().run(examples, out=said.append)
    assert said == []


HOSTILE = ["$x^{ \\frac", "<script>alert(1)</script>", "a😀b 漢字", "100 % & #1_{", "x" * 64]


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_text_of_others_does_no_harm(suffix: str) -> None:
    Path("s.yaml").write_text(
        "stems:\n" + "".join(f"- {{stem: {n}x3x3, label: {text!r}}}\n" for n, text in enumerate(HOSTILE, 1))
    )
    good("run", "s.yaml", "--name", "s")
    for kind, *more in (("heatmaps",), ("curves",), ("pareto", "--max", "theo_rf", "--min", "macs"), ("growth",)):
        good("plot", kind, "s", *more, "-o", f"x.{suffix}")
        if suffix == "svg":
            root = ElementTree.fromstring(Path("x.svg").read_text())
            assert not [each for each in root.iter() if each.tag.endswith("script")]
    good("plot", "compare", "s:0", "s:1", "-o", f"x.{suffix}")
    good("plot", "heatmap", "<script>alert(1)</script>", "-o", f"x.{suffix}")
    layers = [
        f"- {{stem: 3x3#a 3x3#b 3x3#c, init.seed: {n}, label: {text!r}, readout: {{layer: {mark}}}}}\n"
        for n, text in enumerate(HOSTILE)
        for mark in "ab"
    ]
    Path("net.yaml").write_text("stems:\n" + "".join(layers))
    good("run", "net.yaml", "--name", "net")
    good("plot", "layers", "net", "-o", f"x.{suffix}")
