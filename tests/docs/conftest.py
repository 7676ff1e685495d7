"""A working directory of its own for each page, with the examples and the programs that a reader has."""

import os
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

_SCRIPTS = {
    "erfsweep": f"#!/bin/sh\nexec '{sys.executable}' -m erfsweep \"$@\"\n",
    "dask": f"#!/bin/sh\nexec '{sys.executable}' -m dask \"$@\"\n",
    "python": f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n",
}


@pytest.fixture(autouse=True)
def _reader(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path_factory.mktemp("bin")
    for name, text in _SCRIPTS.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("ERFSWEEP_DB", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
