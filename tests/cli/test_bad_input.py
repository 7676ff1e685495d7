"""Wrong input: one sentence on stderr that names the offending value, the exit code, and nothing half-written."""

from pathlib import Path

import pytest

from store.database.opening import open_store
from tests.cli.command import erfsweep, finished, good, spawn

WRONG = [
    (("run", "nope"), "'nope'"),
    (("run", ""), "empty"),
    (("run", "0x3x3"), "0"),
    (("run", "3x0"), "not 0"),
    (("run", "-1x3x3"), "-1"),
    (("run", "3x3/0"), "0"),
    (("run", "99999999999999999999x3x3"), "99999"),
    (("run", "10001x3x3"), "10000"),
    (("run", "res(" * 60), "50"),
    (("run", "3x3 $(reboot)"), "'$'"),
    (("run", "3X3"), "write 3x3"),
    (("run", "Gap"), "write gap"),
    (("run", "ReLU"), "write relu"),
    (("run", "MAX3x3"), "write max3x3"),
    (("run", "3x3=linear~circular"), "write 3x3~circular=linear"),
    (("run", "missing.stem"), "'missing.stem'"),
    (("run", "empty.stem"), "'empty.stem'"),
    (("theory", "empty.stem"), "'empty.stem'"),
    (("run", "wrong.stem"), "'$'"),
    (("theory", "binary.stem"), "'binary.stem'"),
    (("run", "binary.stem"), "'binary.stem'"),
    (("run", "3x3", "-s", "input=3x224x224"), "224x224x3"),
    (("theory", "3x3", "--input", "1x28x28"), "28x28x1"),
    (("run", "res(3x3/2 up3)"), "input="),
    (("run", "\x1b[31m3x3"), "\\x1b"),
    (("run", "[red]3x3[/red]"), "'['"),
    (("run", "3x3p0", "-s", "input=2"), "2"),
    (("run", "missing.yaml"), "'missing.yaml'"),
    (("run", "directory.yaml"), "'directory.yaml'"),
    (("run", "list.yaml"), "'list.yaml'"),
    (("run", "alias.yaml"), "alias"),
    (("run", "huge.yaml"), "'huge.yaml'"),
    (("run", "binary.yaml"), "'binary.yaml'"),
    (("run", "field.yaml"), "'nonsense'"),
    (("run", "formula.yaml"), "'=1+1'"),
    (("run", "empty.yaml"), "'empty.yaml'"),
    (("run", "text.txt"), "'.txt'"),
    (("run", "depth.yaml"), "-3"),
    (("run", "nowhere.yaml"), "/nowhere.npy'"),
    (("run", "3x3", "-s", "nonsense=1"), "'nonsense'"),
    (("run", "3x3", "-s", "seed"), "'seed'"),
    (("run", "3x3", "-s", "seed=1,1"), "'1'"),
    (("run", "3x3", "-s", "seed=range(0,0)"), "'range(0,0)'"),
    (("run", "3x3", "-s", "seed=range(0,9999999)"), "9999999"),
    (("run", "3x3", "-s", "seed=123456789012345678901234567890"), "123456789"),
    (("run", "3x3", "-s", "init.kind=magic"), "'magic'"),
    (("run", "3x3", "-s", "readout.channel=9"), "9"),
    (("run", "3x3", "--name", "a b"), "'a b'"),
    (("run", "3x3", "--name", "a" * 65), "aaa"),
    (("run", "3x3", "--append", "--replace"), "--replace"),
    (("run", "3x3", "--workers", "0"), "'0'"),
    (("run", "3x3", "--workers", "two"), "'two'"),
    (("run", "3x3", "--timeout", "-1"), "'-1'"),
    (("run", "3x3", "--timeout", "nan"), "'nan'"),
    (("run", "3x3", "--memory", "much"), "'much'"),
    (("run", "3x3", "--engine", "steam"), "'steam'"),
    (("run", "3x3", "--engine", "sync", "--dashboard"), "--engine sync"),
    (("run", "3x3", "--scheduler", "tcp://127.0.0.1:8786", "--dashboard"), "--scheduler"),
    (("run", "3x3", "--max-configs", "0"), "'0'"),
    (("run", "a", "b"), "b"),
    (("run", "--nonsense"), "--nonsense"),
    (("nonsense",), "'nonsense'"),
    (("db",), "command"),
    (("--db", "", "run"), "empty"),
    (("run", "--db="), "--db="),
    (("run", "--db", "nonsense"), "'nonsense'"),
    (("run", "--db", "oracle://me:secret@host/x"), "'oracle'"),
    (("run", "--db", "sqlite://host/file.db"), "'sqlite://host/file.db'"),
    (("theory", "4x3x3", "--input", "0"), "'0'"),
    (("theory", "4x3x3", "--input", "1x2x3x4"), "'1x2x3x4'"),
    (("theory", "missing.stem"), "'missing.stem'"),
    (("presets", "nonsense"), "'nonsense'"),
    (("schema", "nonsense"), "'nonsense'"),
    (("measure",), "--again"),
]
OF_STORE = [
    (("table", "nope"), "'nope'"),
    (("table", "--limit", "0"), "'0'"),
    (("table", "--limit", "99999999999999999999"), "'99999999999999999999'"),
    (("table", "--columns", "nonsense"), "'nonsense'"),
    (("table", "--columns", "eff_rff"), "eff_rf"),
    (("table", "--columns", ","), "','"),
    (("table", "--columns", "id,id"), "'id'"),
    (("table", "--sort", "nonsense"), "'nonsense'"),
    (("table", "--where", "nonsense == 1"), "'nonsense'"),
    (("table", "--where", "kernel ="), "kernel ="),
    (("table", "--where", "__import__('os').system('x')"), "__import__"),
    (("table", "--where", "kernel == " + "1" * 30), "1111"),
    (("table", "--where", "kernel == 1 or " * 300 + "True"), "2000"),
    (("table", "--mass", "0"), "0.0"),
    (("table", "--mass", "nan"), "nan"),
    (("table", "--mass", "1.5"), "1.5"),
    (("table", "--mass", "half"), "'half'"),
    (("table", "--center", "left"), "'left'"),
    (("table", "--format", "docx"), "'docx'"),
    (("table", "--over", "nonsense"), "'nonsense'"),
    (("table", "--map", "mean"), "--over"),
    (("table", "--over", "seed", "--format", "classic"), "classic"),
    (("table", "--over", "seed", "--columns", "state,error,digest,nope"), "'nope'"),
    (("show", "luo2016:99"), "99"),
    (("show", "luo2016:"), "'luo2016:'"),
    (("show", "zz"), "'zz'"),
    (("show", "0" * 40), "0000"),
    (("export", "nope", "--to", "out"), "'nope'"),
    (("export", "luo2016"), "--to"),
    (("growth", "--size", "nonsense"), "'nonsense'"),
    (("growth", "luo2016", "--where", "kernel == 9"), "depth"),
    (("status", "nope"), "'nope'"),
    (("requeue", "nope"), "'nope'"),
    (("rm", "nope", "--yes"), "'nope'"),
    (("rm", "luo2016"), "--yes"),
    (("work", "nope"), "'nope'"),
    (("db", "backup", "missing/copy.db"), "'missing'"),
    (("db", "backup", "directory.yaml"), "'directory.yaml'"),
]


