"""Completion: what a shell asks through the environment is answered in its own protocol, quickly and quietly."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cli.app import app
from tests.cli.command import ROOT, Ended, finished, good, spawn

ROOT_COMMAND = typer.main.get_command(app)
FORMATS = ["table", "plain", "csv", "tsv", "json", "jsonl", "markdown", "latex", "html", "classic"]
ENGINES = ["auto", "sync", "threads", "processes", "cluster"]
SCRIPT = "from cli.main import main; main()"
LARGE = {"alembic", "dask", "numpy", "pydantic", "sqlalchemy"}


def asked(*arguments: str, **variables: str) -> Ended:
    """The command as a shell calls it to complete a line, without the environment of these tests."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(Path.cwd()), **variables}
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=60
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def by_bash(*words: str) -> list[str]:
    """What is offered for the last of these words, as bash hands them over."""
    line = "\n".join(("erfsweep", *words))
    found = asked(_ERFSWEEP_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words)))
    assert (found.code, found.err) == (0, "")
    return [line for line in found.out.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("",), [*ROOT_COMMAND.commands]),
        (("s",), ["submit", "status", "show", "schema"]),
        (("ru",), ["run"]),
        (("db", ""), [*ROOT_COMMAND.commands["db"].commands]),
        (("db", "b"), ["backup"]),
        (("--d",), ["--db", "--debug"]),
        (("table", "--fo"), ["--format"]),
        (("table", "--format", ""), FORMATS),
        (("table", "-f", "c"), ["csv", "classic"]),
        (("table", "--format", "="), FORMATS),  # bash breaks `--format=` and `--format=c` at the sign
        (("table", "--format", "=", "c"), ["csv", "classic"]),
        (("run", "luo2016", "--engine", ""), ENGINES),
        (("--db", "sqlite:///x.db", "run", "--engine", "p"), ["processes"]),
        (("schema", ""), ["config", "sweep"]),
        (("show", "'unfinished", ""), []),
        (("table", "-c", "sigma"), ["sigma_x", "sigma_y"]),
        (("table", "-c", "id,siz"), ["id,size_seconds", "id,sizes"]),
        (("table", "-c", "macs,ma"), ["macs,mark"]),
        (("table", "--sort", "id,-luo"), ["id,-luo", "id,-luo_ratio"]),
        (("table", "--sort", "id,luo_"), ["id,luo_ratio"]),
        (("table", "--over", "probes_"), ["probes_count", "probes_seed"]),
        (("growth", "--size", "fw"), ["fwhm_x", "fwhm_y"]),
        (("table", "--where", "sigma"), ["sigma_x", "sigma_y"]),
        (("table", "--where", "'kernel == 3 and not (sigma"), [f"kernel == 3 and not (sigma_{each}" for each in "xy"]),
        (("table", "--where", "\"state == 'do"), []),
        (("table", "--where", "'kernel == 3"), []),
        (("run", "x", "-s", "dtype", "="), ["float32", "float64"]),  # bash replaces what stands after the sign only
        (("run", "x", "-s", "dtype", "=", "float6"), ["float64"]),
        (("run", "x", "-s", "dtype=float64", "-s", "readout.gradient", "=", "abs,s"), ["abs,square"]),
        (("run", "x", "--set", "=", "init", "=", "orth"), ["orthogonal"]),
        (("run", "x", "-s", "kernel", "="), []),
        (("run", "x", "-s", "kernel,dep"), ["kernel,depth="]),  # axes that run in step
        (("run", "x", "-s", "kernel,depth,k"), []),
        (("run", "x", "-s", "kernel,hel"), []),
        (("run", "x", "-s", "kernel,dtype", "="), []),
        (("run", "x", "-s", "kernel,dtype", "=", "3", ":"), ["float32", "float64"]),
        (("run", "x", "-s", "dtype,readout.gradient", "="), ["float32:", "float64:"]),
        (("run", "x", "-s", "dtype,readout.gradient", "=", "float32", ":", "abs,float32", ":", "s"), ["square"]),
        (("run", "x", "-s", "dtype,kernel", "=", "float32", ":", "3", ":"), []),
        (("run", "x", "-s", "sed", "="), []),
        (("compare", "x", "--by", "activ"), ["activation"]),
        (("compare", "x", "--by", "ste"), ["stem"]),
        (("compare", "x", "--by", "dtype", "=", "float32,"), ["float32,float64"]),
        (("plot", "compare", "x", "--by", "probes_"), ["probes_count", "probes_seed"]),
    ],
    ids=" ".join,
)
def test_bash_is_offered_commands_options_and_choices(words: tuple[str, ...], offered: list[str]) -> None:
    assert sorted(by_bash(*words)) == sorted(offered)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("table", ""), ["luo2016", "second"]),
        (("table", "se"), ["second"]),
        (("rm", "lu"), ["luo2016"]),
        (("rename", "s"), ["second"]),
        (("run", "lu"), ["luo2016", "luo2016-growth"]),
        (("run", ""), ["luo2016", "luo2016-growth", "window31", "second", "mine.yaml"]),
        (("submit", "mi"), ["mine.yaml"]),
        (("presets", ""), ["luo2016", "luo2016-growth", "window31"]),
        (("show", "sec"), ["second:0"]),
        (("show", "luo2016", ":"), ["0", "1", "2", "3", "4"]),  # bash breaks words at the colon, too
        (("show", "luo2016", ":", "3"), ["3"]),
        (("compare", "luo2016", ":", "0", "luo2016", ":", "4"), ["4"]),
        (("show", "none", ":"), []),
        (("--db", "sqlite", ":", "///none.db", "table", ""), []),
        (("--db", "sqlite", ":", "///erfsweep.db", "table", "se"), ["second"]),
        (("compare", "luo2016:0", "sec"), ["second", "second:0"]),
        (("--db", "sqlite:///none.db", "table", ""), []),
        (("table", "--db", "sqlite:///none.db", ""), []),
        (("--db", "sqlite:///broken.db", "table", ""), []),
        (("--db", "postgresql://me@127.0.0.1:1/x", "table", ""), []),
        (("run", "x", "-s", "init.s"), ["init.seed=", "init.sha256="]),
        (("run", "luo2016", "-s", "probes.k"), ["probes.kind="]),
        (("run", "x", "-s", "he"), ["help"]),
    ],
    ids=" ".join,
)
def test_bash_is_offered_what_the_store_calls_its_own(words: tuple[str, ...], offered: list[str]) -> None:
    good("submit", "luo2016")
    good("submit", "3x3", "--name", "second")
    Path("mine.yaml").write_text("stems: [3x3]\n")
    Path("broken.db").write_text("no database")
    before = sorted(path.name for path in Path().iterdir())
    assert by_bash(*words) == offered
    assert sorted(path.name for path in Path().iterdir()) == before  # a look makes no file


