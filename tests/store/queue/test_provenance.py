"""Provenance: what a sweep was submitted with."""

import platform
from pathlib import Path

import numpy

from store.queue.provenance import origin


def test_tells_versions_and_hides_passwords(tmp_path: Path) -> None:
    found = origin(["erfsweep", "run", "--db", "postgresql://me:secret@host/db"], tmp_path)
    assert found.argv == ("erfsweep", "run", "--db", "postgresql://me:***@host/db")
    assert found.versions["python"] == platform.python_version()
    assert found.versions["numpy"] == numpy.__version__
    assert found.host == platform.node()
