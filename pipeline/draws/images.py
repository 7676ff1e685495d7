"""Probes that are a user's images, prepared as a network was trained with them. Decoding needs Pillow."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.config import Probes
from pipeline.draws.files import content
from pipeline.errors import InputError, quote
from pipeline.extras import install
from pipeline.stem import Plane

MAX_PIXELS = 2**28
"""Of one image: more are taken for an attempt to fill the memory."""

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""How Pillow calls images of so many channels."""


def count_images(probes: Probes, plane: Plane) -> int:
    """How many images the folder of some probes holds, each of which was read and fits the plane.

    Raises InputError as `image_probes` does, and where they cannot be prepared for the plane.
    """
    _check_preparation(probes, plane)
    return _looked_through(msgspec.structs.replace(probes, count=1, seed=0, index=None), plane)  # whichever is chosen


@lru_cache(maxsize=8)  # the configs of a sweep share their images
def _looked_through(probes: Probes, plane: Plane) -> int:
    with _archive(probes.path, probes.sha256) as archive:
        names = archive.namelist()
        for name in names:
            _image(archive.read(name), name, probes, plane)
    return len(names)


def _archive(path: str | None, sha256: str | None) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(_packed(path, sha256)))


@lru_cache(maxsize=1)  # each block of probes takes its own images out of it
def _packed(path: str | None, sha256: str | None) -> bytes:
    return content(path, sha256)


def image_probes(probes: Probes, plane: Plane, first: int, stop: int) -> npt.NDArray[np.float32]:
    """Images `first` to `stop` of the folder of some probes, by name: float32 [n, height, width, channels].

    Each is converted to the channels of the plane (1 grey, 3 RGB, 4 RGBA), resized and cut to its centre, multiplied by
    `scale` (1 / 255 where it is not given), then made (x - mean) / std channel by channel.
    Raises InputError, naming the image, for one that cannot be read or is smaller than what is cut out.
    """
    made = np.stack([image for _, image in cut_images(probes, plane, range(first, stop))]).astype(np.float32)
    made *= np.float32(1 / 255 if probes.scale is None else probes.scale)
    if probes.order == "bgr":
        made = made[..., ::-1]
    for value, apply in ((probes.mean, np.subtract), (probes.std, np.divide)):
        if value is not None:
            made = apply(made, np.asarray(value, np.float32))
    return np.ascontiguousarray(made, np.float32)


def cut_images(probes: Probes, plane: Plane, numbers: Iterable[int]) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """(name, pixels) of images by their numbers: uint8 [height, width, channels], resized and cut to the plane.

    Raises InputError as `image_probes` does.
    """
    with _archive(probes.path, probes.sha256) as archive:
        names = archive.namelist()
        for number in numbers:
            yield names[number], _image(archive.read(names[number]), names[number], probes, plane)


def _check_preparation(probes: Probes, plane: Plane) -> None:
    """Raises InputError where images cannot be prepared for a plane: other channels, as many means as it has not."""
    if plane.channels not in _MODES:
        raise InputError(f"images have 1, 3 or 4 channels, but the input plane is {plane}; set input to HxWx3")
    for name in ("mean", "std"):
        value = getattr(probes, name)
        if isinstance(value, tuple) and len(value) not in (1, plane.channels):
            raise InputError(f"probes.{name} has {len(value)} numbers for the {plane.channels} channels of {plane}")
        if name == "std" and value is not None and 0 in (value if isinstance(value, tuple) else (value,)):
            raise InputError("probes.std must not be 0; it divides")
    if probes.order == "bgr" and plane.channels != 3:
        raise InputError(f"probes.order bgr is for images of 3 channels, not for the plane {plane}")


def _image(data: bytes, name: str, probes: Probes, plane: Plane) -> npt.NDArray[np.uint8]:
    """One image, uint8 [height, width, channels] of the plane."""
    try:
        from PIL import Image, ImageOps  # an extra
    except ImportError:
        raise InputError(f"images are read by Pillow, which is not installed; type {install('images')}") from None

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise InputError(f"image {quote(name)} has {opened.width} x {opened.height} pixels; make it smaller")
            image: Any = ImageOps.exif_transpose(opened).convert(_MODES[plane.channels])
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  # a damaged image may raise whatever its decoder raises
        raise InputError(
            f"image {quote(name)} cannot be read ({type(error).__name__}); take it out or save it again"
        ) from None
    if probes.resize is not None:
        image = image.resize(
            _resized(image.size, probes.resize), Image.Resampling[(probes.interpolation or "bilinear").upper()]
        )
    for height, width, what in ((*_pair(probes.crop), "probes.crop"), (plane.height, plane.width, "the input plane")):
        if height is None or width is None:
            continue
        if image.height < height or image.width < width:
            raise InputError(
                f"image {quote(name)} has {image.height}x{image.width} pixels, fewer than {height}x{width} of {what}; "
                "set probes.resize"
            )
        top, left = round((image.height - height) / 2), round((image.width - width) / 2)  # as torchvision does
        image = image.crop((left, top, left + width, top + height))
    pixels = np.asarray(image, np.uint8)
    return pixels.reshape(plane.height, plane.width, plane.channels)


def _pair(side: "int | tuple[int, int] | None") -> "tuple[int | None, int | None]":
    return side if isinstance(side, tuple) else (side, side)


def _resized(size: tuple[int, int], wanted: "int | tuple[int, int]") -> tuple[int, int]:
    """(width, height): one number is the shorter side, and the sides keep their ratio."""
    if isinstance(wanted, tuple):
        return wanted[1], wanted[0]
    width, height = size
    short = min(width, height)
    return max(int(wanted * width / short), 1), max(int(wanted * height / short), 1)
