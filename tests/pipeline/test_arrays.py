"""Arrays of a result as bytes."""

import io
import tracemalloc
import zlib

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pipeline.arrays import pack, unpack_curves, unpack_heatmap
from pipeline.errors import StoreError
from pipeline.result import Arrays, checksum

maps = npst.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1e300))
rows = npst.arrays(np.float64, st.tuples(st.just(4), st.integers(1, 9)), elements=st.floats(0, 1))


@given(maps, st.one_of(st.none(), rows))
def test_arrays_come_back_bit_by_bit(heatmap, curves):
    packed = pack(heatmap, curves)
    assert unpack_heatmap(packed, heatmap.shape).tobytes() == heatmap.tobytes()
    assert unpack_heatmap(packed, heatmap.shape).shape == heatmap.shape
    found = unpack_curves(packed, 9)
    assert (found is None) == (curves is None)
    if curves is not None:
        assert found.tobytes() == curves.tobytes()
        assert found.shape == curves.shape


@given(maps, rows)
def test_the_bytes_are_a_compressed_npy_that_anyone_can_read(heatmap, curves):
    packed = pack(heatmap, curves)
    for data, array in ((packed.heatmap, heatmap), (packed.curves, curves)):
        np.testing.assert_array_equal(np.load(io.BytesIO(zlib.decompress(data)), allow_pickle=False), array)


@st.composite
def parts(draw):
    """A plane, up to large enough for many blocks of zeros, a part of it, and where the part begins."""
    plane = draw(st.tuples(*2 * [st.one_of(st.integers(1, 20), st.integers(150, 400))]))
    shape = tuple(draw(st.integers(1, min(size, 30))) for size in plane)
    corner = tuple(draw(st.integers(0, size - own)) for size, own in zip(plane, shape, strict=True))
    return plane, corner, draw(npst.arrays(np.float64, shape, elements=st.floats(0, 1e300)))


@given(parts())
def test_a_part_is_packed_as_the_plane_that_it_lies_on(given):
    plane, corner, part = given
    whole = np.zeros(plane)
    whole[corner[0] :, corner[1] :][: part.shape[0], : part.shape[1]] = part
    packed = pack(part, None, corner, plane)
    np.testing.assert_array_equal(np.load(io.BytesIO(zlib.decompress(packed.heatmap)), allow_pickle=False), whole)
    assert unpack_heatmap(packed, plane).tobytes() == whole.tobytes()


def test_arrays_of_any_layout_are_packed_as_they_look():
    heatmap = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    for layout in (heatmap, heatmap[::-1], heatmap.T, np.broadcast_to(heatmap[0], (5, 4))):
        np.testing.assert_array_equal(unpack_heatmap(pack(layout, None), layout.shape), layout)


def test_every_changed_byte_is_noticed():
    packed = pack(np.arange(12.0).reshape(3, 4), np.ones((4, 3)))
    for field in ("heatmap", "curves"):
        data = bytearray(getattr(packed, field))
        for place in range(len(data)):
            data[place] ^= 1
            changed = msgspec.structs.replace(packed, **{field: bytes(data)})
            for unpack, most in ((unpack_heatmap, (3, 4)), (unpack_curves, 3)):
                with pytest.raises(StoreError, match="checksum"):
                    unpack(changed, most)
            data[place] ^= 1


@pytest.mark.parametrize(
    "data",
    [b"", b"no zlib", zlib.compress(b""), zlib.compress(b"no npy"), zlib.compress(b"\x93NUMPY\x01\x00")],
    ids=["empty", "no zlib", "nothing", "no npy", "no header"],
)
def test_bytes_that_are_no_array_are_an_error_of_the_store(data):
    packed = pack(np.ones((2, 2)), None)
    forged = msgspec.structs.replace(packed, heatmap=data, checksum=checksum(data, b""))
    with pytest.raises(StoreError, match="cannot be read"):
        unpack_heatmap(forged, (2, 2))


def test_objects_are_never_unpickled():
    stream = io.BytesIO()
    np.save(stream, np.array([print], dtype=object), allow_pickle=True)
    data = zlib.compress(stream.getvalue())
    forged = msgspec.structs.replace(pack(np.ones((2, 2)), None), heatmap=data, checksum=checksum(data, b""))
    with pytest.raises(StoreError, match="cannot be read"):
        unpack_heatmap(forged, (2, 2))


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (npy(np.zeros((20, 20))), "20x20 numbers instead of 4x5"),
        (npy(np.zeros((5, 4))), "5x4 numbers instead of 4x5"),
        (npy(np.zeros(20)), "shape"),
        (npy(np.zeros((4, 5), "float32")), "float32"),
        (npy(np.zeros((4, 5), order="F")), "it holds float64"),
        (npy(np.zeros((4, 5))) + bytes(1), "longer or shorter"),
        (npy(np.zeros((4, 5)))[:-1], "longer or shorter"),
        (npy(np.zeros((0, 5))), "0x5 numbers"),
        (b"\x93NUMPY\x02\x00" + npy(np.zeros((4, 5)))[8:], "version"),
    ],
)
def test_an_array_that_is_not_of_its_plane_is_refused(data, said):
    packed = zlib.compress(data)
    forged = msgspec.structs.replace(pack(np.ones((4, 5)), None), heatmap=packed, checksum=checksum(packed, b""))
    with pytest.raises(StoreError, match=said):
        unpack_heatmap(forged, (4, 5))


@pytest.mark.parametrize("header", [True, False], ids=["that says so", "that does not"])
def test_a_bomb_unpacks_no_further_than_its_plane(header):
    """256 MiB of zeros behind a header of its own size, or behind that of the plane."""
    side = 5792
    head = npy(np.zeros((4, 5)))[:128] if not header else npy(np.broadcast_to(0.0, (side, side)))[:128]
    deflate = zlib.compressobj(9)
    bomb = deflate.compress(head) + b"".join(deflate.compress(bytes(2**20)) for _ in range(256)) + deflate.flush()
    assert len(bomb) < 2**20
    for heatmap, curves in ((bomb, b""), (pack(np.ones((4, 5)), None).heatmap, bomb)):
        forged = Arrays(heatmap, curves, checksum(heatmap, curves))
        tracemalloc.start()
        with pytest.raises(StoreError, match="cannot be read"):
            unpack_curves(forged, 10) if curves else unpack_heatmap(forged, (4, 5))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * len(bomb)


@given(maps)
def test_curves_may_be_shorter_than_the_radii_asked_for_and_never_longer(values):
    curves = np.resize(values, (4, values.shape[1]))
    packed = pack(values, curves)
    assert unpack_curves(packed, curves.shape[1] + 3).tobytes() == curves.tobytes()
    with pytest.raises(StoreError, match="numbers instead of"):
        unpack_curves(packed, curves.shape[1] - 1)
