"""Progress of a run on stderr: a bar on a terminal, a plain line every few seconds in a pipe."""

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from cli.render.visible import visible

T = TypeVar("T")

PLAIN_SECONDS = 5.0


class Progress:
    """Counts what is done and failed; bar and count are of configs, the time left is told by their expected cost."""

    def __init__(self) -> None:
        self.configs = 0
        self.cost = 1e-9
        self.done = 0
        self.failed = 0
        self.cost_done = 0.0
        self.started = time.monotonic()
        self._told = self.started
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def begin(self, configs: int, seconds: float) -> None:
        """So many configs are left, of this expected cost in seconds; on a terminal the bar appears."""
        self.configs, self.cost = configs, max(seconds, 1e-9)
        self.started = self._told = time.monotonic()
        if configs and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("measuring"), BarColumn(), TextColumn("{task.fields[said]}"))
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("measuring", total=self.configs, said=self._line())
            self._bar.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, done: int, failed: int, seconds: float) -> None:
        """More configs are finished, well or not, of this expected cost in seconds."""
        self.done += done
        self.failed += failed
        self.cost_done += seconds
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done + self.failed, said=self._line())
        elif time.monotonic() - self._told > PLAIN_SECONDS:
            self._told = time.monotonic()
            sys.stderr.write(f"measuring: {self._line()}\n")

    def say(self, text: str) -> None:
        """A line on stderr, above the bar where there is one."""
        if self._bar is not None:
            self._bar.console.print(visible(text), markup=False, highlight=False)
        else:
            sys.stderr.write(visible(text) + "\n")

    def _line(self) -> str:
        seconds = time.monotonic() - self.started
        finished = self.done + self.failed
        parts = [f"{finished}/{self.configs}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if finished and seconds > 0:
            left = seconds * max(self.cost - self.cost_done, 0) / max(self.cost_done, 1e-9)
            parts += [f"{finished / seconds:.0f}/s" if finished > seconds else f"{finished / seconds:.2g}/s"]
            parts += [f"{duration(left)} left"]
        return ", ".join(parts)


BAR_SECONDS = 1.0
"""What takes less is not told about."""


def tracked(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The items one by one, with a bar on stderr once they take a while, or a line every few seconds in a pipe."""
    started = told = time.monotonic()
    bar: Any = None
    task: Any = None
    try:
        for number, item in enumerate(items):
            yield item
            now = time.monotonic()
            if bar is not None:
                bar.update(task, completed=number + 1)
            elif sys.stderr.isatty() and now - started > BAR_SECONDS:
                from rich.console import Console
                from rich.progress import Progress as Bar

                bar = Bar(console=Console(stderr=True), transient=True)
                task = bar.add_task(what, total=total, completed=number + 1)
                bar.start()
            elif now - told > PLAIN_SECONDS:
                told = now
                sys.stderr.write(f"{what}: {number + 1}/{total}\n")
    finally:
        if bar is not None:
            bar.stop()


def duration(seconds: float) -> str:
    """A duration for a reader: 0.8 s, 12 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
