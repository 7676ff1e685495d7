"""The heatmap of one config as a file, in the format that its name ends in."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.render.files import write_bytes
from pipeline.errors import InputError, quote
from pipeline.picture.png import picture, png

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipeline.sizes import Cutout, Floats


class Saved(NamedTuple):
    """What there is to write of a config.

    heatmap: float64 [height, width]. curves: float64 [4, radii], None where the heatmap is zero. config: canonical
    JSON. cut: the part in the window, None where there is none. log: whether a picture has a logarithmic scale. grey:
    what a picture is drawn on, uint8 [height, width], if anything.
    """

    heatmap: "Floats"
    curves: "Floats | None"
    config: str
    cut: "Cutout | None"
    log: bool
    grey: "npt.NDArray[np.uint8] | None" = None


def check_suffix(path: Path) -> None:
    """Raises InputError where a file is called as no format is."""
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"--save {quote(path)} ends in no format; end it in .npy, .npz, .png or .csv")


def save(path: Path, what: Saved) -> None:
    """Writes the file, whole or not at all. Raises InputError where that cannot be."""
    check_suffix(path)
    write_bytes(path, _FORMATS[path.suffix.lower()](what))


def _npy(what: Saved) -> bytes:
    import numpy as np

    stream = BytesIO()
    np.save(stream, what.heatmap, allow_pickle=False)
    return stream.getvalue()


def _npz(what: Saved) -> bytes:
    import numpy as np

    arrays: dict[str, Any] = {"heatmap": what.heatmap, "config": np.array(what.config)}
    if what.curves is not None:
        arrays["curves"] = what.curves
    stream = BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _csv(what: Saved) -> bytes:
    return b"".join(f"{','.join(map(repr, row))}\n".encode() for row in what.heatmap.tolist())


def _png(what: Saved) -> bytes:
    if what.cut is None:
        raise InputError("the unit sees no pixel of the plane, so there is no picture of its window; save a .npy")
    return png(picture(what.cut, log=what.log, grey=what.grey))


_FORMATS: dict[str, Callable[[Saved], bytes]] = {".npy": _npy, ".npz": _npz, ".png": _png, ".csv": _csv}
