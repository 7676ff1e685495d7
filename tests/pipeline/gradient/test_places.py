"""Places of results and gradients: what is needed is never written over, and a plain chain takes two."""

import pytest
from hypothesis import given, settings

from pipeline.gradient.cone import cone
from pipeline.gradient.places import is_handed_on
from pipeline.stem import INPUT, Plane, canonical, network
from tests.strategies import stems


def cone_of(stem, plane):
    made = network(stem, plane)[-1].output
    return cone(stem, plane, (made.height // 2, made.width // 2), None)


def places(steps):
    found = [(step.place, step.sloped) for step in steps]
    found += [(one.copied, one.gradient, one.spread) for step in steps for one in step.sources]
    return {place for each in found for place in each if place is not None}


@settings(max_examples=300)
@given(stems(depth=5))
def test_a_result_lies_in_its_place_until_the_last_step_that_reads_it(found):
    steps = cone_of(*found).steps
    lying: dict[int, object] = {}
    for number, step in enumerate(steps):
        read = []
        for source in step.sources:
            if source.step != INPUT:
                assert lying[steps[source.step].place] == source.step
            if source.copied is not None:
                lying[source.copied] = number, source.slot
                read.append((source.copied, (number, source.slot)))
            elif source.step != INPUT:
                read.append((steps[source.step].place, source.step))
        assert step.place not in [place for place, _ in read]
        assert all(lying[place] == what for place, what in read)
        lying[step.place] = number
    assert {one for step in steps for one in step.ended} == set(range(len(steps) - 1))


@settings(max_examples=300)
@given(stems(depth=5))
def test_a_gradient_lies_in_its_place_until_all_of_it_is_handed_on(found):
    """Each array is a token in its place; what is handed on as it is has the token of what it came from."""
    steps = cone_of(*found).steps
    lying: dict[int | None, object] = {None: "seed"}
    waiting: dict[int, list] = {len(steps) - 1: [(None, "seed", True)]}

    def made(place, token):
        lying[place] = token
        return place, token

    for number in (*reversed(range(len(steps))), INPUT):
        gradients = waiting.pop(number)
        assert all(lying[place] == token for place, token, _ in gradients)
        ((place, token),) = [(place, token) for place, token, is_base in gradients if is_base]
        if len(gradients) > 1:  # it is added to, so that nobody else may need it as it was
            assert all(token != other for each in waiting.values() for _, other, _ in each)
            assert [other for _, other, _ in gradients].count(token) == 1
        if number == INPUT:
            break
        step = steps[number]
        if step.sloped is not None:
            place, token = made(step.sloped, (number, "sloped"))
        for source in step.sources:
            assert lying[place] == token
            own = place, token
            assert (source.gradient is None) == is_handed_on(step, source)
            if source.gradient is not None:
                assert source.gradient != place
                own = made(source.gradient, (number, source.slot))
            if source.spread is not None:
                assert source.spread != own[0]
                assert lying[own[0]] == own[1]
                own = made(source.spread, (number, source.slot, "spread"))
            waiting.setdefault(source.step, []).append((*own, source.is_base))


@pytest.mark.parametrize(
    ("stem", "count"),
    [
        ("9x3x3", 2),
        ("3x3=tanh max2x2/2 ln 3x3=gelu", 2),
        ("9xres(2x3x3)", 3),
        ("9xcat(|1x1 3x3:2)", 3),
        ("cat(1x1|3x3|5x5|max3x3)", 5),
        ("res_pre(" * 9 + "3x3" + ")" * 9, 2),
    ],
)
def test_few_places_are_taken(stem, count):
    assert places(cone_of(canonical(stem), Plane(40, 40, 4)).steps) == set(range(count))
