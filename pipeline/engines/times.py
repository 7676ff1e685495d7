"""Where the time of a run went."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import msgspec

from pipeline.result import Outcome

Activity: TypeAlias = Literal["starting", "scheduling", "storing", "waiting"]


class Times(msgspec.Struct):
    """Seconds of a run. The workers' are added up over workers; the driver's make up its time on the clock.

    Workers: `measuring` heatmaps, sizes and curves, `encoding` outcomes as bytes. In between: `moving`, from a
    worker's last byte encoded to the driver's outcome decoded, by the two clocks. Driver: `starting` the engine,
    `scheduling`, that is taking jobs and handing them out, `storing` in whoever takes the outcomes, `waiting`.
    """

    starting: float = 0.0
    measuring: float = 0.0
    encoding: float = 0.0
    moving: float = 0.0
    storing: float = 0.0
    scheduling: float = 0.0
    waiting: float = 0.0

    @contextmanager
    def spent(self, activity: Activity) -> Iterator[None]:
        """Adds the time that this is open to one of the driver's."""
        clock = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, activity, getattr(self, activity) + time.perf_counter() - clock)

    def measured(self, outcomes: list[Outcome]) -> None:
        """Adds what outcomes took to measure."""
        for outcome in outcomes:
            self.measuring += outcome.finished - outcome.started
            if outcome.result is not None:
                self.measuring += outcome.result.provenance.size_seconds

    def add(self, other: "Times") -> None:
        """Adds another run's."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
