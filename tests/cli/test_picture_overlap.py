"""Nothing in a picture lies on anything else: titles, numbers of a front, marks of bars; and nothing leaves it."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import erfsweep

matplotlib = pytest.importorskip("matplotlib")
from matplotlib.figure import Figure  # noqa: E402  # behind the question whether it is there
from matplotlib.font_manager import FontProperties  # noqa: E402
from matplotlib.textpath import TextPath  # noqa: E402

from cli.render.plots.words import ELLIPSIS, PT, all_fitted, fitted, width_of  # noqa: E402

TEXTS = ("w" * 300, "i" * 300, "wide wi" * 40, "<script>alert(1)</script>", "3x3:8 3x3@2:8 3x3@5:8 3x3@7:8", "W" * 6)


@pytest.fixture
def store() -> Iterator[erfsweep.Store]:
    """Stacks of 1 to 7 layers with long labels, two that are equal to the second of them, and a dead result."""
    one = {"init": {"kind": "uniform_kernel"}, "probes": {"count": 1}, "input": 21}
    stems: list[Any] = [{"stem": f"{n}x3x3:1=linear", "label": f"{n}" + "w" * 63} for n in range(1, 8)]
    equal = [{"stem": "2x3x3:1=linear", "label": f"equal {n}", "probes.count": n} for n in (2, 3)]
    dead = {"stems": ["3x3"], "init": {"kind": "normal"}, "probes": {"count": 1}, "readout": {"position": [0, 0]}}
    with erfsweep.open_store("sqlite:///overlap.db", create=True) as opened:
        # Equal weights and no activation: the number of probes changes nothing.
        opened.submit({"name": "all", "stems": stems + equal, **one})
        opened.work(engine="sync")
        opened.submit({"name": "dead", **dead, "input": 21})
        opened.work(engine="sync")
        assert opened.health("dead").dead == 1
        yield opened


def boxes(figure: Figure, texts: Sequence[Any]) -> list[Any]:
    figure.draw_without_rendering()
    return [each.get_window_extent() for each in texts if each.get_text()]


def none_touch(found: list[Any]) -> bool:
    return not any(one.overlaps(other) for one, other in itertools.combinations(found, 2))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_as_wide_as_matplotlib_draws_it_and_fits(text: str) -> None:
    drawn = TextPath((0, 0), text, size=10, prop=FontProperties("DejaVu Sans")).get_extents().width / PT
    assert width_of(text, 10) == pytest.approx(drawn, rel=0.02, abs=2 / PT)
    for inches in (0.8, 1.5, 6.0):
        cut = fitted(text, inches, 7)
        assert width_of(cut, 7) <= inches
        if cut != text:
            assert ELLIPSIS in cut
            # There is no room for another of its characters.
            assert width_of(cut, 7) > inches - max(width_of(each, 7) for each in text)


def test_texts_that_are_the_same_when_they_are_cut_are_numbered() -> None:
    both = all_fitted(["a" * 40 + "1" + "a" * 40, "a" * 40 + "2" + "a" * 40], 1.0, 7)
    assert [each.partition(":")[0] for each in both] == ["0", "1"]
    assert all(width_of(each, 7) <= 1 for each in both)


@pytest.mark.parametrize("width", [3.35, 7.0])
def test_titles_of_a_grid_do_not_touch(store: erfsweep.Store, width: float) -> None:
    figure = store.plot.heatmaps("all", width=width)
    panels = [each for each in figure.axes if each.get_title()]
    assert len(panels) == 9
    assert none_touch(boxes(figure, [each.title for each in panels]))
    for panel in panels:  # a single mark has no scale
        assert len(panel.get_xticks()) > 1


@pytest.mark.parametrize("wanted", [("eff_square", "macs"), ("luo,ratio", "macs,params")])
def test_numbers_of_a_front_do_not_touch_and_equal_results_have_one(
    store: erfsweep.Store, wanted: tuple[str, str]
) -> None:
    figure = store.plot.pareto(max=wanted[0], min=wanted[1])
    for panel in figure.axes:
        found = boxes(figure, panel.texts)
        assert found
        assert none_touch(found)
        assert all(panel.bbox.x0 <= box.x0 and box.x1 <= panel.bbox.x1 for box in found)
    named, kinds = figure.legends
    assert any(each.get_text().endswith("and 2 equal") for each in named.get_texts())
    assert [each.get_text() for each in kinds.get_texts()][-1] == "without a value (1)"
    frame = figure.bbox
    assert all(
        frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes(figure, [*named.get_texts(), *kinds.get_texts()])
    )


def test_marks_of_a_low_bar_do_not_touch(store: erfsweep.Store) -> None:
    figure = store.plot.compare("all:0", "all:3")
    bars = [each for each in figure.axes if each.get_label() == "<colorbar>"]
    assert len(bars) == 2
    for bar in bars:
        found = boxes(figure, bar.get_yticklabels())
        assert len(found) > 2
        assert none_touch(found)


def test_curves_say_how_many_results_have_none(store: erfsweep.Store) -> None:
    (legend,) = store.plot.curves().legends
    assert legend.get_texts()[-1].get_text() == "1 of 10 results without a curve"
    (legend,) = store.plot.curves("all").legends
    assert "without" not in legend.get_texts()[-1].get_text()
