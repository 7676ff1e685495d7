"""What can be said of a stem without measuring it: window, support, receptive-field arithmetic, the expected map."""

from pipeline.theory.costs import costs as costs
from pipeline.theory.halo import Halo as Halo
from pipeline.theory.region import Region as Region
from pipeline.theory.region import region as region
from pipeline.theory.table import Row as Row
from pipeline.theory.table import Walk as Walk
from pipeline.theory.table import theory as theory
from pipeline.theory.window import Window as Window
from pipeline.theory.window import window as window
from pipeline.theory.window import window_of as window_of
