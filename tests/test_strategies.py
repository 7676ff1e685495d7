"""The strategies know every kind of layer: what they never draw, no property test of the project would meet."""

from typing import get_args

from hypothesis import Phase, given, settings

from pipeline.stem import Layer, network
from pipeline.stem.spelling import BY_KIND
from tests.strategies import KINDS, KINDS_OF, PLAIN_KINDS, stems

drawing = settings(max_examples=250, phases=[Phase.generate], database=None)


def test_every_layer_has_a_strategy_and_a_spelling():
    assert set(KINDS_OF) == set(get_args(Layer)) == set(BY_KIND)
    assert set(KINDS_OF.values()) == set(KINDS)


def test_every_kind_is_drawn_and_fits():
    drawn = set()

    @drawing
    @given(stems())
    def draw(found):
        drawn.update(KINDS_OF[type(node.layer)] for node in network(*found))

    draw()
    assert drawn == set(KINDS)


def test_joins_have_up_to_four_branches_empty_ones_and_some_from_marks():
    counts, texts = set(), []

    @drawing
    @given(stems(kinds=("conv", "max", "add", "cat", "mul")))
    def draw(found):
        texts.append(found[0])
        counts.update(len(node.inputs) for node in network(*found) if node.geometry == "join")

    draw()
    assert counts >= {2, 3, 4}
    for part in ("(|", "|)", "(#", "|#"):
        assert any(part in text for text in texts)


@drawing
@given(stems(kinds=PLAIN_KINDS))
def test_plain_kinds_are_what_could_be_written_before_there_were_branches(found):
    text = found[0]
    assert not any(sign in text for sign in ("#", "|", "+", "same", "~ceil", "~nopad", "relu6", "u(", "h("))
