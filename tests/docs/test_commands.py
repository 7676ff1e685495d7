"""Every block of every page runs, in the order of the page and in one directory, and prints what the page shows."""

import re
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipeline.sweep.sweep import sweep
from pipeline.sweep.sweepfile import parse_sweep_file
from tests.cli.command import good
from tests.docs.files import FILES
from tests.docs.pages import FOR_DEVELOPERS, PAGES, REASONS, Block, Command, blocks, is_alike

ALL = [(page.name, block) for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs(page: Path) -> None:
    names: dict[str, object] = {}
    missing = set()
    for block in blocks(page):
        if block.skip:
            continue
        if lacking := {name for name in block.need.split() if not (find_spec(name) or shutil.which(name))}:
            missing |= lacking
            continue
        for name in block.first.split():
            FILES[name]()
        if block.language == "console":
            for command in block.commands:
                assert_shown(command, output(command.line))
        elif block.language == "yaml":
            write(block, ".yaml")
        elif block.language == "python" and page not in FOR_DEVELOPERS and ">>> " not in block.text:
            if re.match(r"# \w+\.py\n", block.text):
                write(block, ".py")
            else:
                exec(block.text, names)
    if missing:
        pytest.skip(f"{', '.join(sorted(missing)).replace('torch', 'PyTorch')} not installed")


def write(block: Block, suffix: str) -> None:
    """Writes the file whose name is the first line of the block."""
    named = re.match(rf"# ([\w-]+{suffix})\b", block.text)
    assert named, block.text
    Path(named[1]).write_text(block.text)
    if suffix == ".yaml":
        assert sweep({"name": "example", **parse_sweep_file(block.text, suffix, "example")}).size > 0


def output(line: str) -> str:
    """What a command prints: one of erfsweep in this process, others by a shell."""
    words = list(shlex.shlex(line, posix=True, punctuation_chars=True))
    if words[0] == "erfsweep" and not {"|", "&", ">", ";"} & {*words}:
        return good(*shlex.split(line, comments=True)[1:]).out
    ended = subprocess.run(["bash", "-euo", "pipefail", "-c", line], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, (line, ended)
    return ended.stdout


def assert_shown(command: Command, out: str) -> None:
    """The lines that the page shows are those that were printed, in words; numbers are close."""
    if not command.shown:
        return
    printed = [line.split() for line in out.splitlines() if line.strip()]
    shown = [line.split() for line in command.shown if line.strip()]
    assert [len(line) for line in printed] == [len(line) for line in shown], (command, out)
    for ours, theirs in zip(printed, shown, strict=True):
        for word, expected in zip(ours, theirs, strict=True):
            assert is_alike(word, expected), (command, out)


@pytest.mark.parametrize(("page", "block"), ALL, ids=[f"{name}-{number}" for number, (name, _) in enumerate(ALL)])
def test_a_block_says_what_it_is(page: str, block: Block) -> None:
    """Commands are in blocks of the language `console`, so that none is overlooked, and few reasons excuse a block."""
    assert block.language in ("console", "python", "sql", "text", "yaml")
    if block.language == "console":
        assert block.text.startswith("$ ")
    else:
        assert not re.search(r"^(\$ |erfsweep |pip |dask )", block.text, re.MULTILINE) or page == "commands.md"
    assert block.skip in ("", *REASONS)
    assert {*block.first.split()} <= {*FILES}


@pytest.mark.parametrize("page", ["first.md", "models.md"])
def test_five_commands_lead_from_an_empty_directory_to_a_picture(page: str) -> None:
    of_page = [block for name, block in ALL if name == page and block.language == "console"]
    lines = [command.line for block in of_page for command in block.commands]
    (first, *_) = [number for number, line in enumerate(lines, 1) if line.startswith("erfsweep plot heatmap")]
    assert first <= 5
