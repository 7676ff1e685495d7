"""The gradient of a unit: the cone of its steps, what they cost, and running them forward and back."""

from pipeline.gradient.plan import Plan as Plan
from pipeline.gradient.plan import check_memory as check_memory
from pipeline.gradient.plan import expected_seconds as expected_seconds
from pipeline.gradient.plan import plan_of as plan_of
