"""The structure of pictures: their axes, and that what they draw are the numbers of the store and of the theory."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import erfsweep
from cli.render.plots.choices import COLUMN_WIDTH, CurveName, ScaleName
from pipeline.errors import InputError
from pipeline.sizes import CURVES
from store.asking.growth import ALONG
from tests.cli.command import good

matplotlib = pytest.importorskip("matplotlib")
from matplotlib.figure import Figure  # noqa: E402  # behind the question whether it is there

from cli.render.plots.scales import shades, value_at  # noqa: E402
from cli.render.plots.style import GREY  # noqa: E402
from cli.render.plots.words import all_shown, shown  # noqa: E402


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Linear stacks of equal weights, two draws of a ReLU stack, a dead unit, an odd plane and what is not measured."""
    url = f"sqlite:///{tmp_path_factory.mktemp('pictures')}/p.db"
    one = ("-s", "init.kind=uniform_kernel", "-s", "probes.count=1", "-s", "input=21")
    good("run", "1x3x3:1=linear, 2x3x3:1=linear, 4x3x3:1=linear, 2x5x5:1=linear", *one, "--name", "u", "--db", url)
    good("run", "3x3x3", "-s", "seed=0,1", "-s", "input=15x33", "-s", "readout.channel=sum", "--name", "r", "--db", url)
    dead = {"stems": ["3x3"], "init": {"kind": "normal"}, "probes": {"count": 1}, "readout": {"position": [0, 0]}}
    with erfsweep.open_store(url) as opened:
        opened.submit({"name": "d", **dead, "input": 21})
        opened.work("d", engine="sync")
        assert opened.health("d").dead == 1
    good("submit", "9x9", "--name", "q", "--db", url)
    return url


@pytest.fixture
def store(url: str) -> Iterator[erfsweep.Store]:
    with erfsweep.open_store(url) as opened:
        yield opened


def every_axis_has_a_name(figure: Figure) -> None:
    panels = [each for each in figure.axes if each.get_label() != "<colorbar>"]
    assert panels
    for axes in panels:
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        for label in (axes.get_xlabel(), axes.get_ylabel()):
            assert "[" in label or label == "share of the mass within r", label


def test_a_heatmap_is_that_of_the_store_in_pixels_of_its_plane(store: erfsweep.Store) -> None:
    figure = store.plot.heatmap("r:0")
    panel = figure.axes[0]
    (image,) = panel.images
    heatmap = store.heatmap("r:0")
    assert np.array_equal(image.get_array(), heatmap / heatmap.max())
    assert image.get_extent() == [-0.5, 32.5, 14.5, -0.5]
    every_axis_has_a_name(figure)
    record = store.record("r:0").result
    window, square = sorted(panel.patches, key=lambda each: each.get_linestyle() == "-")
    # The unit of 3x3x3 in the middle of 15 x 33 sees 7 pixels both ways, around row 7 and column 16.
    assert (window.get_xy(), window.get_width(), window.get_height()) == ((12.5, 3.5), 7, 7)
    side = record.sizes.eff_square
    assert (square.get_xy(), square.get_width()) == ((16 - side / 2, 7 - side / 2), side)
    assert figure.get_figwidth() == COLUMN_WIDTH


def test_the_area_and_the_mass_are_as_asked_for(store: erfsweep.Store) -> None:
    panel = store.plot.heatmap("u:2", area="plane", mass=0.3).axes[0]
    assert (panel.get_xlim(), panel.get_ylim()) == ((-0.5, 20.5), (20.5, -0.5))
    # Centred squares of 4x3x3 hold 361, 2601, ... of 6561: 30 % are in that of 3 pixels.
    assert sorted(each.get_width() for each in panel.patches) == [3, 9]
    assert store.plot.heatmap("u:2").axes[0].get_xlim() == (4.5, 15.5)


