"""What the system refuses is one sentence: folders without x, long names, and texts that are none."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import environment, erfsweep, good

LONG = "a" * 300
HALF = "\udcff"  # a byte that is not UTF-8, as Python reads it from a command line

_OF_A_SWEEP = ("status", "rm", "table", "work", "show", "measure")
SETPRIV = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


def commands(folder: str) -> list[tuple[str, ...]]:
    """Commands that use a file in a folder, whose store is `s.db` if they need another."""
    here, there = "sqlite:///s.db", f"sqlite:///{folder}/a.db"
    return [
        *((name, "--db", there) for name in ("status", "ls", "table", "work", "requeue", "growth")),
        ("run", "3x3", "--db", there),
        ("run", "3x3", "--dry-run", "--db", there),
        ("submit", "3x3", "--db", there),
        ("submit", f"{folder}/a.yaml"),
        ("rm", "s", "--yes", "--db", there),
        ("show", "s:0", "--db", there),
        ("measure", "s", "--db", there),
        ("export", "s", "--to", f"{folder}/out", "--db", here),
        ("export", "s", "--to", "out", "--db", there),
        ("db", "info", "--db", there),
        ("db", "upgrade", "--db", there),
        ("db", "prune", "--db", there),
        ("db", "backup", f"{folder}/b.db", "--db", here),
        ("db", "backup", "b.db", "--db", there),
        ("db", "restore", f"{folder}/b.db", "--db", here),
        ("db", "restore", "s.db", "--db", there),
        ("db", "copy", here, there),
        ("db", "copy", there, "sqlite:///new.db"),
        ("submit", "3x3", "-s", "init.kind=file", "-s", f"init.path={folder}/w.npz"),
        ("submit", "3x3", "-s", "probes.kind=file", "-s", f"probes.path={folder}/p.npy"),
        ("work", "--scheduler", f"{folder}/s.json", "--db", here),
    ]


@pytest.fixture
def _store() -> None:
    good("submit", "3x3", "--name", "s", "--db", "sqlite:///s.db")


def is_sentence(code: int, said: str) -> bool:
    return code in (2, 3) and said.startswith("erfsweep: ") and said.count("\n") == 1 and "internal" not in said


@pytest.mark.usefixtures("_store")
@pytest.mark.parametrize("words", commands(LONG), ids=" ".join)
def test_a_part_of_a_path_that_is_too_long_is_a_sentence(words: tuple[str, ...]) -> None:
    ended = erfsweep(*words)
    assert is_sentence(ended.code, ended.err), (ended.code, ended.err)


@pytest.fixture
def closed(_store: None) -> Iterator[Path]:
    """A folder that its owner may not enter."""
    folder = Path("closed")
    folder.mkdir()
    for name in ("a.db", "b.db"):
        shutil.copyfile("s.db", folder / name)
    folder.chmod(0o600)
    yield folder
    folder.chmod(0o700)


@pytest.mark.usefixtures("closed")
def test_a_folder_that_cannot_be_entered_is_a_sentence() -> None:
    """In one process for all commands, which may not enter it, whoever the user is."""
    program = "import json, sys; from tests.cli.command import erfsweep\n"
    program += "ended = [erfsweep(*words) for words in json.load(sys.stdin)]\n"
    program += "print(json.dumps([(each.code, each.err) for each in ended]))"
    able = [*SETPRIV, sys.executable, "-c", program]
    if shutil.which("setpriv") is None or subprocess.run([*SETPRIV, "true"], capture_output=True).returncode:
        pytest.skip("this system lets no user give up what root may do")
    ran = subprocess.run(able, input=json.dumps(commands("closed")), capture_output=True, text=True, env=environment())
    assert ran.returncode == 0, ran.stderr
    for words, (code, said) in zip(commands("closed"), json.loads(ran.stdout), strict=True):
        assert is_sentence(code, said), (words, code, said)


@pytest.mark.usefixtures("_store")
@pytest.mark.parametrize(
    "words",
    [
        *(
            (name, f"s{HALF}", "--db", "sqlite:///s.db")
            for name in ("status", "rm", "table", "work", "show", "measure")
        ),
        ("submit", f"3x3{HALF}"),
        ("submit", "3x3", "--name", f"s{HALF}"),
        ("submit", "3x3", "-s", f"kernel={HALF}"),
        ("table", "--where", f"label == '{HALF}'", "--db", "sqlite:///s.db"),
        ("table", "--columns", HALF, "--db", "sqlite:///s.db"),
        ("export", f"s{HALF}", "--to", "out", "--db", "sqlite:///s.db"),
    ],
    ids=ascii,
)
def test_words_that_are_not_utf_8_are_a_sentence(words: tuple[str, ...]) -> None:
    ended = erfsweep(*words)
    assert is_sentence(ended.code, ended.err), (ended.code, ended.err)


def test_a_store_may_have_a_name_that_is_not_utf_8() -> None:
    assert good("submit", "3x3", "--name", "s", "--db", f"sqlite:///{HALF}.db").code == 0
    assert good("ls", "-f", "json", "--db", f"sqlite:///{HALF}.db").json[0]["configs"] == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "x\\ud800", "stems": ["3x3"]}',
        '{"description": "x\\ud800", "stems": ["3x3"]}',
        '{"stems": ["3x3"], "grid": {"seed": ["\\ud800"]}}',
        '{"stems": ["3x3\\udc80"]}',
        '{"stems": [{"stem": "3x3", "label": "\\ud800"}]}',
        '{"stems": ["3x3"], "init": {"kind": "file", "path": "a\\ud800"}}',
        '{"stems": ["3x3"], "a\\udc80": 1}',
    ],
)
@pytest.mark.parametrize("command", [("submit",), ("run", "--dry-run")], ids=" ".join)
def test_half_a_surrogate_pair_in_a_sweep_file_is_a_sentence(text: str, command: tuple[str, ...]) -> None:
    for name in ("x.json", "x.yaml"):
        Path(name).write_text(text)
        ended = erfsweep(*command, name)
        assert is_sentence(ended.code, ended.err), (ended.code, ended.err)


@pytest.mark.parametrize("command", ["submit", "run", "status"])
def test_a_store_with_an_empty_name_is_refused(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERFSWEEP_DB", "sqlite:///")
    ended = erfsweep(command, *(("3x3",) if command != "status" else ()))
    assert (ended.code, ended.out) == (2, "")
    assert "'sqlite:///' names no file" in ended.err
