"""A working directory of its own for each test, and a store that several tests read."""

import os
from pathlib import Path

import pytest

from tests.cli.command import good


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ERFSWEEP_DB", raising=False)
    monkeypatch.setenv("COLUMNS", "110")


@pytest.fixture(scope="session")
def luo2016(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store that holds the preset luo2016, measured; to be read only."""
    directory = tmp_path_factory.mktemp("luo2016")
    os.environ.pop("ERFSWEEP_DB", None)
    url = f"sqlite:///{directory}/luo2016.db"
    good("--db", url, "run", "luo2016")
    return url


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with three layers of a network, two draws of each; to be read only."""
    url = f"sqlite:///{tmp_path_factory.mktemp('stages')}/net.db"
    axes = ("-s", "readout.layer=c1,c2,c3", "-s", "seed=0,1", "-s", "readout.channel=sum")
    good("--db", url, "run", "3x3:4#c1 3x3/2:4#c2 2x3x3:4#c3", *axes, "--name", "net")
    return url