@pytest.mark.parametrize("scale", get_args(ScaleName))
def test_a_shade_and_its_value_are_inverse(scale: ScaleName) -> None:
    values = np.array([[0.0, 1e-7, 0.01, 0.3, 2.0]])
    found = shades(values, scale)
    assert found[0, 0] == 0
    assert found[0, -1] == 1
    assert (np.diff(found[0]) >= 0).all()
    for value, shade in zip(values[0, 2:], found[0, 2:], strict=True):
        assert value_at(shade, scale, 2.0) == pytest.approx(value, rel=1e-12)
    assert not shades(np.zeros((2, 2)), scale).any()


def test_the_scales_of_papers_are_theirs() -> None:
    values = np.array([[0.5, 3.0]])
    assert shades(values, "replknet")[0, 0] == pytest.approx(np.log10(1.5) / np.log10(4))
    assert shades(values, "vmamba")[0, 0] == pytest.approx((0.5 / 3) ** 0.25)
    assert shades(values, "log")[0, 0] == pytest.approx(1 + np.log10(0.5 / 3) / 6)
    assert shades(values, "sqrt")[0, 0] == pytest.approx((0.5 / 3) ** 0.5)


def test_a_grid_has_a_panel_for_each_result_and_one_scale_where_it_is_shared(store: erfsweep.Store) -> None:
    figure = store.plot.heatmaps("u")
    panels = [each for each in figure.axes if each.images and each.get_label() != "<colorbar>"]
    assert [each.get_title() for each in panels] == [
        "3x3:1=linear",
        "2x3x3:1=linear",
        "4x3x3:1=linear",
        "2x5x5:1=linear",
    ]
    assert [each.images[0].get_array().max() for each in panels] == [1, 1, 1, 1]
    shared = store.plot.heatmaps("u", shared=True)
    # Centres of the n-fold box: 1/9, 1/9, 361/6561, 1/25, so that 1/9 is the brightest.
    brightest = [each.images[0].get_array().max() for each in shared.axes if each.images and each.get_title()]
    assert brightest == pytest.approx([1, 1, 361 / 729, 9 / 25], rel=1e-6)


def test_a_grid_over_draws_has_the_mean_heatmap_of_each_group(store: erfsweep.Store) -> None:
    (panel,) = [each for each in store.plot.heatmaps("r", over="seed").axes if each.get_title()]
    assert panel.get_title() == "3x3x3"
    mean = (store.heatmap("r:0") + store.heatmap("r:1")) / 2
    assert np.asarray(panel.images[0].get_array()) == pytest.approx(mean / mean.max())
    groups = [each for each in store.plot.heatmaps("u", over="seed", limit=2).axes if each.get_title()]
    assert [each.get_title() for each in groups] == ["3x3:1=linear", "2x3x3:1=linear"]
    assert [text.get_text() for text in store.plot.heatmaps("q", over="seed").axes[0].texts] == ["not\nmeasured"]
    with pytest.raises(InputError, match="have several windows or planes"):
        store.plot.heatmaps("u", over="depth")


def test_what_has_no_heatmap_says_why(store: erfsweep.Store) -> None:
    texts = [text.get_text() for axes in store.plot.heatmaps().axes for text in axes.texts]
    assert texts == ["dead", "not\nmeasured"]
    with pytest.raises(InputError, match="has no heatmap: not measured"):
        store.plot.heatmap("q:0")
    assert [text.get_text() for text in store.plot.heatmap("d:0").axes[0].texts] == ["dead"]


def test_curves_are_those_of_the_store_and_of_the_closed_form(store: erfsweep.Store) -> None:
    figure = store.plot.curves("u")
    panel = figure.axes[0]
    every_axis_has_a_name(figure)
    solid = [each for each in panel.lines if each.get_linestyle() == "-" and len(each.get_xdata()) > 2]
    for position, line in enumerate(solid):
        assert np.array_equal(line.get_ydata(), store.curves(f"u:{position}")[0])
    dashed = [each for each in panel.lines if each.get_linestyle() == "--"]
    # 4x3x3 of equal weights: the centred squares hold 361, 2601, 5041, 6241, 6561 of 6561.
    assert dashed[2].get_ydata()[:5] == pytest.approx(np.array([361, 2601, 5041, 6241, 6561]) / 6561)
    assert len({line.get_marker() for line in solid}) == len({line.get_color() for line in solid}) == len(solid) == 4


