"""Configs: what a user may write, and the digest of what decides the heatmap."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import KERNEL_VERSION, Config, decode, digest_of, encode
from pipeline.errors import InputError
from pipeline.stem import format_stem, parse
from pipeline.sweep.build import build
from tests.heatmaps import heatmap_of
from tests.strategies import stems


def digest(**content):
    """sha256 over canonical JSON of what decides a heatmap, defaults filled in, by the words of the design."""
    filled = {
        "stem": "4x3x3",
        "input": {"height": 21, "width": 21, "channels": 1},
        "init": {"kind": "lecun_uniform", "seed": 0},
        "probes": {"kind": "uniform", "count": 16, "seed": 0},
        "readout": {"channel": 0, "position": "center", "gradient": "abs"},
        "dtype": "float32",
        "kernel_version": KERNEL_VERSION,
    }
    text = json.dumps(filled | content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_is_that_of_canonical_json():
    assert build({"stem": "4x3x3"}).digest == digest()


def test_the_digest_holds_every_field_that_is_written():
    config = build(
        {
            "stem": "3x3:8 max2x2 3x3:8",
            "input": "16x24x3",
            "init": {"kind": "neural_api", "seed": 7, "offset": 3},
            "probes": {"kind": "normal", "count": 5, "seed": 9},
            "readout": {"channel": "relu_sum", "position": [1, 2], "gradient": "square"},
            "dtype": "float64",
        }
    )
    assert config.digest == digest(
        stem="3x3:8 max2x2 3x3:8",
        input={"height": 16, "width": 24, "channels": 3},
        init={"kind": "neural_api", "seed": 7, "offset": 3},
        probes={"kind": "normal", "count": 5, "seed": 9},
        readout={"channel": "relu_sum", "position": [1, 2], "gradient": "square"},
        dtype="float64",
    )


@pytest.mark.parametrize(
    "written",
    [
        {"stem": "3x3 3x3:4 2x3x3/1=relu"},
        {"stem": ["2x3x3", {"layer": "conv", "kernel": 3}, {"layer": "conv", "kernel": [3, 3], "features": 4}]},
        {"stem": "4x3x3", "input": 21},
        {"stem": "4x3x3", "input": "21"},
        {"stem": "4x3x3", "input": "21x21"},
        {"stem": "4x3x3", "input": "21x21x1"},
        {"stem": "4x3x3", "input": {"height": 21, "width": 21}},
        {"stem": "4x3x3", "init": {}, "probes": {"count": 16}},
        {"stem": "4x3x3", "init": {"seed": 0, "kind": "lecun_uniform"}, "dtype": "float32"},
        {"stem": "4x3x3", "readout": {"position": "center", "channel": 0, "gradient": "abs"}},
        {"stem": "4x3x3", "init": {"offset": None}},
    ],
)
def test_spelling_does_not_change_the_digest(written):
    assert build(written).digest == digest()


BASE = {"stem": "2x3x3", "input": 9, "init": {"kind": "normal"}, "probes": {"kind": "normal"}, "readout": {}}
OTHERS = [
    {"stem": "3x3x3"},
    {"stem": "2x3x3=gelu"},
    {"stem": "2x3x3~reflect"},
    {"input": 10},
    {"input": "9x10"},
    {"input": "9x9x2"},
    {"init": {"kind": "he_normal"}},
    {"init": {"kind": "normal", "seed": 1}},
    {"probes": {"kind": "uniform"}},
    {"probes": {"kind": "normal", "count": 15}},
    {"probes": {"kind": "normal", "seed": 1}},
    {"readout": {"channel": 1}},
    {"readout": {"channel": "sum"}},
    {"readout": {"position": [4, 4]}},
    {"readout": {"position": [4, 5]}},
    {"readout": {"gradient": "relu"}},
    {"dtype": "float64"},
]


def test_every_field_that_decides_the_heatmap_changes_the_digest():
    digests = {build(BASE | other).digest for other in [{}, *OTHERS]}
    assert len(digests) == len(OTHERS) + 1


def test_the_digest_of_what_is_encoded_is_that_of_the_config(tmp_path):
    np.save(tmp_path / "probes.npy", np.ones((2, 9, 9, 1)))
    probes = {"probes": {"kind": "file", "path": str(tmp_path / "probes.npy")}, "input": 9}
    for other in [{}, *OTHERS, probes]:
        config = build(BASE | other)
        assert digest_of(encode(config)) == config.digest


def test_the_kernel_version_changes_the_digest(monkeypatch):
    before = build(BASE).digest
    monkeypatch.setattr("pipeline.config.config.KERNEL_VERSION", KERNEL_VERSION + 1)
    assert build(BASE).digest != before


@settings(max_examples=80)
@given(stems(), st.integers(0, 2**32 - 1), st.integers(1, 10**6))
def test_configs_come_back_from_canonical_json(found, seed, count):
    stem, where = found
    config = build({"stem": stem, "input": where, "init": {"seed": seed}, "probes": {"count": count}})
    data = encode(config)
    assert decode(data) == config
    assert decode(data).digest == config.digest
    assert digest_of(data) == config.digest
    assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode()
    assert build(json.loads(data)) == config
    assert format_stem(parse(config.stem)) == config.stem


def test_the_label_and_the_list_form_share_the_result_of_the_notation():
    listed = build({"stem": [{"layer": "conv", "kernel": [7, 7], "stride": 2, "features": 64}, "max3x3/2"]})
    assert listed.digest == build({"stem": "7x7/2:64 max3x3/2"}).digest


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "needs a stem"),
        ({"stem": "3x3", "stern": 1}, "stern"),
        ({"stem": None}, "a stem is"),
        ({"stem": "3x3", "init": {"kind": "xavier"}}, "init.kind"),
        ({"stem": "3x3", "init": {"gain": 2}}, "gain"),
        ({"stem": "3x3", "init": "normal"}, "init"),
        ({"stem": "3x3", "init": {"seed": -1}}, "init.seed"),
        ({"stem": "3x3", "init": {"seed": 2**32}}, "init.seed"),
        ({"stem": "3x3", "init": {"seed": "7"}}, "init.seed"),
        ({"stem": "3x3", "init": {"seed": True}}, "init.seed"),
        ({"stem": "3x3", "init": {"offset": 5}}, "init.offset 5 is for init.kind neural_api"),
        ({"stem": "3x3", "init": {"path": "w.npz"}}, "init.path 'w.npz' is for init.kind file"),
        ({"stem": "3x3", "probes": {"sha256": "0" * 64}}, "probes.sha256 .* is for probes.kind file"),
        ({"stem": "3x3", "probes": {"count": 0}}, "probes.count"),
        ({"stem": "3x3", "probes": {"count": 1.5}}, "probes.count"),
        ({"stem": "3x3", "probes": {"kind": "noise"}}, "probes.kind"),
        ({"stem": "3x3", "readout": {"channel": 4}}, "channel 4 is outside the 4 channels"),
        ({"stem": "3x3", "readout": {"channel": -1}}, "readout.channel"),
        ({"stem": "3x3", "readout": {"channel": "max"}}, "readout.channel"),
        ({"stem": "3x3", "readout": {"position": [21, 0]}}, r"position \[21, 0\] is outside the 21x21 output"),
        ({"stem": "3x3/2", "readout": {"position": [0, 11]}}, r"position \[0, 11\] is outside the 11x11 output"),
        ({"stem": "3x3", "readout": {"position": [1]}}, "readout.position"),
        ({"stem": "3x3", "readout": {"position": [1, -1]}}, "readout.position"),
        ({"stem": "3x3", "readout": {"position": "corner"}}, "readout.position"),
        ({"stem": "3x3", "readout": {"gradient": "signed"}}, "readout.gradient"),
        ({"stem": "3x3", "dtype": "float16"}, "dtype"),
        ({"stem": "9x9p0", "input": 8}, "does not fit a plane"),
        ({"stem": "3x3", "init": {"kind": "file"}}, "init.path"),
        ({"stem": "3x3", "probes": {"kind": "file"}}, "probes.path"),
        ({"stem": "3x3", "probes": {"kind": "file", "path": "nowhere.npy"}}, "cannot read 'nowhere.npy'"),
        ({"stem": "3x3", "probes": {"kind": "file", "path": "no\x00where"}}, "not a path"),
        ({"stem": "3x3", "probes": {"kind": "file", "path": "/dev/zero"}}, "not a regular file"),
        ({"stem": "3x3", "init": {"kind": "file", "path": "."}}, "not a regular file"),
    ],
)
def test_what_is_no_config_is_one_sentence(fields, says):
    with pytest.raises(InputError, match=says) as raised:
        build(fields)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_the_centre_unit_is_half_the_output_rounded_down():
    assert build({"stem": "3x3", "input": "9x8"}).unit == (4, 4)
    assert build({"stem": "3x3/2", "input": "9x8"}).unit == (2, 2)
    assert build({"stem": "gap", "input": "9x8"}).unit == (0, 0)
    assert build({"stem": "3x3", "readout": {"position": [3, 20]}}).unit == (3, 20)


def test_the_offset_left_out_is_that_of_a_program_that_builds_one_stem():
    """The size of the probes plus the number of weights."""
    config = build({"stem": "2x3x3", "init": {"kind": "neural_api"}})
    assert config.init.offset == 16 * 21 * 21 + 9 * 4 + 9 * 4 * 4
    assert build({"stem": "2x3x3", "init": {"kind": "neural_api", "offset": 7236}}).digest == config.digest
    coloured = build(
        {"stem": "5x5:8 max2x2/2", "input": "9x8x3", "init": {"kind": "neural_api"}, "probes": {"count": 2}}
    )
    assert coloured.init.offset == 2 * 9 * 8 * 3 + 25 * 3 * 8


@pytest.mark.parametrize(
    ("stem", "init", "probes", "drawn"),
    [
        ("2x3x3", {"kind": "uniform_kernel"}, {}, (False, True)),
        ("2x3x3", {}, {"kind": "constant"}, (True, False)),
        ("2x3x3", {"kind": "neural_api"}, {"kind": "neural_api"}, (True, True)),
        ("max3x3/2 relu bn ln avg2x2 up2 gap", {"kind": "he_normal"}, {"kind": "normal"}, (False, True)),
        ("max3x3", {"kind": "neural_api"}, {}, (False, True)),
        ("res(max3x3)", {"kind": "normal"}, {}, (False, True)),
        ("res(max3x3/2 dw1x1:2)", {"kind": "normal"}, {}, (True, True)),
        ("t2x2/2", {}, {}, (True, True)),
    ],
)
def test_a_seed_that_draws_nothing_takes_no_part_in_the_digest(stem, init, probes, drawn):
    def of(init_seed, probes_seed):
        seeds = {"init": {**init, "seed": init_seed}, "probes": {**probes, "seed": probes_seed}}
        return build({"stem": stem, **seeds})

    plain = of(0, 0)
    for seeds, counts in (((7, 0), drawn[0]), ((0, 7), drawn[1])):
        other = of(*seeds)
        assert (other.digest != plain.digest) == counts
        assert (other != plain) == counts
        assert build(json.loads(encode(other))) == other
        assert (heatmap_of(other).values != heatmap_of(plain).values).any() <= counts


def test_seeds_beside_files_take_no_part_in_the_digest(tmp_path):
    probes = {"kind": "file", "path": save_probes(tmp_path / "probes.npy", (2, 9, 9, 1))}
    np.savez(tmp_path / "weights.npz", **{"layer0.weight": np.ones((3, 3, 1, 2), np.float32)})
    init = {"kind": "file", "path": str(tmp_path / "weights.npz")}

    def of(init_seed, probes_seed):
        seeds = {"init": {**init, "seed": init_seed}, "probes": {**probes, "seed": probes_seed}}
        return build({"stem": "3x3:2", "input": 9, **seeds})

    assert of(3, 5) == of(0, 0)
    assert (of(3, 5).init.seed, of(3, 5).probes.seed) == (0, 0)


def save_probes(path, shape, value=0.5):
    np.save(path, np.full(shape, value, np.float32))
    return str(path)


def test_files_are_digested_by_content_not_by_path(tmp_path):
    one = save_probes(tmp_path / "one.npy", (4, 9, 9, 1))
    copy = save_probes(tmp_path / "copy.npy", (4, 9, 9, 1))
    other = save_probes(tmp_path / "other.npy", (4, 9, 9, 1), 0.25)

    def of(path, **more):
        return build({"stem": "3x3", "input": 9, "probes": {"kind": "file", "path": path, **more}})

    sha256 = hashlib.sha256((tmp_path / "one.npy").read_bytes()).hexdigest()
    expected = {"kind": "file", "count": 4, "seed": 0, "sha256": sha256}
    sides = {"height": 9, "width": 9, "channels": 1}
    assert of(one).digest == of(copy).digest == digest(stem="3x3", input=sides, probes=expected)
    assert of(other).digest != of(one).digest
    assert of(one, sha256=sha256) == of(one)
    assert decode(encode(of(one))) == of(one)
    with pytest.raises(InputError, match="sha256"):
        of(other, sha256=sha256)


def test_a_file_that_changes_has_another_digest(tmp_path):
    path = save_probes(tmp_path / "probes.npy", (4, 9, 9, 1))
    fields = {"stem": "3x3", "input": 9, "probes": {"kind": "file", "path": path}}
    before = build(fields).digest
    save_probes(tmp_path / "probes.npy", (4, 9, 9, 1), 0.25)
    assert build(fields).digest != before


def test_the_count_of_a_file_of_probes_is_all_of_them_or_as_many_as_are_asked_for(tmp_path):
    path = save_probes(tmp_path / "probes.npy", (5, 9, 9, 1))
    fields = {"stem": "3x3", "input": 9}
    assert build(fields | {"probes": {"kind": "file", "path": path}}).probes.count == 5
    assert build(fields | {"probes": {"kind": "file", "path": path, "count": 3}}).probes.count == 3
    with pytest.raises(InputError, match=r"holds 5 probes, fewer than probes\.count 6"):
        build(fields | {"probes": {"kind": "file", "path": path, "count": 6}})


@pytest.mark.parametrize("shape", [(9, 9, 1), (2, 9, 9), (2, 9, 8, 1), (2, 9, 9, 3), (0, 9, 9, 1), ()])
def test_a_file_of_probes_of_another_shape_is_an_input_error(tmp_path, shape):
    path = save_probes(tmp_path / "probes.npy", shape)
    with pytest.raises(InputError, match=r"the input plane needs \[n, 9, 9, 1\]"):
        build({"stem": "3x3", "input": 9, "probes": {"kind": "file", "path": path}})


def test_a_file_of_weights_that_does_not_match_is_an_input_error(tmp_path):
    path = tmp_path / "weights.npz"

    def of(**arrays):
        np.savez(path, **arrays)
        return build({"stem": "3x3:2 bn", "init": {"kind": "file", "path": str(path)}})

    good = np.zeros((3, 3, 1, 2))
    assert isinstance(of(**{"layer0.weight": good}), Config)
    for arrays, says in (
        ({}, "lacks layer0.weight"),
        ({"layer0.weight": good.transpose(3, 2, 0, 1)}, r"shape \(2, 1, 3, 3\), the stem needs \(3, 3, 1, 2\)"),
        ({"layer0.weight": good, "layer1.running_mean": np.zeros(3)}, "layer1.running_mean"),
        ({"layer0.weight": good, "layer2.weight": good}, "layer2.weight.*belongs to no layer"),
        ({"layer0.weight": good * np.nan}, "NaN"),
    ):
        with pytest.raises(InputError, match=says):
            of(**arrays)


def test_a_file_is_named_by_a_path_that_holds_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("probes.npy", np.ones((2, 21, 21, 1), np.float32))
    config = build({"stem": "3x3", "probes": {"kind": "file", "path": "probes.npy"}})
    assert config.probes.path == str(tmp_path / "probes.npy")
