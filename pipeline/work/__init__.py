"""The loop over a queue: configs are claimed, measured and saved until nothing is left."""

from pipeline.work.loop import Settings as Settings
from pipeline.work.loop import Summary as Summary
from pipeline.work.loop import work as work
from pipeline.work.progress import Progress as Progress
