"""The tasks of the graph never raise: whatever goes wrong with a config is its own outcome."""

import hashlib
import os
import re
import time

import msgspec
import numpy as np
import pytest

from pipeline import task
from pipeline.arrays import unpack_curves, unpack_heatmap
from pipeline.config import KERNEL_VERSION, encode
from pipeline.draws.files import weight_file
from pipeline.errors import InputError
from pipeline.gradient.propagate import Timeout
from pipeline.result import Sizes
from pipeline.sweep.build import build
from pipeline.task import collect, failure_of, measure, worker_name
from tests.clock import ends_within
from tests.heatmaps import heatmap_of

GIGABYTE = 10**9


def run(*configs, memory=GIGABYTE, timeout=None):
    return collect([measure(config.digest, encode(config), memory, timeout) for config in configs])


def test_an_outcome_holds_what_the_config_yields():
    config = build({"stem": "4x3x3", "input": 15})
    before = time.time()
    (outcome,) = run(config)
    assert (outcome.digest, outcome.kind, outcome.failure) == (config.digest, "done", None)
    assert before <= outcome.started <= outcome.finished <= time.time()
    assert outcome.worker == worker_name()
    result = outcome.result
    np.testing.assert_array_equal(unpack_heatmap(result.arrays, (15, 15)), heatmap_of(config).values)
    assert unpack_curves(result.arrays, 16)[:, -1].tolist() == [1, 1, 1, 1]
    assert (result.dead, result.n_nan) == (False, 0)
    assert (result.theory.theo_rf, result.theory.theo_rf_y) == (9, 9)
    assert 3 <= result.sizes.eff_rf <= 9
    assert result.provenance.kernel_version == KERNEL_VERSION
    assert result.provenance.numpy_version == np.__version__
    assert result.provenance.erf_seconds > 0
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=type(outcome)) == outcome


def test_a_unit_near_the_corner_of_a_large_plane_is_stored_where_it_lies():
    config = build({"stem": "4x3x3", "input": "300x200", "readout": {"position": [299, 2]}})
    (outcome,) = run(config)
    stored = unpack_heatmap(outcome.result.arrays, (300, 200))
    np.testing.assert_array_equal(stored, heatmap_of(config).values)
    assert stored.shape == (300, 200)
    assert [axis.max() for axis in stored.nonzero()] == [299, 6]


def test_outcomes_come_in_the_order_of_the_configs():
    configs = [build({"stem": stem, "init": {"seed": seed}}) for seed in (1, 2) for stem in ("3x3", "9x9p0", "5x5/2")]
    outcomes = run(*configs)
    assert [outcome.digest for outcome in outcomes] == [config.digest for config in configs]
    assert {outcome.kind for outcome in outcomes} == {"done"}


def test_an_empty_partition_has_no_outcomes():
    assert collect([]) == []


def test_a_config_measures_the_same_alone_and_in_company():
    configs = [build({"stem": stem, "input": 17}) for stem in ("3x3", "4x3x3", "res(2x3x3)", "t4x4/2", "gap")]
    for config, together in zip(configs, run(*configs), strict=True):
        (alone,) = run(config)
        assert together.result.arrays == alone.result.arrays
        assert together.result.sizes == alone.result.sizes
        assert together.result.theory == alone.result.theory


def test_a_dead_config_is_a_result_without_sizes():
    config = build({"stem": "t1x1/2", "input": 3, "readout": {"position": [1, 1]}})
    (outcome,) = run(config)
    assert outcome.kind == "done"
    result = outcome.result
    assert (result.dead, result.n_zero) == (True, 16)
    assert unpack_curves(result.arrays, 4) is None
    assert not unpack_heatmap(result.arrays, (3, 3)).any()
    names = [name for name in Sizes.__struct_fields__ if name != "reasons"]
    assert all(getattr(result.sizes, name) is None for name in names)
    assert result.sizes.reasons == dict.fromkeys(names, "dead")


