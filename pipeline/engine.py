"""Making engines by name; what an engine needs is imported only when it is made."""

from collections.abc import Callable

from pipeline.engines.cluster.address import Connection
from pipeline.engines.engine import Engine
from pipeline.engines.local import LocalEngine
from pipeline.engines.names import EngineName
from pipeline.errors import InputError


def make_engine(
    name: EngineName,
    workers: int = 2,
    *,
    connection: Connection | None = None,
    dashboard: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Engine:
    """The engine of a name; `auto` is settled before, by `choose`. `say` hears what the user should know meanwhile.

    Raises InputError where the connection cannot be used, or is missing for `cluster`.
    """
    if name == "cluster":
        from pipeline.engines.cluster.cluster import ClusterEngine

        if connection is None:
            raise InputError("--engine cluster needs --scheduler; give its address or its scheduler file")
        return ClusterEngine(connection, say=say)
    if dashboard:
        from pipeline.engines.cluster.dashboard import DashboardEngine

        return DashboardEngine(workers, say=say)
    return LocalEngine("processes" if name == "auto" else name, workers, say=say)
