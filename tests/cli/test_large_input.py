"""Large input: thousands of stems are read in seconds, and what takes a while says how far it is."""

import time
from itertools import product
from pathlib import Path

import pytest

from cli.progress import tracked
from pipeline.gradient import plan_of
from pipeline.stem import Plane, network
from pipeline.sweep.sweep import sweep
from tests.cli.command import erfsweep, good
from tests.clock import costs_at_most

_SIDES = range(1, 30, 2)
STEMS = [
    f"{depth}x{height}x{width}" for depth, height, width in product(range(1, 41), range(1, 30, 2), range(1, 30, 2))
]


def test_9000_stems_are_queued_in_seconds() -> None:
    Path("big.yaml").write_text(f"name: big\nstems: [{', '.join(STEMS)}]\n")
    with costs_at_most(120):  # 6 to 20 s
        assert good("submit", "big.yaml").out == "sweep big: 9,000 configs, 9,000 new\n"
    assert good("submit", "big.yaml").out == "sweep big: 9,000 configs, 0 new\n"


def test_the_plan_of_a_deep_stem_takes_no_square_of_its_depth() -> None:
    spec = {"name": "deep", "stems": ["10000x3x3", "10000x5x5"], "input": 21}
    with costs_at_most(8):  # 0.6 to 1.7 s, and 10 to 30 s where each layer looks at all behind it
        for config in sweep(spec):
            assert len(plan_of(config).cone.steps) == 10_000


@pytest.mark.parametrize("block", ["3x3", "5x5/2", "dw3x3", "3x3@2", "relu", "bn", "res(3x3:4)", "max3x3/2"])
def test_layers_written_out_are_those_counted(block: str) -> None:
    plane = Plane(64, 65, 4)
    assert network(f"3x{block}", plane) == network(" ".join([block] * 3), plane)


def test_the_first_stem_that_cannot_be_used_is_refused_before_a_store_is_made() -> None:
    Path("bad.yaml").write_text(f"name: bad\ninput: 21\nstems: [{', '.join(STEMS[:500])}, 99x99p0]\n")
    ended = erfsweep("submit", "bad.yaml")
    assert ended.code == 2
    assert "99x99p0" in ended.err
    assert not Path("erfsweep.db").exists()


def test_what_takes_long_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    assert list(tracked(range(9), 9, "reading")) == list(range(9))
    assert capsys.readouterr().err == "reading: 3/9\nreading: 6/9\nreading: 9/9\n"
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    assert list(tracked(range(9), 9, "reading")) == list(range(9))
    assert capsys.readouterr().err == ""