def overflowing(tmp_path, **fields):
    np.savez(tmp_path / "w.npz", **{f"layer{i}.weight": np.full((1, 1, 1, 1), 1e200) for i in (0, 1)})
    init = {"kind": "file", "path": str(tmp_path / "w.npz")}
    return build({"stem": "1x1:1=linear 1x1:1=tanh", "input": 5, "dtype": "float64", "init": init} | fields)


def test_a_config_without_one_finite_probe_has_failed(tmp_path):
    (outcome,) = run(overflowing(tmp_path))
    assert (outcome.kind, outcome.result) == ("failed", None)
    assert outcome.failure.type == "FloatingPointError"
    assert "every probe gave a NaN or an infinity" in outcome.failure.message


def test_an_overflow_takes_no_other_config_along(tmp_path):
    bad, good = overflowing(tmp_path), build({"stem": "3x3", "input": 5})
    outcomes = run(good, bad, good)
    assert [outcome.kind for outcome in outcomes] == ["done", "failed", "done"]
    assert "infinity" in outcomes[1].failure.message


def test_squares_that_are_beyond_float64_have_sizes_but_for_those_that_depend_on_the_scale(tmp_path):
    np.savez(tmp_path / "one.npz", **{"layer0.weight": np.full((3, 3, 1, 1), 1e200)})
    fields = {"stem": "3x3:1=linear", "init": {"kind": "file", "path": str(tmp_path / "one.npz")}}
    (outcome,) = run(overflowing(tmp_path, readout={"gradient": "square"}, **fields))
    sizes = outcome.result.sizes
    assert (outcome.kind, sizes.eff_rf, sizes.hdr) == ("done", 3, 3)
    assert sizes.sigma_x == pytest.approx((2 / 3) ** 0.5, rel=1e-12)
    assert sizes.reasons.keys() >= {"replknet_20", "replknet_99"}
    assert {sizes.reasons[f"replknet_{name}"] for name in (20, 30, 50, 99)} == {"scale not kept"}


def test_a_heatmap_without_sizes_takes_no_other_config_along():
    config = build({"stem": "3x3", "input": 5})
    good = measure(config.digest, encode(config), GIGABYTE, None)
    infinite = good.heatmap._replace(inside=np.full_like(good.heatmap.inside, np.inf))
    outcomes = collect([good, good._replace(digest="0" * 64, heatmap=infinite), good._replace(digest="1" * 64)])
    assert [outcome.kind for outcome in outcomes] == ["done", "failed", "done"]
    assert "infinite" in outcomes[1].failure.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"not json",
        b"\xff",
        b'{"stem":"3x3x3x"}',
        b'{"stem":"9x9p0","input":{"height":3,"width":3}}',
        b"[" * 10**5,
    ],
)
def test_what_is_no_config_has_failed(data):
    (outcome,) = collect([measure("0" * 64, data, GIGABYTE, None)])
    assert (outcome.digest, outcome.kind) == ("0" * 64, "failed")
    assert outcome.failure.type
    assert outcome.failure.message


def test_a_config_past_its_deadline_has_failed_with_a_timeout():
    config = build({"stem": "20x3x3:16", "input": 64})
    (outcome,) = run(config, timeout=0.0)
    assert (outcome.kind, outcome.failure.type) == ("failed", "Timeout")
    assert outcome.failure.message.startswith("it was not done within the 0 s of --timeout, at layer 0 forward; ")
    assert outcome.failure.traceback == ""
    (outcome,) = run(config, timeout=600.0)
    assert outcome.kind == "done"


def test_the_deadline_is_looked_at_between_layers_forward_and_back(monkeypatch):
    """A clock that moves a second at every look, and three layers: at each of the six looks the time can be up."""
    for seconds in range(6):
        now = iter(range(1000))
        monkeypatch.setattr("pipeline.gradient.propagate.monotonic", lambda now=now: next(now))
        with pytest.raises(Timeout, match="forward" if seconds < 3 else "back"):
            heatmap_of(build({"stem": "3x3x3"}), seconds - 0.5)
    monkeypatch.setattr("pipeline.gradient.propagate.monotonic", lambda: 5)
    assert heatmap_of(build({"stem": "3x3x3"}), 5.5).values.any()


