"""A config: one thing to measure, its canonical JSON, its digest and the columns that it fills."""

from pipeline.config.axes import AXIS_PATHS as AXIS_PATHS
from pipeline.config.axes import axes as axes
from pipeline.config.config import FILED as FILED
from pipeline.config.config import KERNEL_VERSION as KERNEL_VERSION
from pipeline.config.config import NOT_DRAWN as NOT_DRAWN
from pipeline.config.config import PREPARATION as PREPARATION
from pipeline.config.config import PREPARATIONS as PREPARATIONS
from pipeline.config.config import Config as Config
from pipeline.config.config import Gradient as Gradient
from pipeline.config.config import Init as Init
from pipeline.config.config import InitKind as InitKind
from pipeline.config.config import Probes as Probes
from pipeline.config.config import Readout as Readout
from pipeline.config.config import decode as decode
from pipeline.config.config import digest_of as digest_of
from pipeline.config.config import encode as encode
