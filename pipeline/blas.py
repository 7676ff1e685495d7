"""BLAS: held to one thread in every engine, so that a config gives the same bits in all of them, and described."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    import numpy as np  # noqa: F401  # its BLAS must be loaded to be found

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS runs one thread in this process while this is open."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


def hold_one_thread() -> None:
    """BLAS runs one thread in this process from now on: for workers, which do nothing else."""
    _controller().limit(limits=1, user_api="blas")


@lru_cache(maxsize=1)
def description() -> str:
    """The BLAS build and the CPU kernel that it runs, such as `openblas 0.3.30 SkylakeX`."""
    found = [library for library in _controller().info() if library.get("user_api") == "blas"]
    names = {f"{library['internal_api']} {library['version']} {library.get('architecture', '')}" for library in found}
    return ", ".join(sorted(name.strip() for name in names)) or "unknown"


@lru_cache(maxsize=1)
def reads_small_in_place() -> bool:
    """Whether BLAS multiplies small matrices where they lie, without packing them first: OpenBLAS on AVX-512."""
    kernels = {str(library.get("architecture")).lower() for library in _controller().info()}
    return not kernels.isdisjoint({"skylakex", "cooperlake", "sapphirerapids"})
