"""The workers behind a Dask client, as far as our own cluster and other people's differ."""

from typing import Any

from pipeline.graph import Partition

LEAN = {"distributed.admin.low-level-log-length": 20}
"""Every connection of Dask logs its last 1,000 messages, whole partitions with them; a setting for the driver."""


class Fleet:
    """Workers that are ours: of our version, on our files. `patience`: seconds for which none at all are waited for."""

    def __init__(self, client: Any, patience: float) -> None:
        self.client = client
        self.patience = patience

    async def greet(self, address: str, name: object) -> None:
        """Called once for each worker that joins; raises EngineError where it cannot be used."""

    async def provide(self, address: str, partition: Partition) -> None:
        """Brings to a worker what a partition needs beside itself."""

    def tend(self, count: int) -> None:
        """Called now and then, with the number of workers that may be used."""

    def absence(self) -> str:
        """What to say when no worker has been there for as long as our patience lasts."""
        return (
            f"no worker has come to {self.client.scheduler.address} for {self.patience:.0f} s; "
            "start workers there and type `erfsweep work` to go on"
        )

    def left(self, address: str) -> None:
        """A worker is gone."""

    def ending(self, address: str) -> str:
        """How a worker came to its end, as the rest of a sentence about it."""
        return "was lost"
