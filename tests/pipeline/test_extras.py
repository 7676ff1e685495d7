"""How an optional library is installed: the command works where it is typed."""

import shlex
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pipeline.extras import install

EXTRAS = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("extra", ["dashboard", "images", "onnx", "parquet", "plot", "postgres", "report"])
def test_the_command_names_an_extra_that_there_is_and_the_python_that_runs(extra: str) -> None:
    python, *words, wanted = shlex.split(install(extra).strip("`"))
    assert (python, words) == (sys.executable, ["-m", "pip", "install"])
    assert Requirement(wanted).name == "erfsweep"
    assert Requirement(wanted).extras == {extra}
    assert extra in EXTRAS


def test_a_path_with_a_blank_in_it_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/my programs/bin/python")
    assert install("plot") == "`'/my programs/bin/python' -m pip install 'erfsweep[plot]'`"
