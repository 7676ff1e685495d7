"""The workers behind a Dask client, as far as our own cluster and other people's differ."""

from typing import Any

from pipeline.graph import Partition


class Fleet:
    """Workers that are ours: of our version, on our files. `patience`: seconds for which none at all are waited for."""

    def __init__(self, client: Any, patience: float) -> None:
        self.client = client
        self.patience = patience

    async def greet(self, address: str, name: object) -> None:
        """Called once for each worker that joins; raises EngineError where it cannot be used."""

    async def provide(self, address: str, partition: Partition) -> None:
        """Brings to a worker what a partition needs beside itself."""

    def left(self, address: str) -> None:
        """A worker is gone."""

    def ending(self, address: str) -> str:
        """How a worker came to its end, as the rest of a sentence about it."""
        return "was lost"
