"""The stem that `theory` walks: written out, in a file of text, or the one of a sweep file."""

from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.sweep.walked import walked

SWEEPS = {
    "a.yaml": "name: a\nstems: [4x3x3]\ninput: 33\ngrid: {seed: [0, 1]}\n",
    "a.json": '{"name": "a", "stem": "4x3x3", "input": 33}',
    "a.toml": 'name = "a"\nstem = "4x3x3"\ninput = 33\n',
    "a.stem": "2x3x3  # two\n2x3x3\n",
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_file_with_one_stem_is_walked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SWEEPS[name])
    rows = walked(str(tmp_path / name), None if name != "a.stem" else 33).rows
    assert [row.rf for row in rows] == [3, 5, 7, 9]  # 2 n + 1 of n layers of 3x3
    assert [row.height for row in rows] == [33] * 4


def test_a_file_without_a_suffix_is_walked_unless_its_name_is_a_stem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("net", "5x5"):
        Path(name).write_text("2x3x3\n")
    for name, rfs in {"net": [3, 5], "./net": [3, 5], str(tmp_path / "net"): [3, 5], "5x5": [5]}.items():
        assert [row.rf for row in walked(name).rows] == rfs


def test_a_plane_that_is_asked_for_is_in_place_of_the_plane_of_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SWEEPS["a.yaml"])
    assert walked(str(tmp_path / "a.yaml"), "65").rows[-1].height == 65


@pytest.mark.parametrize(
    "text",
    ["name: a\nstems: [3x3, 5x5]\n", "name: a\ngrid: {kernel: [3, 5]}\n", "name: a\ngrid: {kernel: 3}\nstem: 5x5\n"],
)
def test_a_sweep_of_several_stems_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError, match=r"theory walks one stem, and '.*a\.yaml' describes others too"):
        walked(str(tmp_path / "a.yaml"))