def test_curves_over_draws_have_their_mean_and_a_band(store: erfsweep.Store) -> None:
    panel = store.plot.curves("r", over="seed", curve="radial", mass=0.5).axes[0]
    both = np.stack([store.curves(f"r:{i}")[CURVES.index("radial")] for i in (0, 1)])
    (line,) = [each for each in panel.lines if each.get_marker() == "o"]
    assert line.get_ydata() == pytest.approx(both.mean(axis=0))
    (band,) = panel.collections
    middle = both.shape[1] // 8
    edges = [y for x, y in band.get_paths()[0].vertices if x == middle]
    sd = both[:, middle].std(ddof=1)
    expected = np.clip([both[:, middle].mean() - sd, both[:, middle].mean() + sd], 0, 1)
    assert [min(edges), max(edges)] == pytest.approx(expected)


def test_many_curves_are_drawn_in_shades(store: erfsweep.Store) -> None:
    store.submit("2x3x3", axes={"seed": range(15), "readout.channel": "sum"}, name="many")
    store.work("many", engine="sync")
    figure = store.plot.curves("many")
    assert len(figure.axes[0].collections[0].get_paths()) == 15
    assert figure.legends[0].get_texts()[0].get_text().startswith("15 curves")


def test_growth_draws_the_fits_of_the_table(store: erfsweep.Store, url: str) -> None:
    grid = {"kernel": [3, 5], "depth": [2, 4, 8, 12], "activation": "linear", "features": 1}
    linear = {"init": {"kind": "uniform_kernel"}, "probes": {"count": 1}, "input": 65}
    store.submit({"name": "g", **linear, "grid": grid})
    store.work("g", engine="sync")
    figure = store.plot.growth("g", size="sigma_x")
    every_axis_has_a_name(figure)
    rows = good("growth", "g", "--size", "sigma_x", "-f", "json", "--db", url).json
    for panel, along in zip(figure.axes, ALONG, strict=True):
        assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
        points = [each for each in panel.lines if each.get_linestyle() == "None"]
        # sigma = sqrt(n (k^2 - 1) / 12)
        for line, kernel in zip(points, (3, 5), strict=True):
            assert line.get_ydata() == pytest.approx(np.sqrt(np.array([2, 4, 8, 12]) * (kernel**2 - 1) / 12), rel=1e-6)
        slopes = [row["slope"] for row in rows if row["with"] == along and row["growth"] == "sigma_x"]
        fits = [each for each in panel.lines if each.get_linestyle() == "-"]
        for line, slope in zip(fits, slopes, strict=True):
            x, y = np.log(line.get_xdata()), np.log(line.get_ydata())
            assert (y[-1] - y[0]) / (x[-1] - x[0]) == pytest.approx(slope)
        law = next(each for each in panel.lines if each.get_color() == GREY)
        (x0, x1), (y0, y1) = np.log(law.get_xdata()), np.log(law.get_ydata())
        assert (y1 - y0) / (x1 - x0) == pytest.approx(0.5)
    assert "0.50 [0.50, 0.50]" in figure.legends[0].get_texts()[0].get_text()
    assert len(store.plot.growth("g", along="depth").axes) == 1


