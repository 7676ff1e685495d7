"""Every kind of layer is known wherever docs/layers.md says that it has to be."""

import inspect
import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from pipeline.gradient.cone import cone
from pipeline.gradient.effort import both_ways
from pipeline.gradient.footprint import uses
from pipeline.gradient.load import load
from pipeline.gradient.table import JOINS, OPERATIONS
from pipeline.stem import Convolution, Join, Layer, Plane, network, parse
from pipeline.stem.rules import RULES
from pipeline.stem.spelling import BY_KIND
from pipeline.sweep.build import build
from pipeline.sweep.jsonschema import config_schema
from pipeline.theory import theory
from tests.strategies import KINDS_OF

ROOT = Path(__file__).parents[1]
KINDS = get_args(Layer)
GROUPS = {
    "res": "res(3x3:4)",
    "res_pre": "res_pre(3x3:4)",
    "add": "add(3x3:4|)",
    "cat": "cat(3x3:4|)",
    "mul": "mul(3x3:4|)",
}
PLANE = Plane(12, 12, 4)


def example(kind: Any) -> str:
    """A stem of this layer alone, which fits PLANE, by the example of its spelling."""
    spelling = BY_KIND[kind]
    fitting = {"slice": "slice0:2", "gn": "gn2"}
    return GROUPS.get(spelling.word) or fitting.get(spelling.word) or spelling.example


def name_of(kind: Any) -> str:
    return str(kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
class TestEveryLayer:
    def test_it_has_a_spelling_that_is_its_own(self, kind: Any) -> None:
        assert type(parse(example(kind))[-1]) is kind

    def test_its_list_form_is_its_notation(self, kind: Any) -> None:
        listed = [json.loads(msgspec.json.encode(layer)) for layer in parse(example(kind))]
        plane = {"height": 12, "width": 12, "channels": 4}
        by_list, by_notation = (build({"stem": stem, "input": plane}) for stem in (listed, example(kind)))
        assert by_list.stem == by_notation.stem

    def test_the_schema_of_configs_has_it(self, kind: Any) -> None:
        assert kind.__name__ in config_schema()["$defs"]

    def test_it_has_a_rule_or_is_a_convolution_or_a_group(self, kind: Any) -> None:
        assert (kind in RULES) != issubclass(kind, Convolution | Join)

    def test_it_has_an_operation(self, kind: Any) -> None:
        assert (kind in OPERATIONS) != (kind in JOINS)

    def test_it_has_a_cost(self, kind: Any) -> None:
        for step in cone(example(kind), PLANE, (0, 0), None).steps:
            own = load(step, 8, 4)
            assert both_ways(own).copies >= 0
            assert uses(own)

    def test_it_has_theory(self, kind: Any) -> None:
        assert theory(network(example(kind), PLANE)).rows

    def test_it_has_a_strategy(self, kind: Any) -> None:
        assert kind in KINDS_OF

    @pytest.mark.parametrize("oracle", ["torch_network", "box_network"])
    def test_it_has_an_oracle(self, kind: Any, oracle: str) -> None:
        assert re.search(rf"\b{kind.__name__}\(", (ROOT / "tests" / f"{oracle}.py").read_text())

    def test_the_page_on_stems_has_it(self, kind: Any) -> None:
        word = BY_KIND[kind].word or BY_KIND[kind].example
        assert f"`{word}" in (ROOT / "docs" / "stems.md").read_text()

    def test_it_says_what_it_does(self, kind: Any) -> None:
        assert inspect.getdoc(kind)


def test_a_layer_that_nothing_knows_is_refused() -> None:
    class Unheard:
        pass

    step = cone("3x3", PLANE, (0, 0), None).steps[0]
    own = load(step, 8, 4)._replace(layer=Unheard())
    for asked in (both_ways, uses):
        with pytest.raises(TypeError, match="Unheard"):
            asked(own)


def test_the_page_on_layers_names_six_source_files() -> None:
    page = (ROOT / "docs" / "layers.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert len(rows) == 6
