"""What a command does not need is not loaded: half of its time is imports."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import environment, good

COMMON = {"alembic", "dask", "distributed", "numpy", "pydantic", "scipy", "yaml", "sqlalchemy.dialects.postgresql"}
AGAIN = COMMON | {"email.parser", "pipeline.stem.respelling", "pipeline.engine"}
"""Of a run that is repeated: neither versions of packages nor engines, and no look at what a text may have meant."""

PROGRAM = """
import sys
from cli.main import execute
code = execute(sys.argv[2:])
sys.stderr.write(f"loaded: {sorted(set(sys.argv[1].split()) & set(sys.modules))}")
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("words", "unneeded"),
    [
        ("--help", COMMON | {"msgspec", "sqlalchemy"}),
        ("table --help", COMMON | {"msgspec", "sqlalchemy", "cli.run", "cli.status"}),
        ("status", COMMON | {"pipeline.stem.notation", "pipeline.config.config", "cli.run", "cli.table"}),
        ("table --limit 20 -f csv", COMMON | {"pipeline.stem.notation", "pipeline.config.config", "cli.run"}),
        ("run 4x3x3", AGAIN | {"pipeline.gradient.cost"}),
        ("run 4x3x3 --dry-run", AGAIN),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_command_does_not_load_what_others_need(words: str, unneeded: set[str], tmp_path: Path) -> None:
    good("run", "4x3x3")
    command = [sys.executable, "-c", PROGRAM, " ".join(sorted(unneeded)), *words.split()]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment())
    assert ended.stderr.endswith("loaded: []")