def test_layers_stand_in_the_order_of_the_network_beside_their_theory(store: erfsweep.Store) -> None:
    stem = "3x3:1=linear#z 3x3:1=linear#b 2x3x3:1=linear#a"
    box = {"init": {"kind": "uniform_kernel"}, "probes": {"count": 1}}
    store.submit({"name": "net", "stems": [stem], "grid": {"readout.layer": ["a", "b", "z"]}, **box})
    store.work("net", engine="sync")
    figure = store.plot.layers("net", size="sigma_x")
    panel = figure.axes[0]
    assert [each.get_text() for each in panel.get_xticklabels()] == ["z", "b", "a"]
    assert (panel.get_xlabel(), panel.get_ylabel(), panel.get_yscale()) == ("layer", "sigma_x [px]", "log")
    measured, theory = panel.lines
    # 1, 2 and 4 layers of 3x3: sigma = sqrt(n (k^2 - 1) / 12), and windows of 1 + 2 n px.
    assert measured.get_ydata() == pytest.approx(np.sqrt(np.array([1, 2, 4]) * 8 / 12), rel=1e-6)
    assert [*theory.get_ydata()] == [3, 5, 9]
    assert [each.get_text() for each in figure.legends[0].get_texts()] == [stem, "theoretical RF"]
    assert len(store.plot.layers("net", size="ratio").axes[0].lines) == 1  # a share is compared with no length
    own = Figure().add_subplot()
    assert store.plot.layers("net", axes=own) is own.figure


def test_layers_over_draws_have_their_mean_and_a_band(store: erfsweep.Store) -> None:
    layers = {"readout.layer": ["a", "b"], "seed": [0, 1, 2], "init.kind": ["he_normal", "uniform_kernel"]}
    stem = {"stems": ["3x3:4#a 3x3/2:4#b"], "readout": {"channel": "sum"}, "input": 21}
    store.submit({"name": "drawn", "grid": layers, **stem})
    store.work("drawn", engine="sync")
    figure = store.plot.layers("drawn", size="sigma_x", over="seed")
    panel = figure.axes[0]
    random, uniform, theory = panel.lines
    assert random.get_marker() != uniform.get_marker()
    assert random.get_color() != uniform.get_color()
    rows = store.rows("drawn", where="init == 'he_normal'", columns="mark,sigma_x")
    drawn = np.array([[row["sigma_x"] for row in rows if row["mark"] == mark] for mark in "ab"])
    assert random.get_ydata() == pytest.approx(drawn.mean(axis=1))
    (band,) = panel.collections
    edges = [y for x, y in band.get_paths()[0].vertices if x == 1]
    mean, sd = drawn[1].mean(), drawn[1].std(ddof=1)
    assert [min(edges), max(edges)] == pytest.approx([mean - sd, mean + sd])
    named = [each.get_text() for each in figure.legends[0].get_texts()]
    assert named[:2] == ["init=he_normal (n = 3)", "init=uniform_kernel"]
    assert [*theory.get_ydata()] == [3, 5]
    assert len(store.plot.layers("drawn").axes[0].lines) == 5  # a line for each draw, and the theory


def test_layers_of_several_networks_keep_their_own_order_and_theory(store: erfsweep.Store) -> None:
    stems = ["3x3:1#c2 3x3:1#c3 3x3:1#c5", "5x5:1#c2 3x3:1#c4 3x3:1#c5"]
    for i, (stem, marks) in enumerate(zip(stems, ("c2,c3,c5", "c2,c4,c5"), strict=True)):
        store.submit(stem, axes={"readout.layer": marks.split(",")}, name=f"own{i}")
        store.work(f"own{i}", engine="sync")
    panel = store.plot.layers(where="mark in ('c2', 'c3', 'c4', 'c5')").axes[0]
    names = [each.get_text() for each in panel.get_xticklabels()]
    assert sorted(names) == ["c2", "c3", "c4", "c5"]
    assert (names[0], names[-1]) == ("c2", "c5")
    theories = [[*each.get_ydata()] for each in panel.lines if each.get_linestyle() == "--"]
    assert theories == [[3, 5, 7], [5, 7, 9]]


