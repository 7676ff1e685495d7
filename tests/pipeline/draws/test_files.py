"""Files of probes and weights: what was saved is read, and hostile files are refused before they take memory."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Init, Probes
from pipeline.draws import content, files, probe_shape, sha256_of, ship
from pipeline.draws.files import probe_file, read_content, weight_file
from pipeline.errors import InputError
from pipeline.stem import Plane

PLANE = Plane(3, 4, 2)


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def header(text, data=b"", version=(1, 0)):
    """An .npy file with a header of one's own making."""
    packed = text.encode("latin1")
    length = struct.pack("<H" if version == (1, 0) else "<I", len(packed))
    return b"\x93NUMPY" + bytes(version) + length + packed + data


def declared(shape, descr="'<f4'"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


def read_probes(tmp_path, data):
    path = tmp_path / "probes.npy"
    path.write_bytes(data)
    return probe_file(Probes("file", 1, path=str(path), sha256=sha256_of(str(path))), PLANE)


def read_weights(tmp_path, data):
    path = tmp_path / "weights.npz"
    path.write_bytes(data)
    return weight_file(Init("file", path=str(path), sha256=sha256_of(str(path))))


def archive(members, **options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as made:
        for name, data in members:
            made.writestr(name, data)
    return stream.getvalue()


class Bomb:
    """Unpickled, it would be heard."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f8", "<f2", "i1", "<i8", "u1", ">u2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_probes_of_any_real_type_and_order_are_read(tmp_path, dtype, order):
    saved = np.arange(48).reshape(2, 3, 4, 2).astype(dtype, order=order)
    found = read_probes(tmp_path, npy(saved))
    assert found.dtype == (np.float64 if saved.itemsize > 4 else np.float32)
    np.testing.assert_array_equal(found, saved)
    path = str(tmp_path / "probes.npy")
    assert probe_shape(path, sha256_of(path), "float32") == (2, 3, 4, 2)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_weights_are_read_however_they_are_packed(tmp_path, compression):
    arrays = {"layer0.weight": np.ones((3, 3, 1, 4)), "layer1.bias": np.arange(4, dtype=np.float32)}
    members = [(f"{name}.npy", npy(array)) for name, array in arrays.items()]
    found = read_weights(tmp_path, archive(members, compression=compression))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


GOOD = npy(np.ones((2, 3, 4, 2), np.float32))
HOSTILE = {
    "empty": (b"", "not an .npy array"),
    "no magic": (b"hello", "not an .npy array"),
    "text": (b"0.5 0.5\n" * 100, "not an .npy array"),
    "pickle": (pickle.dumps(Bomb()), "not an .npy array"),
    "objects": (npy(np.array([Bomb()], dtype=object), allow_pickle=True), "real numbers are needed"),
    "objects in a structure": (npy(np.zeros(2, [("a", object)]), allow_pickle=True), "real numbers are needed"),
    "structure": (npy(np.zeros(2, [("a", "f4")])), "real numbers are needed"),
    "complex": (npy(np.zeros((2, 3, 4, 2), complex)), "real numbers are needed"),
    "text array": (npy(np.array(["a"])), "real numbers are needed"),
    "bytes": (npy(np.array([b"a"])), "real numbers are needed"),
    "bool": (npy(np.ones((2, 3, 4, 2), bool)), "real numbers are needed"),
    "dates": (npy(np.zeros(2, "M8[s]")), "real numbers are needed"),
    "subarray": (header(declared("(1,)", "('<f4', (1000000000,))")), "array"),
    "truncated": (GOOD[:-1], "ends after 191 of the 192 bytes"),
    "header only": (GOOD[:128], "ends after 0 of the 192 bytes"),
    "half a header": (GOOD[:40], "not an .npy array"),
    "huge": (header(declared("(100000, 3, 4, 100000)")), "declares shape .* needs more than"),
    "wraps around": (header(declared(f"({2**32}, {2**32}, 4, 2)")), "declares shape .* needs more than"),
    "small numbers made large": (header(declared("(12000000, 3, 4, 2)", "'|u1'")), "declares shape .* needs more than"),
    "endless integer": (header(declared("(" + "9" * 4000 + ",)")), "array|declares"),
    "negative": (header(declared("(-1, 3, 4, 2)")), "array|declares"),
    "float side": (header(declared("(2.0, 3, 4, 2)")), "not an .npy array"),
    "shape is no tuple": (header(declared("5")), "not an .npy array"),
    "header is no mapping": (header("[1, 2]\n"), "not an .npy array"),
    "header lacks a key": (header("{'descr': '<f4'}\n"), "not an .npy array"),
    "header is code": (header("__import__('os').system('true')\n"), "not an .npy array"),
    "header is open": (header("{'descr': '''\n"), "not an .npy array"),
    "header nests": (header("[" * 9000 + "\n"), "not an .npy array"),
    "header is long": (header(declared("(1,)") + " " * 60_000), "not an .npy array"),
    "unknown type": (header(declared("(1,)", "'<z9'")), "not an .npy array"),
    "type is a list": (header(declared("(1,)", "[[[]]]")), "array"),
    "unknown version": (header(declared("(2, 3, 4, 2)"), version=(9, 9)), "array|ends after"),
    "not finite": (npy(np.array([1, np.nan])), "NaN or an infinity"),
    "infinite": (npy(np.full((2, 3, 4, 2), np.inf, np.float16)), "NaN or an infinity"),
    "shape": (npy(np.ones((2, 4, 3, 2))), r"the input plane needs \[n, 3, 4, 2\]"),
    "no probes": (npy(np.ones((0, 3, 4, 2))), r"the input plane needs \[n, 3, 4, 2\]"),
    "scalar": (npy(np.float32(1)), r"the input plane needs \[n, 3, 4, 2\]"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_probes_are_refused(tmp_path, case):
    data, says = HOSTILE[case]
    with pytest.raises(InputError, match=says) as raised:
        read_probes(tmp_path, data)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize("case", [case for case in HOSTILE if case not in ("shape", "no probes", "scalar")])
def test_hostile_weights_are_refused(tmp_path, case):
    data, says = HOSTILE[case]
    with pytest.raises(InputError, match=says) as raised:
        read_weights(tmp_path, archive([("layer0.weight.npy", data)]))
    assert "'layer0.weight'" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_memory_is_taken_for_what_is_only_declared(tmp_path):
    probes = header(declared("(10000000, 3, 4, 2)"))
    tracemalloc.start()
    with pytest.raises(InputError, match="ends after 0 of"):
        read_probes(tmp_path, probes)
    with pytest.raises(InputError, match="ends after 0 of"):
        read_weights(tmp_path, archive([("layer0.weight.npy", probes)]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_ARRAY", 10_000)
    bomb = archive([("layer0.weight.npy", b"0" * 20_000)], compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1_000
    with pytest.raises(InputError, match="unpacks to 20 kB, more than 10 kB"):
        read_weights(tmp_path, bomb)
    many = archive([(f"{n}.npy", b"0" * 3_000) for n in range(4)], compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="unpacks to 12 kB, more than 10 kB"):
        read_weights(tmp_path, many)


def test_a_zip_bomb_that_lies_about_its_size_is_cut_off(tmp_path):
    data = header(declared("(250000000,)"), b"0" * 1_000_000)
    bomb = archive([("layer0.weight.npy", data)], compression=zipfile.ZIP_DEFLATED)
    lying = bomb.replace(struct.pack("<I", len(data)), struct.pack("<I", 200))
    assert lying != bomb
    with pytest.raises(InputError):
        read_weights(tmp_path, lying)


def test_archives_that_are_none_are_refused(tmp_path):
    good = archive([("layer0.weight.npy", GOOD)], compression=zipfile.ZIP_DEFLATED)
    for data in (b"", b"PK", GOOD, good[:-5], good[5:], good[: len(good) // 2]):
        with pytest.raises(InputError):
            read_weights(tmp_path, data)
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = archive([("layer0.weight.npy", GOOD), ("layer0.weight.npy", GOOD)])
    with pytest.raises(InputError, match=r"'layer0\.weight' twice"):
        read_weights(tmp_path, twice)
    encrypted = bytearray(good)
    for start in (good.index(b"PK\x03\x04") + 6, good.index(b"PK\x01\x02") + 8):
        encrypted[start] |= 1
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_weights(tmp_path, bytes(encrypted))


def test_a_damaged_archive_is_noticed(tmp_path):
    data = bytearray(archive([("layer0.weight.npy", GOOD)]))
    data[data.index(GOOD) + 150] ^= 1
    with pytest.raises(InputError, match="CRC"):
        read_weights(tmp_path, bytes(data))


def test_names_of_hostile_members_are_quoted(tmp_path):
    with pytest.raises(InputError) as raised:
        read_weights(tmp_path, archive([("\x1b[31m\n.npy", b"")]))
    assert "\x1b" not in str(raised.value)
    assert "\n" not in str(raised.value)


SEEDS = [archive([("a.npy", GOOD), ("b.npy", GOOD)], compression=kind) for kind in (0, 8, 12, 14)]


@settings(max_examples=500)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), min_size=1, max_size=6))
def test_any_damage_to_an_archive_is_an_input_error_or_none(tmp_path_factory, seed, changes):
    data = bytearray(seed)
    for place, value in changes:
        data[place % len(data)] = value
    held_to_input_errors(lambda: read_weights(tmp_path_factory.getbasetemp(), bytes(data)))


@settings(max_examples=500)
@given(st.lists(st.tuples(st.integers(0, 140), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 400))
def test_any_damage_to_an_array_is_an_input_error_or_none(tmp_path_factory, changes, length):
    data = bytearray(GOOD)
    for place, value in changes:
        data[place] = value
    held_to_input_errors(lambda: read_probes(tmp_path_factory.getbasetemp(), bytes(data[:length])))


def held_to_input_errors(read):
    try:
        read()
    except InputError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message


@pytest.mark.parametrize("path", ["nowhere.npy", ".", "/dev/zero", "", "a\0b", "/dev/null/x", "x" * 5000])
def test_what_is_no_file_is_an_input_error(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for read in (read_content, sha256_of):
        with pytest.raises(InputError):
            read(path)


def test_large_files_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_ARRAY", 100)
    (tmp_path / "large").write_bytes(b"0" * 101)
    with pytest.raises(InputError, match="101 bytes, more than the 100"):
        read_content(str(tmp_path / "large"))


def test_content_comes_from_the_graph_or_from_an_unchanged_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    known = sha256_of(str(path))
    assert content(str(path), known) == b"one"
    path.write_bytes(b"two")
    with pytest.raises(InputError, match="has changed"):
        content(str(path), known)
    ship({known: b"one"})
    path.unlink()
    assert content(str(path), known) == b"one"
