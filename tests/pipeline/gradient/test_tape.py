"""Passes run from tape: the same bits as those whose steps are looked for, and given up where they would not be."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import get_args
from unittest.mock import patch

import msgspec
import numpy as np
import pytest

from pipeline.config import Config
from pipeline.draws import draw_probes, draw_weights
from pipeline.gradient import cache, plan_of, tape
from pipeline.gradient.erf import step_parameters
from pipeline.gradient.propagate import Timeout
from pipeline.ops.parameters import NO_PARAMETERS, Parameters
from pipeline.sweep.build import build
from tests.heatmaps import gradient_of

STEMS = [
    "4x3x3",
    "3x5x5=gelu",
    "7x7/2:8 max3x3/2 2xres(2x3x3:8)",
    "3x3 res(2x3x3=silu)=tanh 3x3",
    "2xdw17x17:4",
    "3x3x3:64",
    "3x3@2 3x3",
    "3x3:4 bn relu 3x3 ln 3x3",
    "9x9:16@2 3x3",
    "res(2x3x3:4/2) 3x3",
    "res(3x3:1) 3x3:4 res_pre(bn relu 3x3:4)",
    "3x3:4 avg2x2 gap",
    "3x3 t2x2/2=tanh up2 3x3",
    "t3x3/2:4 3x3:8 max2x2/2p1",
    "3x3:8~reflect 5x5:8~circular 3x3~replicate",
    "3x3:8 9x9:16 9x9:16",
]
"""Stems of every kind of step."""


def configured(stem: str, **fields: object) -> Config:
    return build({"stem": stem, "input": 41, "probes": {"count": 4}, **fields})


def gradient(config: Config, parameters: dict[int, Parameters] | None = None, deadline: float | None = None):
    box = plan_of(config).cone.box
    probes = draw_probes(config.probes, config.input, box, 0, config.probes.count)
    parameters = parameters or weights(config)
    return gradient_of(config, probes.astype(config.dtype), parameters, deadline).values.copy()


def weights(config: Config) -> dict[int, Parameters]:
    return step_parameters(plan_of(config).cone.steps, draw_weights(config), np.dtype(config.dtype))


def alone(config: Config, parameters: dict[int, Parameters] | None = None) -> np.ndarray:
    """In a thread that has kept nothing, and so without a tape."""
    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(gradient, config, parameters).result()


@pytest.fixture
def in_a_fresh_thread():
    with ThreadPoolExecutor(1) as fresh:
        yield lambda *given: fresh.submit(*given).result()


@pytest.mark.parametrize("stem", STEMS)
def test_a_pass_is_run_from_tape_with_the_same_bits(stem, monkeypatch, in_a_fresh_thread):
    configs = [configured(stem, init={"seed": seed}) for seed in range(6)]
    found_on_tape(configs, [weights(config) for config in configs], monkeypatch, in_a_fresh_thread)


@pytest.mark.parametrize("stem", STEMS)
def test_a_pass_with_biases_is_run_from_tape_with_the_same_bits(stem, monkeypatch, in_a_fresh_thread):
    configs = [configured(stem, init={"seed": seed}) for seed in range(6)]
    trained = [with_biases(weights(config), seed) for seed, config in enumerate(configs)]
    found_on_tape(configs, trained, monkeypatch, in_a_fresh_thread)


def with_biases(plain: dict[int, Parameters], seed: int) -> dict[int, Parameters]:
    rng = np.random.default_rng(seed)
    return {
        index: msgspec.structs.replace(own, bias=rng.uniform(-0.1, 0.1, own.weight.shape[3]).astype("f4"))
        for index, own in plain.items()
    }


def steps_looked_up(config: Config) -> int:
    """How many steps of a config are looked for among those that this thread has cached: none if its pass is taped."""
    with patch.object(cache, "lookup", side_effect=cache.lookup) as lookup:
        gradient(config)
    return lookup.call_count


def found_on_tape(configs, parameters, monkeypatch, in_a_fresh_thread) -> None:
    expected = [alone(*pair) for pair in zip(configs, parameters, strict=True)]

    def measured() -> list[np.ndarray]:
        pairs = list(zip(configs, parameters, strict=True))
        first = [gradient(*pair) for pair in pairs[:4]]
        with monkeypatch.context() as patched:
            patched.setattr(cache, "lookup", lambda *_: pytest.fail("a step was looked for"))
            return first + [gradient(*pair) for pair in pairs[4:]]

    for made, of_its_own in zip(in_a_fresh_thread(measured), expected, strict=True):
        np.testing.assert_array_equal(made, of_its_own)


def test_a_step_that_is_too_large_to_be_kept_keeps_a_pass_from_the_tape(monkeypatch, in_a_fresh_thread):
    config = configured("3x3:8 3x3")
    monkeypatch.setattr(cache, "LARGEST", 2**10)

    def measured() -> np.ndarray:
        for _ in range(4):
            made = gradient(config)
        assert steps_looked_up(config)
        return made

    np.testing.assert_array_equal(in_a_fresh_thread(measured), alone(config))


@pytest.mark.parametrize("stem", ["res(2x3x3:1) 3x3", "res_pre(3x3:1) 3x3", "res(2x3x3:4/2) 3x3", "3x3~reflect 3x3"])
def test_probes_are_found_wherever_they_lie(stem, in_a_fresh_thread):
    """Each array of probes twice, so that a pass is taped in between: a shortcut reads them as well as the body."""
    config = configured(stem)
    shape = draw_probes(config.probes, config.input, plan_of(config).cone.box, 0, 4).shape
    several = [np.random.default_rng(seed).standard_normal(shape, np.float32) for seed in range(4)]

    def measured(probes: np.ndarray) -> np.ndarray:
        return gradient_of(config, probes, weights(config)).values.copy()

    def by_itself(probes: np.ndarray) -> np.ndarray:
        with ThreadPoolExecutor(1) as fresh:
            return fresh.submit(measured, probes).result()

    found = in_a_fresh_thread(lambda: [measured(probes) for probes in several for _ in range(2)])
    expected = [by_itself(probes) for probes in several for _ in range(2)]
    np.testing.assert_array_equal(found, expected)


def test_stems_taken_in_turn_keep_their_bits(in_a_fresh_thread):
    configs = [configured(stem, init={"seed": seed}) for seed in range(5) for stem in STEMS]
    expected = [alone(config) for config in configs]
    for made, of_its_own in zip(
        in_a_fresh_thread(lambda: [gradient(config) for config in configs]), expected, strict=True
    ):
        np.testing.assert_array_equal(made, of_its_own)


def test_a_tape_is_left_for_parameters_and_operands_that_it_does_not_suit(in_a_fresh_thread):
    """A kernel with a zero takes another way than Winograd's, a bias one more call."""
    config = configured("9x3x3:64")
    plain = weights(config)
    first, second = sorted(plain)[1:3]
    weight = plain[first].weight.copy()
    weight[0, 0, 0, 0] = 0
    bias = np.full(64, 0.25, np.float32)
    others = [
        plain | {first: msgspec.structs.replace(plain[first], weight=weight)},
        plain | {second: msgspec.structs.replace(plain[second], bias=bias)},
    ]
    double = configured("9x3x3:64", dtype="float64")
    fewer = configured("9x3x3:64", probes={"count": 3})
    expected = [alone(config, plain), *(alone(config, one) for one in others), alone(double), alone(fewer)]

    def measured() -> list[list[np.ndarray]]:
        found = []
        for _ in range(3):
            for _ in range(3):
                made = gradient(config, plain)
            found.append([made, *(gradient(config, one) for one in others), gradient(double), gradient(fewer)])
        return found

    for found in in_a_fresh_thread(measured):
        for made, of_its_own in zip(found, expected, strict=True):
            np.testing.assert_array_equal(made, of_its_own)