def test_a_layer_that_is_dead_in_one_network_has_its_theory_and_no_point(store: erfsweep.Store) -> None:
    own = {"stem": "3x3:1#a 3x3:1#b 3x3:1#c", "input": 21, "probes": {"count": 1}}
    grid = {"readout.layer": ["a", "b", "c"], "seed": [*range(12)]}
    store.submit({"name": "deadly", **own, "init": {"kind": "normal"}, "grid": grid})
    store.work("deadly", engine="sync")
    dead = store.rows("deadly", where="dead", columns="seed,mark")
    assert {row["mark"] for row in dead} > {"b"}
    figure = store.plot.layers("deadly")
    lines = figure.axes[0].lines
    assert [[*each.get_ydata()] for each in lines if each.get_linestyle() == "--"] == [[3, 5, 7]]
    points = sum(len(each.get_ydata()) for each in lines if each.get_linestyle() == "-")
    assert points == 36 - len(dead)


def test_the_names_of_many_layers_are_legible(store: erfsweep.Store) -> None:
    layers = {"readout.layer": [*range(60)]}
    store.submit({"name": "deep", "stem": "60x3x3:1=linear", "init": {"kind": "uniform_kernel"}, "grid": layers})
    store.work("deep", engine="sync")
    figure = store.plot.layers("deep")
    figure.draw_without_rendering()
    boxes = [each.get_window_extent() for each in figure.axes[0].get_xticklabels()]
    assert 10 < len(boxes) < 60
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


def test_the_side_of_the_plane_is_drawn_where_the_theory_leaves_it(store: erfsweep.Store) -> None:
    store.submit("3x3#a 9x9#b", axes={"readout.layer": ["a", "b"], "input": "9"}, name="left")
    store.work("left", engine="sync")
    (plane,) = [each for each in store.plot.layers("left").axes[0].lines if len({*each.get_ydata()}) == 1]
    assert {*plane.get_ydata()} == {9}


def test_a_comparison_lays_both_on_their_centres(store: erfsweep.Store) -> None:
    figure = store.plot.compare("u:0", "u:2")
    every_axis_has_a_name(figure)
    _, _, difference, profiles = figure.axes[:4]
    found = difference.images[0].get_array()
    shares = [store.heatmap(name) / store.heatmap(name).sum() for name in ("u:0", "u:2")]
    assert np.asarray(found) == pytest.approx(shares[1] - shares[0], abs=1e-15)
    assert difference.images[0].get_extent() == [-10.5, 10.5, 10.5, -10.5]
    first, second = profiles.lines
    assert first.get_xdata()[[0, 10, 20]].tolist() == [-10, 0, 10]
    assert first.get_ydata()[9:12] == pytest.approx([100 / 3] * 3)
    assert second.get_ydata()[6:15] == pytest.approx(100 * np.array([1, 4, 10, 16, 19, 16, 10, 4, 1]) / 81)
    assert first.get_linestyle() != second.get_linestyle()


def test_planes_of_other_sizes_are_laid_on_each_other_too(store: erfsweep.Store) -> None:
    found = store.plot.compare("u:0", "r:0").axes[2].images[0]
    assert found.get_array().shape == (21, 33)
    assert found.get_array().sum() == pytest.approx(0, abs=1e-12)


def test_centres_between_pixels_have_no_difference_with_those_on_pixels(store: erfsweep.Store) -> None:
    store.submit("2x2", axes={"readout.channel": "sum"}, name="even")
    store.work("even", engine="sync")
    panel = store.plot.compare("u:0", "even:0").axes[2]
    assert not panel.images
    assert "half a pixel" in panel.texts[0].get_text()


def test_several_draws_are_compared_by_their_mean(store: erfsweep.Store) -> None:
    figure = store.plot.compare("r", "u:0")
    mean = (store.heatmap("r:0") + store.heatmap("r:1")) / 2
    assert np.asarray(figure.axes[0].images[0].get_array()) == pytest.approx(mean / mean.max(), rel=1e-12)


