"""What runs on a worker: every part that has a say in the numbers or in how they travel."""

import sys
from importlib.metadata import version

from pipeline.config import KERNEL_VERSION

_PACKAGES = ("numpy", "dask", "distributed", "msgspec")


def versions() -> dict[str, str]:
    """Versions by name in this process: of Python (its minor version), of the libraries, of the kernel."""
    found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    found |= {name: version(name) for name in _PACKAGES}
    found["the kernel of erfsweep"] = str(KERNEL_VERSION)
    return found


def differences(theirs: dict[str, str]) -> str:
    """What another process has in another version than this one, as a clause; empty where nothing differs."""
    ours = versions()
    return ", ".join(
        f"{name} {theirs.get(name, 'missing')} instead of {ours[name]}"
        for name in ours
        if theirs.get(name) != ours[name]
    )
