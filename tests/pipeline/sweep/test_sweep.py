"""Sweeps: their configs in order, counted before they are made."""

import itertools
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.limits import DEFAULT_MAX_CONFIGS
from pipeline.sweep.build import build
from pipeline.sweep.sweep import check_size, preset_spec, stem_sweep, sweep


def of(**spec):
    return list(sweep({"name": "s", **spec}))


def test_a_grid_is_the_product_of_its_axes_the_last_fastest():
    found = of(grid={"kernel": [3, 5], "depth": "range(1, 3)", "seed": [7, 8]})
    assert [(config.stem, config.init.seed) for config in found] == [
        ("3x3", 7),
        ("3x3", 8),
        ("2x3x3", 7),
        ("2x3x3", 8),
        ("5x5", 7),
        ("5x5", 8),
        ("2x5x5", 7),
        ("2x5x5", 8),
    ]
    turned = of(grid={"seed": [7, 8], "depth": [1, 2], "kernel": [3, 5]})
    assert [(config.init.seed, config.stem) for config in turned][:3] == [(7, "3x3"), (7, "5x5"), (7, "2x3x3")]


AXES = {
    "kernel": st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True),
    "depth": st.tuples(st.integers(1, 3), st.integers(4, 6)).map(lambda ends: f"range({ends[0]}, {ends[1]})"),
    "features": st.lists(st.integers(1, 8), min_size=1, max_size=2, unique=True),
    "activation": st.lists(st.sampled_from(("relu", "linear", "gelu")), min_size=1, max_size=2, unique=True),
    "seed": st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True),
    "probes.count": st.lists(st.integers(1, 20), min_size=1, max_size=2, unique=True),
    "input": st.lists(st.sampled_from((9, "9x8", "12x9x3")), min_size=1, max_size=2, unique=True),
    "readout.gradient": st.lists(st.sampled_from(("abs", "square")), min_size=1, max_size=2, unique=True),
}


@settings(max_examples=60)
@given(st.data(), st.permutations(list(AXES)), st.integers(0, len(AXES)))
def test_every_grid_is_the_product_that_nested_loops_make(data, order, count):
    grid = {axis: data.draw(AXES[axis]) for axis in order[:count]}
    grid.setdefault("kernel", [3])
    found = sweep({"name": "s", "grid": grid})

    def values(axis):
        written = grid[axis]
        return eval(written) if isinstance(written, str) else written

    expected = []
    for chosen in itertools.product(*(values(axis) for axis in grid)):
        fields = dict(zip(grid, chosen, strict=True))
        layer = f"{fields['kernel']}x{fields['kernel']}:{fields.get('features', 4)}={fields.get('activation', 'relu')}"
        expected.append(
            build(
                {
                    "stem": f"{fields.get('depth', 1)}x{layer}",
                    "input": fields.get("input", 21),
                    "init": {"seed": fields.get("seed", 0)},
                    "probes": {"count": fields.get("probes.count", 16)},
                    "readout": {"gradient": fields.get("readout.gradient", "abs")},
                }
            )
        )
    assert list(found) == expected
    assert found.size == len(expected)
    assert list(found) == expected  # it can be run through again


def test_grid_configs_precede_explicit_stems_which_cross_the_axes_that_describe_no_stack():
    found = of(grid={"kernel": [3], "depth": [1, 2], "seed": [1, 2]}, stems=["1x1 gap", "1x1 bn"])
    assert [(config.stem, config.init.seed) for config in found] == [
        *[("3x3", 1), ("3x3", 2), ("2x3x3", 1), ("2x3x3", 2)],
        *[("1x1 gap", 1), ("1x1 gap", 2), ("1x1 bn", 1), ("1x1 bn", 2)],
    ]


def test_axes_that_describe_no_stack_make_no_configs_by_themselves():
    assert len(of(grid={"seed": "range(0, 5)"}, stems=["3x3"])) == 5
    with pytest.raises(InputError, match="has no stems"):
        sweep({"name": "s", "grid": {"seed": [1]}})


@pytest.mark.parametrize(
    "entry",
    [
        {"stem": "1x9x9", "init.seed": 7},
        {"stem": "1x9x9", "seed": 7},
        {"stem": "1x9x9", "init": {"seed": 7}},
        {"init": {"seed": 7}, "stem": "9x9"},
    ],
)
def test_what_an_entry_sets_itself_is_not_crossed(entry):
    found = sweep({"name": "s", "grid": {"seed": "range(0, 20)", "probes.count": [1, 2]}, "stems": [entry]})
    assert found.size == 2
    assert [(config.init.seed, config.probes.count) for config in found] == [(7, 1), (7, 2)]