@pytest.fixture
def _odd_files() -> None:
    Path("directory.yaml").mkdir()
    Path("list.yaml").write_text("[1, 2]")
    Path("alias.yaml").write_text("stems: &a [3x3]\nname: *a\n")
    Path("huge.yaml").write_bytes(b"#" * 1_000_001)
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00")
    Path("binary.stem").write_bytes(b"\xff\xfe\x00")
    Path("empty.stem").write_text("# nothing\n\n")
    Path("wrong.stem").write_text("3x3 # good\n$\n")
    Path("field.yaml").write_text("stems: [3x3]\nnonsense: 1\n")
    Path("formula.yaml").write_text("stems: [3x3]\ndescription: =1+1\n")
    Path("empty.yaml").write_text("")
    Path("text.txt").write_text("stems: [3x3]\n")
    Path("depth.yaml").write_text("grid: {kernel: 3, depth: -3}\n")
    Path("nowhere.yaml").write_text("stems: [3x3]\nprobes: {kind: file, path: nowhere.npy}\n")


def assert_one_sentence(err: str, names: str) -> None:
    assert err.startswith("erfsweep: ")
    assert err.count("\n") == 1
    assert err.rstrip("\n").isprintable()
    assert names in err
    assert "internal error" not in err
    assert "secret" not in err


