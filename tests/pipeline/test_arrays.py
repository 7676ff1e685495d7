"""Arrays of a result as bytes."""

import io
import zlib

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pipeline.arrays import pack, unpack_curves, unpack_heatmap
from pipeline.errors import StoreError
from pipeline.result import checksum

maps = npst.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1e300))
rows = npst.arrays(np.float64, st.tuples(st.just(4), st.integers(1, 9)), elements=st.floats(0, 1))


@given(maps, st.one_of(st.none(), rows))
def test_arrays_come_back_bit_by_bit(heatmap, curves):
    packed = pack(heatmap, curves)
    assert unpack_heatmap(packed).tobytes() == heatmap.tobytes()
    assert unpack_heatmap(packed).shape == heatmap.shape
    found = unpack_curves(packed)
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
    assert unpack_heatmap(packed).tobytes() == whole.tobytes()


def test_arrays_of_any_layout_are_packed_as_they_look():
    heatmap = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    for layout in (heatmap, heatmap[::-1], heatmap.T, np.broadcast_to(heatmap[0], (5, 4))):
        np.testing.assert_array_equal(unpack_heatmap(pack(layout, None)), layout)


def test_every_changed_byte_is_noticed():
    packed = pack(np.arange(12.0).reshape(3, 4), np.ones((4, 3)))
    for field in ("heatmap", "curves"):
        data = bytearray(getattr(packed, field))
        for place in range(len(data)):
            data[place] ^= 1
            changed = msgspec.structs.replace(packed, **{field: bytes(data)})
            for unpack in (unpack_heatmap, unpack_curves):
                with pytest.raises(StoreError, match="checksum"):
                    unpack(changed)
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
        unpack_heatmap(forged)


def test_objects_are_never_unpickled():
    stream = io.BytesIO()
    np.save(stream, np.array([print], dtype=object), allow_pickle=True)
    data = zlib.compress(stream.getvalue())
    forged = msgspec.structs.replace(pack(np.ones((2, 2)), None), heatmap=data, checksum=checksum(data, b""))
    with pytest.raises(StoreError, match="cannot be read"):
        unpack_heatmap(forged)