def test_an_entry_may_set_the_plane():
    grid = {"input": [9, 11], "seed": [1, 2]}
    found = of(grid=grid, stems=["3x3", {"stem": "5x5", "input": "7x8x3"}, {"stem": "7x7", "input.height": 5}])
    assert [(config.stem, str(config.input), config.init.seed) for config in found] == [
        *[("3x3", "9x9x1", 1), ("3x3", "9x9x1", 2), ("3x3", "11x11x1", 1), ("3x3", "11x11x1", 2)],
        *[("5x5", "7x8x3", 1), ("5x5", "7x8x3", 2)],
        *[("7x7", "5x21x1", 1), ("7x7", "5x21x1", 2)],
    ]


def test_fields_of_the_sweep_are_defaults_that_entries_and_axes_override():
    found = of(
        input=101,
        init={"kind": "normal", "seed": 5},
        probes={"count": 3},
        dtype="float64",
        grid={"init.kind": ["he_normal", "orthogonal"]},
        stems=["3x3", {"stem": "5x5", "probes.count": 9, "dtype": "float32"}],
    )
    assert [(c.stem, c.init.kind, c.init.seed, c.probes.count, c.dtype, c.input.width) for c in found] == [
        ("3x3", "he_normal", 5, 3, "float64", 101),
        ("3x3", "orthogonal", 5, 3, "float64", 101),
        ("5x5", "he_normal", 5, 9, "float32", 101),
        ("5x5", "orthogonal", 5, 9, "float32", 101),
    ]


def test_a_plane_written_in_short_can_be_varied_in_one_side():
    found = of(input="9x8x3", grid={"input.height": [5, 7]}, stems=["3x3"])
    assert [str(config.input) for config in found] == ["5x8x3", "7x8x3"]


def test_overrides_set_an_axis_in_its_place_or_add_one_at_the_end():
    spec = {"name": "s", "grid": {"seed": [1, 2], "kernel": [3, 5]}}
    assert [c.stem for c in sweep(spec, {"kernel": [7]})] == ["7x7", "7x7"]
    assert [c.init.seed for c in sweep(spec, {"seed": "range(4,6)"})] == [4, 4, 5, 5]
    assert [c.init.seed for c in sweep(spec, {"init.seed": [9]})] == [9, 9]
    assert [c.stem for c in sweep(spec, {"depth": [1, 2]})][:4] == ["3x3", "2x3x3", "5x5", "2x5x5"]
    assert sweep(spec, {"kernel": [7]}, name="other").name == "other"


def test_the_preset_is_the_originals_sweep():
    spec = preset_spec("luo2016")
    found = list(sweep(spec))
    assert [config.stem for config in found] == ["3x3", "2x3x3", "4x3x3", "9x9", "4x5x5"]
    assert [config.init.offset for config in found] == [7092, 7308, 7956, 8748, 10372]
    for config in found:
        assert (config.init.kind, config.init.seed) == ("neural_api", 20260607)
        assert (config.probes.kind, config.probes.count, config.probes.seed) == ("neural_api", 16, 20260607)
        assert (config.input.height, config.input.width, config.input.channels) == (21, 21, 1)
    assert preset_spec("luo2017") is None
    assert preset_spec("../presets/luo2016") is None


def test_the_offsets_are_the_probes_and_two_draws_of_every_stem_before():
    """Each stem throws away as many numbers as it has weights, then draws them."""
    drawn, offsets = 16 * 21 * 21, []
    for kernel, depth in ((3, 1), (3, 2), (3, 4), (9, 1), (5, 4)):
        weights = kernel * kernel * 4 * (1 + 4 * (depth - 1))
        offsets.append(drawn + weights)
        drawn += 2 * weights
    assert offsets == [config.init.offset for config in sweep(preset_spec("luo2016"))]