@pytest.mark.usefixtures("_odd_files")
@pytest.mark.parametrize(("arguments", "names"), WRONG, ids=lambda value: " ".join(value)[:50])
def test_wrong_input_is_named_and_leaves_nothing_behind(arguments: tuple[str, ...], names: str) -> None:
    before = sorted(Path().iterdir())
    ended = erfsweep(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert_one_sentence(ended.err, names)
    assert sorted(Path().iterdir()) == before


@pytest.mark.usefixtures("_odd_files")
@pytest.mark.parametrize(("arguments", "names"), OF_STORE, ids=lambda value: " ".join(value)[:50])
def test_wrong_questions_to_a_store_are_named(arguments: tuple[str, ...], names: str, luo2016: str) -> None:
    before = sorted(Path().iterdir())
    ended = erfsweep(*arguments, "--db", luo2016)
    assert (ended.code, ended.out) == (2, "")
    assert_one_sentence(ended.err, names)
    assert sorted(Path().iterdir()) == before


def test_a_database_that_cannot_be_used_ends_with_3() -> None:
    Path("text.db").write_text("this is a text, and not a short one\n" * 10)
    Path("directory.db").mkdir()
    for name, said in (("text", "'text.db'"), ("directory", "'directory.db'"), ("missing/x", "'missing'")):
        ended = erfsweep("run", "3x3", "--db", f"sqlite:///{name}.db")
        assert ended.code == 3
        assert_one_sentence(ended.err, said)
    assert Path("text.db").read_text().startswith("this is a text")
    for command in (("table",), ("ls",), ("status",), ("work",), ("db", "info"), ("show", "a")):
        ended = erfsweep(*command, "--db", "sqlite:///none.db")
        assert ended.code == 3
        assert_one_sentence(ended.err, "'none.db'")
        assert "erfsweep run" in ended.err
    assert not Path("none.db").exists()


def test_a_dry_run_tells_of_a_database_that_cannot_be_used() -> None:
    Path("text.db").write_text("this is a text, and not a short one\n" * 10)
    ended = erfsweep("run", "--dry-run", "--db", "sqlite:///text.db")
    assert ended.code == 3
    assert_one_sentence(ended.err, "'text.db'")


def test_passwords_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(open_store.__kwdefaults__, "patience", 0.0)
    ended = erfsweep("ls", "--db", "postgresql://me:secret@127.0.0.1:1/x")
    assert ended.code == 3
    assert_one_sentence(ended.err, "me:***@")


def test_debug_shows_where_wherever_it_stands() -> None:
    for arguments in (("--debug", "run", "nope"), ("run", "nope", "--debug")):
        ended = erfsweep(*arguments)
        assert ended.code == 2
        assert "Traceback" in ended.err
        assert ended.err.splitlines()[-1].startswith("erfsweep: no file, preset, stored sweep or stem")


def test_without_arguments_the_help_is_shown() -> None:
    assert good().out == good("--help").out
    assert "Usage: erfsweep" in good().out


def test_a_reader_that_leaves_early_is_no_error(luo2016: str) -> None:
    for arguments in (("fields",), ("theory", "3000x3x3"), ("run", "--help"), ("table", "--db", luo2016)):
        process = spawn(*arguments)
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        ended = finished(process)
        assert ended.code == 0
        assert "Traceback" not in ended.err
        assert "Exception" not in ended.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_under_stdout_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        ended = finished(spawn("fields", stdout=full))
    assert ended.code == 2
    assert_one_sentence(ended.err, "No space left")


def test_closed_streams_do_not_matter() -> None:
    process = spawn("run", "3x3", stdout=None, stderr=None, preexec_fn=_close_streams)
    assert finished(process).code == 0
    assert len(good("table", "-f", "json").json) == 1


def _close_streams() -> None:
    import os

    os.close(1)
    os.close(2)
