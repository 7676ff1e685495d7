"""Groups: what is cut out of a spec is what the axes are, and nothing else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Config, Init, Probes, Readout, encode
from pipeline.stem import Plane
from pipeline.sweep.grid import without_axes
from store.asking.groups import groups, spec_cut
from store.asking.table import Table

_HOSTILE = st.sampled_from(["a.npz", 'x","seed":3,"y":"', "}{", '"init":{', "a,b]["])
_INITS = st.builds(Init, st.sampled_from(["he_normal", "file"]), st.integers(0, 3), st.none() | st.integers(0, 2))
_READOUTS = st.builds(
    Readout,
    st.sampled_from([0, 1, "sum"]),
    st.sampled_from(["center", (1, 2), (0, 3)]),
    st.sampled_from(["abs", "square"]),
)
_CONFIGS = st.builds(
    Config,
    st.sampled_from(["3x3", "2x3x3", "5x5:8 gap"]),
    st.builds(Plane, st.sampled_from([21, 22]), st.just(21)),
    st.tuples(_INITS, st.none() | _HOSTILE).map(lambda pair: msgspec.structs.replace(pair[0], path=pair[1])),
    st.builds(Probes, st.sampled_from(["uniform", "normal"]), st.integers(1, 3), st.integers(0, 3)),
    _READOUTS,
)
_PATHS = ["init.seed", "init.kind", "init.offset", "probes.seed", "probes.count", "probes.kind", "readout.channel"]
_PATHS += ["readout.position", "readout.gradient", "depth", "kernel", "dtype", "input.height"]


@given(st.lists(_CONFIGS, max_size=6), st.lists(st.sampled_from(_PATHS), min_size=1, max_size=3, unique=True))
def test_equal_cuts_are_configs_that_differ_in_nothing_but_the_axes(configs: list[Config], paths: list[str]) -> None:
    cut = spec_cut(paths)
    by_cut: dict[str, str] = {}
    for config in configs:
        rest = without_axes(config, *paths)
        assert by_cut.setdefault(cut(encode(config).decode()), rest) == rest


@pytest.mark.parametrize("path", ["init.seed", "probes.seed", "readout.position"])
def test_a_field_is_cut_wherever_it_stands(path: str) -> None:
    one = Config("3x3", Plane(21, 21), Init("normal", 1, 2), Probes("normal", 5, 7), Readout(0, (3, 4)))
    part, _, field = path.partition(".")
    other = msgspec.structs.replace(
        one, **{part: msgspec.structs.replace(getattr(one, part), **{field: (9, 9) if field == "position" else 99})}
    )
    cut = spec_cut([path])
    assert cut(encode(one).decode()) == cut(encode(other).decode()) != encode(one).decode()


@given(st.lists(st.tuples(_CONFIGS, st.sampled_from([None, 3])), max_size=8), st.sampled_from(_PATHS))
def test_groups_are_those_of_equal_rests(rows: list[tuple[Config, int | None]], path: str) -> None:
    table = Table(("spec", "kernel_version"), [(encode(config).decode(), version) for config, version in rows])
    found = groups(table, path)
    for (one, version), group in zip(rows, found.of, strict=True):
        for (other, its), its_group in zip(rows, found.of, strict=True):
            alike = (version, without_axes(one, path)) == (its, without_axes(other, path))
            if path not in ("depth", "kernel"):  # of which the plane may follow
                assert (group == its_group) == alike
            elif group == its_group:
                assert version == its