def test_billions_of_configs_are_counted_and_refused_without_making_them():
    tracemalloc.start()
    found = sweep({"name": "s", "grid": {"kernel": [3], "seed": "range(0, 4000000000)", "depth": "range(1, 9000)"}})
    assert found.size == 4_000_000_000 * 8999
    with pytest.raises(InputError, match=r"35996000000000 configs, more than the 1000000 of --max-configs"):
        check_size(found)
    assert [config.init.seed for config in itertools.islice(found, 3)] == [0, 0, 0]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    check_size(found, 10**15)
    assert DEFAULT_MAX_CONFIGS == 1_000_000


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"grid": {"kernel": [3]}}, "has no name; give it"),
        ({"name": "a b", "stems": ["3x3"]}, "'a b' is not a valid name for a sweep: use 1 to 64 letters"),
        ({"name": "a" * 65, "stems": ["3x3"]}, "is not a valid name"),
        ({"name": "caf\u00e9", "stems": ["3x3"]}, "is not a valid name"),
        ({"name": 3, "stems": ["3x3"]}, r"'3' is not; put it in quotes, as in name: '3'"),
        ({"name": "a\n", "stems": ["3x3"]}, "is not a valid name"),
        ({"name": "s"}, "has no stems"),
        ({"name": "s", "stems": []}, "has no stems"),
        ({"name": "s", "stems": "3x3"}, "stems is a list"),
        ({"name": "s", "stems": [{"init.seed": 3}]}, r"stems\[0\] has no stem"),
        ({"name": "s", "stems": ["3x3", {"stem": "3x3", "kernel": 5}]}, r"stems\[1\] sets kernel beside its stem"),
        ({"name": "s", "grid": [3]}, "grid is a mapping"),
        ({"name": "s", "grid": {"kernels": [3]}}, "there is no axis 'kernels'"),
        ({"name": "s", "grid": {3: [3]}}, "there is no axis '3'"),
        ({"name": "s", "grid": {"kernel": []}}, "no values"),
        ({"name": "s", "grid": {"kernel": [3, 3]}}, "twice"),
        ({"name": "s", "grid": {"kernel": [3], "seed": [1], "init.seed": [2]}}, "one axis in two ways"),
        ({"name": "s", "sterns": ["3x3"]}, "no field 'sterns'"),
        ({"name": "s", 3: 4}, "no field '3'"),
        ({"name": "s", "stems": ["3x3"], "input": "wide"}, "input plane"),
    ],
)
def test_what_is_no_sweep_is_one_sentence(spec, says):
    with pytest.raises(InputError, match=says) as raised:
        sweep(spec)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"stems": ["3x3", "3x3x"]}, "stem '3x3x'"),
        ({"stems": [None]}, "a stem is"),
        ({"stems": [{"stem": "3x3", "colour": 1}]}, "colour"),
        ({"stems": [{"stem": "3x3", "init": "normal", "init.seed": 3}]}, "init"),
        ({"stems": [{"stem": "3x3", "init": {"kind": {"a": 1}}}]}, "init.kind"),
        ({"grid": {"kernel": [0]}}, "kernel must be between"),
        ({"grid": {"kernel": [{"a": 1}]}}, "kernel"),
        ({"grid": {"kernel": [[[3]]]}}, "kernel"),
        ({"grid": {"kernel": [None]}}, "kernel"),
        ({"grid": {"kernel": [3], "depth": "range(0, 2)"}}, "depth must be between"),
        ({"grid": {"depth": [1]}}, "kernel"),
        ({"grid": {"kernel": [3], "probes.count": [0]}}, "probes.count"),
        ({"grid": {"kernel": [3], "input": [None]}}, "input plane"),
        ({"grid": {"kernel": [3], "readout.position": [[99, 0]]}}, "readout.position"),
    ],
)
def test_what_is_no_config_stops_the_sweep_with_one_sentence(spec, says):
    with pytest.raises(InputError, match=says) as raised:
        of(**spec)
    assert "\n" not in str(raised.value)


def test_the_sweep_of_a_stem_is_named_by_what_it_holds():
    one = stem_sweep("3x3 3x3", {}, {}, None)
    assert one.name == stem_sweep("2x3x3", {}, {}, None).name
    assert one.name != stem_sweep("2x3x3", {}, {"input": 9}, None).name
    assert one.name != stem_sweep("2x3x3", {"seed": [1, 2]}, {}, None).name
    assert [config.init.seed for config in stem_sweep("2x3x3", {"seed": [1, 2]}, {}, "mine")] == [1, 2]
    assert stem_sweep("2x3x3", {}, {}, "mine").name == "mine"
    with pytest.raises(InputError, match="character"):
        stem_sweep("2x3x3x", {}, {}, None)
