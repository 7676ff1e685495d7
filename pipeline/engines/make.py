"""Making engines by name; what an engine needs is imported only when it is made."""

from typing import Any

from pipeline.engines.engine import Engine, EngineName


def make_engine(name: EngineName, workers: int = 2, **connection: Any) -> Engine:
    """The engine of a name."""
    if name == "sync":
        from pipeline.engines.sync import SyncEngine

        return SyncEngine()
    from pipeline.engines.threads import ThreadsEngine

    return ThreadsEngine(workers)
