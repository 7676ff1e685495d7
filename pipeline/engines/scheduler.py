"""Dask's synchronous scheduler, which every engine runs a partition's graph by."""

from typing import Any

from pipeline.errors import EngineError


def synchronous() -> Any:
    """`dask.local.get_sync`. Raises EngineError where Dask cannot be loaded, as it cannot without /proc."""
    try:
        from dask.local import get_sync
    except Exception as error:  # noqa: BLE001  # it looks at this process as it is loaded
        reason = f"{type(error).__name__}: {error}"
        raise EngineError(
            f"Dask cannot be loaded ({reason}); see whether it is installed and /proc is mounted"
        ) from None
    return get_sync
