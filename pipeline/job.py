"""A job: what travels from the queue to the graph."""

import msgspec


class Job(msgspec.Struct, frozen=True):
    """A config to measure: its digest, its canonical JSON, and the seconds that it is expected to take.

    suspected: a process that had claimed it has died, maybe of it.
    """

    digest: str
    config: bytes
    cost: float
    suspected: bool = False