def test_a_config_larger_than_the_memory_is_refused_before_it_runs(monkeypatch):
    monkeypatch.setattr(task, "measure_heatmap", lambda *_: pytest.fail("it was run"))
    config = build({"stem": "9x9x9:1000", "input": "4000x4000x3", "readout": {"channel": "sum"}})
    (outcome,) = run(config, memory=1_000_000)
    assert (outcome.kind, outcome.failure.type) == ("failed", "InputError")
    assert re.search(r"would take [678]\.\d+ GB, more than the 1 MB of --memory", outcome.failure.message)
    assert outcome.failure.traceback == ""


@pytest.mark.parametrize(
    "error", [MemoryError("no room"), RecursionError("too deep"), ValueError("odd"), KeyError("gone")]
)
def test_any_error_is_an_outcome_with_type_message_and_traceback(monkeypatch, error):
    def failing(*_):
        secret = "hunter2 " * 3
        raise error from ValueError(len(secret))

    monkeypatch.setattr(task, "measure_heatmap", failing)
    good = build({"stem": "3x3"})
    (outcome,) = run(good)
    failure = outcome.failure
    assert (outcome.kind, failure.type, failure.message) == ("failed", type(error).__name__, str(error))
    assert "in failing" in failure.traceback
    assert "hunter2 hunter2" not in failure.traceback


def test_an_interrupt_is_no_outcome(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(task, "measure_heatmap", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(build({"stem": "3x3"}))


def test_a_failure_in_the_sizes_is_that_of_its_config_alone(monkeypatch):
    sound, odd = build({"stem": "3x3"}), build({"stem": "5x5"})
    theory_columns = task.theory_columns

    def choosy(config):
        if config == odd:
            raise ZeroDivisionError("odd")
        return theory_columns(config)

    monkeypatch.setattr(task, "theory_columns", choosy)
    outcomes = run(sound, odd)
    assert [outcome.kind for outcome in outcomes] == ["done", "failed"]
    assert outcomes[1].failure.type == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("replace", "says"),
    [
        (lambda path: path.write_bytes(b"other"), "has changed"),
        (lambda path: path.write_bytes(b""), "has changed"),
        (lambda path: path.unlink(), "cannot read"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "not a regular file"),
        (lambda path: (path.unlink(), path.symlink_to("/dev/zero")), "not a regular file"),
        (lambda path: (path.unlink(), path.symlink_to(path)), "cannot read"),
        (lambda path: (path.unlink(), path.mkdir()), "not a regular file"),
    ],
)
@pytest.mark.parametrize("part", ["probes", "init"])
def test_a_file_that_is_not_what_was_queued_fails_its_config_at_once(tmp_path, part, replace, says):
    path = tmp_path / "file"
    with path.open("wb") as stream:
        if part == "probes":
            np.save(stream, np.ones((2, 5, 5, 1)))
        else:
            np.savez(stream, **{"layer0.weight": np.ones((3, 3, 1, 4))})
    config = build({"stem": "3x3", "input": 5, part: {"kind": "file", "path": str(path)}})
    replace(path)
    weight_file.cache_clear()  # this process has read it for a look; another has not
    with ends_within(60):  # a pipe and /dev/zero never end
        (outcome,) = run(config)
    assert (outcome.kind, outcome.failure.type) == ("failed", "InputError")
    assert says in outcome.failure.message


def test_errors_on_purpose_need_no_traceback():
    with pytest.raises(InputError) as raised:
        build({"stem": "0x3"})
    failure = failure_of(raised.value)
    assert (failure.type, failure.message, failure.traceback) == ("InputError", str(raised.value), "")


def test_a_config_under_a_digest_that_is_not_its_own_has_failed():
    """As one has that was queued under another kernel version: its heatmap would not be what the digest stands for."""
    digest = hashlib.sha256(b"mine").hexdigest()
    (outcome,) = collect([measure(digest, encode(build({"stem": "3x3"})), GIGABYTE, None)])
    assert (outcome.digest, outcome.kind) == (digest, "failed")
    assert f"kernel version {KERNEL_VERSION}" in outcome.failure.message
    assert "submit its sweep again" in outcome.failure.message
