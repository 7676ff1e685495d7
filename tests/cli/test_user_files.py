"""Files of weights and probes: where they are looked for, what is refused before it is queued, and files that move."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.command import erfsweep, good

RANDOM = np.random.default_rng(0)
PROBES = RANDOM.random((4, 21, 21, 1), np.float32)


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def weights(path: Path, **arrays: Any) -> None:
    np.savez(path, **{name.replace("__", "."): array for name, array in arrays.items()})


def with_entry(array: Any, value: float) -> Any:
    changed = array.astype(np.float64)
    changed[0, 0, 0, 0] = value
    return changed


REFUSED = {
    "nan": (npy(with_entry(PROBES, np.nan)), "holds a NaN or an infinity; replace it"),
    "infinity": (npy(with_entry(PROBES, -np.inf)), "holds a NaN or an infinity; replace it"),
    "truncated": (npy(PROBES)[:-100], "ends after 6956 of the 7056 bytes it declares; write it again"),
    "beyond float32": (npy(with_entry(PROBES, 1e200)), "holds 1e+200, beyond float32; scale it down, or set dtype to"),
    "channels first": (
        npy(PROBES.transpose(0, 3, 1, 2)),
        "has shape [4, 1, 21, 21], the input plane needs [n, 21, 21, 1]; its channels come first, as PyTorch's do: "
        "transpose it by 0, 2, 3, 1",
    ),
    "channels first, of another plane": (
        npy(np.zeros((2, 3, 32, 48), np.float32)),
        "if its channels come first, transpose it by 0, 2, 3, 1 and set input to 32x48x3",
    ),
    "of another plane": (npy(np.zeros((2, 32, 48, 3), np.float32)), "set input to 32x48x3, or cut the probes"),
    "a single image": (npy(PROBES[0]), "put an axis of 1 in front for a single probe"),
    "no image": (npy(PROBES[0, :, :, 0]), "needs [n, 21, 21, 1] (probes, height, width, channels)"),
    "text": (b"not an array", "is not an .npy array (it does not begin as one); write it with numpy.save"),
    "an archive": (b"PK\x03\x04 and more", "is not an .npy array (it does not begin as one); write it with numpy.save"),
}


@pytest.mark.parametrize(("content", "expected"), REFUSED.values(), ids=list(REFUSED))
def test_probes_that_cannot_be_used_are_refused_before_they_are_queued(content: bytes, expected: str) -> None:
    Path("probes.npy").write_bytes(content)
    for command in ("run", "submit"):
        ended = erfsweep(command, "3x3", "-s", "probes.kind=file", "-s", "probes.path=probes.npy")
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert expected in ended.err
    assert not Path("erfsweep.db").exists()


def test_numbers_beyond_float32_are_used_in_float64() -> None:
    Path("probes.npy").write_bytes(npy(with_entry(PROBES, 1e200)))
    good("run", "3x3", "-s", "probes.kind=file", "-s", "probes.path=probes.npy", "-s", "dtype=float64")


@pytest.mark.parametrize("name", ["layer0__weight", "layer0__bias"])
def test_weights_beyond_float32_are_one_sentence(name: str, recwarn: pytest.WarningsRecorder) -> None:
    arrays = {"layer0__weight": np.ones((3, 3, 1, 4)), "layer0__bias": np.ones(4)}
    weights(Path("weights.npz"), **{**arrays, name: np.full(arrays[name].shape, 1e200)})
    ended = erfsweep("run", "3x3", "-s", "init.kind=file", "-s", "init.path=weights.npz")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert f"{name.replace('__', '.')} in " in ended.err
    assert "holds 1e+200, beyond float32; scale it down, or set dtype to float64" in ended.err
    assert not recwarn.list


WRITTEN = {
    "nested": "stems: [3x3]\nprobes: {kind: file, path: own/probes.npy}",
    "dotted": "stems: [3x3]\nprobes.kind: file\nprobes.path: own/probes.npy",
    "entry": "stems: [{stem: 3x3, probes: {kind: file, path: own/probes.npy}}]",
    "dotted entry": "stems: [{stem: 3x3, probes.kind: file, probes.path: own/probes.npy}]",
    "one stem": "stem: {stem: 3x3, probes: {kind: file, path: own/probes.npy}}",
    "axis": "stems: [3x3]\nprobes: {kind: file}\ngrid: {probes.path: [own/probes.npy]}",
    "single value": "stems: [3x3]\nprobes: {kind: file}\ngrid: {probes.path: own/probes.npy}",
    "weights": "stems: [3x3]\ninit: {kind: file, path: own/weights.npz}",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=list(WRITTEN))
def test_paths_in_a_sweep_file_are_relative_to_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("data/own")
    folder.mkdir(parents=True)
    (folder / "probes.npy").write_bytes(npy(PROBES))
    weights(folder / "weights.npz", layer0__weight=np.ones((3, 3, 1, 4)))
    Path("data/some.yaml").write_text(text)
    assert "1 measured" in good("run", "data/some.yaml").err
    monkeypatch.chdir("data")
    assert ", 0 new" in good("run", "some.yaml", "--db", "sqlite:///../erfsweep.db").err
    monkeypatch.chdir("own")
    again = ("submit", "some", "-s", "dtype=float64", "--name", "again", "--db", "sqlite:///../../erfsweep.db")
    assert "1 new" in good(*again).out  # a stored sweep knows where its files are


def test_a_path_on_the_command_line_is_relative_to_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("data").mkdir()
    Path("probes.npy").write_bytes(npy(PROBES))
    Path("data/some.yaml").write_text("stems: [3x3]\nprobes: {kind: file, path: gone.npy}")
    good("submit", "data/some.yaml", "-s", "probes.path=probes.npy")


@pytest.mark.parametrize("name", ["some", "other"])
@pytest.mark.parametrize("state", ["queued", "failed"])
def test_a_file_that_moved_is_found_where_it_is_named_now(name: str, state: str) -> None:
    Path("old").mkdir()
    Path("old/probes.npy").write_bytes(npy(PROBES))
    Path("old/some.yaml").write_text("stems: [3x3, 5x5]\nprobes: {kind: file, path: probes.npy}")
    good("submit", "old/some.yaml")
    good("submit", "old/some.yaml", "--name", "sharing")  # so that `rm` would not help
    shutil.move("old", "new")
    if state == "failed":
        assert erfsweep("work").code == 1
        for row in good("table", "some", "-c", "state,error", "-f", "csv").rows:
            assert row["state"] == "failed"
            assert row["error"].endswith("; check the path, or run the sweep again with the new path of the file")
    assert good("run", "new/some.yaml", "--name", name, "--dry-run").out.startswith("2 queued; ")
    ended = good("run", "new/some.yaml", "--name", name)
    assert "0 new" in ended.err
    assert "2 measured" in ended.err
    spec = good("show", "some:0", "-f", "json").json["spec"]
    assert spec["probes"]["path"] == str(Path("new/probes.npy").absolute())


def test_another_content_at_the_old_place_is_another_config() -> None:
    Path("probes.npy").write_bytes(npy(PROBES))
    options = ("3x3", "-s", "probes.kind=file", "-s", "probes.path=probes.npy")
    good("submit", *options, "--name", "one")
    Path("probes.npy").write_bytes(npy(PROBES + 1))
    assert "1 new" in good("submit", *options, "--name", "two").out
    assert erfsweep("work", "one").code == 1
    assert (
        "has changed since its config was queued" in good("table", "one", "-c", "error", "-f", "csv").rows[0]["error"]
    )