def test_a_record_keeps_no_step_that_is_dropped(monkeypatch, in_a_fresh_thread):
    """While scratch memory grows, the steps that were bound to less of it are dropped."""
    config = configured("7x7/2:8 max3x3/2 2xres(2x3x3:8)")
    parameters, record, passes = weights(config), tape.record, []

    def is_cached(one: cache.Cached) -> bool:
        own = parameters.get(one.step.node.index, NO_PARAMETERS)
        n, slots = one.bound.x.shape[3], range(len(one.step.sources))
        sites = [cache.Site(one.step, direction, n, slot) for direction in get_args(cache.Direction) for slot in slots]
        return any(cache.lookup(site, one.bound.x, one.beside, own) is one for site in sites)

    def looked_at(make):
        made, ran = record(make)
        passes.append(ran is None or all(map(is_cached, ran)))
        return made, ran

    monkeypatch.setattr(tape, "record", looked_at)
    in_a_fresh_thread(lambda: [gradient(config) for _ in range(4)])
    assert len(passes) >= 4
    assert all(passes)


def test_the_deadline_holds_for_a_pass_from_tape(in_a_fresh_thread):
    config = configured("4x3x3")

    def measured() -> None:
        for _ in range(4):
            gradient(config)
        assert not steps_looked_up(config)
        with pytest.raises(Timeout, match="at layer 0 forward"):
            gradient(config, deadline=monotonic() - 1)
        np.testing.assert_array_equal(gradient(config, deadline=monotonic() + 60), expected)

    expected = alone(config)
    in_a_fresh_thread(measured)
