"""A job: what travels from the queue to the graph."""

import msgspec


class Job(msgspec.Struct, frozen=True):
    """A config to measure: its digest, its canonical JSON, and the seconds that it is expected to take."""

    digest: str
    config: bytes
    cost: float
