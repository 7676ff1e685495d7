"""What all tests share: profiles of Hypothesis, one thread of BLAS and PyTorch, and what may not be skipped.

ERFSWEEP_REQUIRE=torch,postgres turns the absence of PyTorch or PostgreSQL from a skip into a failure.
HYPOTHESIS_PROFILE=search draws other examples at every run, and ten times as many.
"""

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

from pipeline import blas

settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_WORDS = {
    "torch": "pytorch",
    "postgres": "postgresql",
    **{name: name for name in ("pandas", "polars", "xarray", "chromium", "onnx", "rapidocr", "sphinx")},
}
"""What the reason of a skip says, by what ERFSWEEP_REQUIRE calls it."""
_REQUIRED = [_WORDS[name] for name in os.environ.get("ERFSWEEP_REQUIRE", "").split(",") if name]


def pytest_configure() -> None:
    blas.hold_one_thread()


def pytest_runtest_setup() -> None:
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _held((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _held((yield))


def _held(report: Any) -> Any:
    """The report, failed where it skips what is required."""
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2])
        if any(word in reason.lower() for word in _REQUIRED):
            report.outcome = "failed"
            report.longrepr = f"{reason} (ERFSWEEP_REQUIRE={os.environ['ERFSWEEP_REQUIRE']} does not allow a skip)"
    return report
