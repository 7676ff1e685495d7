"""Every example in a docstring runs and prints what it shows."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipeline", "store", "cli")
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if ">>> " in path.read_text()
)
"""Those with an example."""


def test_examples_are_found():
    assert {"pipeline.ids", "pipeline.config.axes", "store.asking.shown"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    module = import_module(name)
    ran = doctest.testmod(module)
    assert (ran.attempted, ran.failed) == (Path(module.__file__).read_text().count(">>> "), 0)
