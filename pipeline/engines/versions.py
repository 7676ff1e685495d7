"""What runs on a worker: every part that has a say in the numbers or in how they travel."""

import hashlib
import sys
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import pipeline
from pipeline.config import KERNEL_VERSION

_PACKAGES = ("numpy", "dask", "distributed", "msgspec")


@lru_cache(maxsize=1)
def erfsweep_version() -> dict[str, str]:
    """What of erfsweep itself this process has loaded, by name: the kernel's version, and its files.

    It is found once: a process that was running when its erfsweep was replaced still has the old one loaded.
    """
    return {"the kernel of erfsweep": str(KERNEL_VERSION), "erfsweep's files": _files()}


def versions() -> dict[str, str]:
    """Versions by name in this process: of Python (its minor version), of the libraries, and of erfsweep."""
    found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    found |= {name: version(name) for name in _PACKAGES}
    return found | erfsweep_version()


def _files() -> str:
    """The first 12 hexadecimal digits of a sha256 over the source files of the pipeline, names and contents."""
    root = Path(pipeline.__path__[0])
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def differences(theirs: dict[str, str], ours: dict[str, str]) -> str:
    """What another process has in another version than this one, as a clause; empty where nothing differs."""
    return ", ".join(
        f"{name} {theirs.get(name, 'missing')} instead of {mine}"
        for name, mine in ours.items()
        if theirs.get(name) != mine
    )
