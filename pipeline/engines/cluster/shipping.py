"""Files on their way to the workers of a Dask scheduler, which have none of the driver's."""

import asyncio
from typing import Any

from pipeline.errors import InputError
from pipeline.graph import Partition


class Shipping:
    """Sends the files that configs name, each once to each worker, by sha256. On the client's loop only."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._shipped: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def provide(self, address: str, partition: Partition) -> None:
        """Brings to a worker the files of a partition."""
        for path, sha256 in sorted(files_of(partition)):
            place = address, sha256
            if place not in self._shipped:
                self._shipped[place] = asyncio.ensure_future(self._ship(address, path, sha256))
            try:
                await asyncio.shield(self._shipped[place])
            except Exception:
                self._shipped.pop(place, None)  # tried again with whatever needs it next
                raise

    def left(self, address: str) -> None:
        """What was sent to a worker went with it."""
        for place in [place for place in self._shipped if place[0] == address]:
            del self._shipped[place]

    async def _ship(self, address: str, path: str, sha256: str) -> None:
        from pipeline.draws import content, ship

        try:
            data = await asyncio.to_thread(content, path, sha256)
        except InputError:
            return  # each of its configs will say so itself
        await self._client.run(ship, {sha256: data}, workers=[address])


def files_of(partition: Partition) -> set[tuple[str, str]]:
    """(path, sha256) of the files of probes and weights that the configs of a partition name."""
    from pipeline.config import decode

    found = set()
    for job in partition.jobs:
        if b'"sha256"' in job.config:
            config = decode(job.config)
            for part in (config.init, config.probes):
                if part.path is not None and part.sha256 is not None:
                    found.add((part.path, part.sha256))
    return found