def test_a_front_draws_every_result_and_those_on_it_apart(store: erfsweep.Store) -> None:
    figure = store.plot.pareto("u", max="theo_rf", min="macs")
    every_axis_has_a_name(figure)
    beaten, steps, best = figure.axes[0].lines
    # Windows 3, 5, 9, 9 for 9, 18, 36, 50 multiply-adds a pixel: two layers of 5x5 are beaten.
    assert beaten.get_ydata().tolist() == [9]
    assert [*zip(best.get_xdata() / 441, best.get_ydata(), strict=True)] == [(36, 9), (18, 5), (9, 3)]
    assert steps.get_drawstyle() == "steps-post"
    assert [each.get_text() for each in figure.axes[0].texts] == ["1", "2", "3"]
    three = store.plot.pareto("u", max="theo_rf,luo", min="macs")
    assert [each.get_ylabel().split()[0] for each in three.axes] == ["theo_rf", "theo_rf"]


def test_axes_of_ones_own_are_drawn_into(store: erfsweep.Store) -> None:
    figure = Figure(figsize=(8, 8))
    panels = figure.subplots(3, 3).ravel()
    assert store.plot.heatmap("u:0", axes=panels[0]) is figure
    assert store.plot.curves("u", axes=panels[1]) is figure
    assert store.plot.growth("u", along="depth", axes=panels[2]) is figure
    assert store.plot.pareto("u", max="luo", min="macs", axes=panels[3]) is figure
    assert store.plot.compare("u:0", "u:1", axes=panels[4:8]) is figure
    with pytest.raises(InputError, match="this picture takes 4 panels, not 1"):
        store.plot.compare("u:0", "u:1", axes=panels[8])
    with pytest.raises(InputError, match="this picture takes 4 panels, not 2"):
        store.plot.heatmaps("u", axes=panels[:2])
    assert store.plot.heatmaps("u", limit=1, axes=panels[8]) is figure
    figure.savefig("own.png")


def test_a_figure_of_python_saves_itself_as_the_command_does(store: erfsweep.Store, url: str) -> None:
    for suffix in ("svg", "pdf", "png"):
        store.plot.curves("u", where="depth > 1", width=5).savefig(f"python.{suffix}")
        good("plot", "curves", "u", "--where", "depth > 1", "--width", "5", "-o", f"command.{suffix}", "--db", url)
        assert Path(f"python.{suffix}").read_bytes() == Path(f"command.{suffix}").read_bytes()
    assert store.plot.curves("u")._repr_png_().startswith(b"\x89PNG")


def test_the_settings_of_a_user_change_nothing(store: erfsweep.Store) -> None:
    before = store.plot.heatmap("u:0").file(".svg")
    with matplotlib.rc_context({"text.usetex": True, "font.size": 20, "axes.grid": True, "svg.fonttype": "path"}):
        assert store.plot.heatmap("u:0").file(".svg") == before


def test_text_is_cut_in_its_middle_and_stays_distinct() -> None:
    assert shown("abcdefghij", 7) == "abc…hij"
    assert shown("a\x1b[2J漢", 40) == "a\\x1b[2J\\u6f22"
    same = ["x" * 50 + "1" + "y" * 50, "x" * 50 + "2" + "y" * 50]
    first, second = all_shown(same, 20)
    assert first != second
    assert max(len(first), len(second)) <= 20


def test_the_names_of_curves_are_those_of_the_store() -> None:
    assert get_args(CurveName) == CURVES


def test_what_is_damaged_is_left_out_with_a_warning(tmp_path: Path) -> None:
    import sqlite3

    url = f"sqlite:///{tmp_path}/damaged.db"
    good("run", "3x3:1=linear, 5x5:1=linear", "-s", "init.kind=uniform_kernel", "--name", "s", "--db", url)
    with sqlite3.connect(tmp_path / "damaged.db") as connection:
        connection.execute("UPDATE map SET heatmap = x'00' WHERE config_id = 1")
    connection.close()
    with erfsweep.open_store(url) as opened, pytest.warns(RuntimeWarning, match="damaged and left out"):
        figure = opened.plot.heatmaps("s")
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["damaged"]