def test_an_id_is_completed_from_its_beginning() -> None:
    good("submit", "luo2016")
    ids = sorted(row["id"] for row in good("table", "-c", "id", "-f", "csv").rows)
    assert by_bash("show", "g") == ids
    assert ids[0] in by_bash("show", ids[0][:4])
    assert by_bash("show", "gz") == []


@pytest.mark.parametrize("name", ["run", "table", "show", "theory", "status"])
def test_every_option_of_a_command_is_offered(name: str) -> None:
    options = {each for param in ROOT_COMMAND.commands[name].params for each in param.opts if each.startswith("--")}
    assert set(by_bash(name, "--")) >= options


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("erfsweep ta", {"table"}),
        ("erfsweep table --format=c", {"csv", "classic"}),
        ("erfsweep run x -s readout.gradient=r", {"relu"}),
    ],
)
def test_a_real_bash_completes_with_the_script_that_it_is_shown(line: str, offered: set[str]) -> None:
    Path("bin").mkdir()
    program = Path("bin/erfsweep")
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n{SCRIPT}\n")
    program.chmod(0o755)
    Path("completion.sh").write_text(asked(_ERFSWEEP_COMPLETE="source_bash").out)
    # What a Tab does, step by step: the words as bash breaks them, then the function that `complete` names.
    typed = line.replace("=", " = ").split()
    ask = f"""
        . ./completion.sh
        COMP_WORDS=({" ".join(f"'{word}'" for word in typed)}); COMP_CWORD={len(typed) - 1}
        $(complete -p erfsweep | sed 's/.*-F \\([^ ]*\\) .*/\\1/') erfsweep
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {"PATH": f"{Path('bin').absolute()}:{os.environ['PATH']}"}
    ended = subprocess.run(
        ["bash", "--norc", "-c", ask], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert (set(ended.stdout.split()), ended.stderr) == (offered, "")


def test_zsh_and_fish_are_answered_in_their_own_ways() -> None:
    zsh = asked(_ERFSWEEP_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="erfsweep table -f c")
    assert (zsh.code, zsh.err) == (0, "")
    assert '"csv"' in zsh.out
    fish = {"_ERFSWEEP_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": "erfsweep ta"}
    found = asked(**fish, _TYPER_COMPLETE_FISH_ACTION="get-args")
    assert (found.code, found.err, found.out.split("\t")[0]) == (0, "", "table")
    assert asked(**fish, _TYPER_COMPLETE_FISH_ACTION="is-args").code == 0
    nothing = {**fish, "_TYPER_COMPLETE_ARGS": "erfsweep show luo2016:1 x"}
    assert asked(**nothing, _TYPER_COMPLETE_FISH_ACTION="is-args")[0::2] == (1, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_shown_for_each_shell(shell: str) -> None:
    ended = asked(_ERFSWEEP_COMPLETE=f"source_{shell}")
    assert (ended.code, ended.err) == (0, "")
    assert f"complete_{shell}" in ended.out
    assert "erfsweep" in ended.out
    if shutil.which(shell):
        subprocess.run([shell, "-n", "-c", ended.out], check=True, capture_output=True, timeout=60)


def test_the_options_of_completion_end_well_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(Path.cwd()))
    line = f"'{sys.executable}' -c '{SCRIPT}'"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for option in ("--show-completion", "--install-completion"):
        ended = subprocess.run(  # `; :` keeps the shell there, which is found by looking at one's parents
            ["bash", "-c", f"{line} {option}; exit $?"], env=environment, capture_output=True, text=True, timeout=60
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "_ERFSWEEP_COMPLETE" in ended.stdout or "installed" in ended.stdout
    assert "_ERFSWEEP_COMPLETE" in Path(".bash_completions/erfsweep.sh").read_text()
    Path(".bashrc").unlink()
    Path(".bashrc").mkdir()
    ended = subprocess.run(
        ["bash", "-c", f"{line} --install-completion; exit $?"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert ".bashrc': Is a directory" in ended.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ru",), "run"),
        (("table", "sec"), "second"),
        (("show", "second:"), "second:0"),
        (("table", "-c", "eff_r"), "eff_rf"),
        (("table", "--where", "eff_r"), "eff_rf"),
        (("run", "x", "-s", "dtype=float3"), "dtype=float32"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_completing_loads_no_large_library(words: tuple[str, ...], offered: str) -> None:
    good("submit", "3x3", "--name", "second")
    watched = f"import atexit, sys; atexit.register(lambda: print({LARGE} & set(sys.modules)))"
    line = " ".join(("erfsweep", *words))
    found = subprocess.run(
        [sys.executable, "-c", f"{watched}; {SCRIPT}"],
        env={**os.environ, "_ERFSWEEP_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": line, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    *offers, loaded = found.stdout.splitlines()
    assert offered in " ".join(offers).replace("\\", "")  # zsh wants colons escaped
    assert loaded == "set()"


def test_an_exit_code_of_the_parser_is_that_of_the_command() -> None:
    assert finished(spawn("--version")).code == 0
    assert asked(_ERFSWEEP_COMPLETE="source_tcsh").code == 1
