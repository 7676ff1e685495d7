"""What the command says of wrong input: the value, and the way out. Each sentence is the contract of its kind."""

import random
import re
from pathlib import Path

import pytest

from pipeline.sweep.grid import PATHS, STACK_AXES
from tests.cli.command import erfsweep, good

KINDS = (
    "lecun_uniform, lecun_normal, he_uniform, he_normal, glorot_uniform, glorot_normal, normal, orthogonal, "
    "uniform_kernel, neural_api or file"
)
SETTINGS = {
    "init.kind=kaiming": f"init.kind must be {KINDS}, not 'kaiming'; did you mean he_uniform or he_normal?",
    "init.kind=kaiming_normal": f"init.kind must be {KINDS}, not 'kaiming_normal'; did you mean he_normal?",
    "init.kind=xavier_uniform": f"init.kind must be {KINDS}, not 'xavier_uniform'; did you mean glorot_uniform?",
    "init.kind=he": f"init.kind must be {KINDS}, not 'he'",
    "dtype=float16": "dtype must be float32 or float64, not 'float16'; did you mean float64 or float32?",
    "dtype=double": "dtype must be float32 or float64, not 'double'",
    "readout.channel=max": "readout.channel must be an integer from 0 to 1000000, sum, mean or relu_sum, not 'max'",
    "readout.channel=-1": "readout.channel must be an integer from 0 to 1000000, sum, mean or relu_sum, not '-1'",
    "readout.gradient=absolute": "readout.gradient must be abs, square or relu, not 'absolute'; did you mean abs?",
    "readout.position=[1]": "readout.position must be center or a list of 2 integers, not '[1]'",
    "readout.position=top": "readout.position must be center or a list of 2 integers, not 'top'",
    "probes.kind=gauss": "probes.kind must be uniform, normal, constant, neural_api, file or images, not 'gauss'",
    "probes.count=0": "probes.count must be an integer from 1 to 1000000, not '0'",
    "seed=-1": "init.seed must be an integer from 0 to 4294967295, not '-1'",
    "seed=1.5": "init.seed must be an integer from 0 to 4294967295, not '1.5'",
    "seed=true": "init.seed must be an integer from 0 to 4294967295, not 'true'",
    "seed=null": "init.seed must be an integer from 0 to 4294967295, not 'null'",
    "init.sha256=abc": "init.sha256 must be 64 hexadecimal digits, not 'abc'",
    "input.height=x": "height must be an integer from 1 to 1000000, not 'x'",
    "input=[1,2]": "an input plane is written 21, 224x320, 224x224x3 or as a mapping, not '[1, 2]'",
    "input=28,28,1": "axis input lists '28' twice; drop one, or write one plane as 224x224x3",
    "readout.position=9,9": "axis readout.position lists '9' twice; drop one, or write one position as [50, 50]",
    "init=he": "init.kind must be lecun_uniform,",
    "probes=16": "probes.kind must be uniform, normal, constant, neural_api, file or images, not '16'",
    "input_height=9": "there is no axis 'input_height'; did you mean input.height",
    "stem=5x5": "'stem' is not an axis; name several stems with commas between them, as in '4x3x3, 5x5'",
    "init.sead=1": "there is no axis 'init.sead'; did you mean init.seed or",
    "kernel=5,7": "kernel describes a plain stack and would not change the stem '3x3', which is written out; write the "
    "kernel in the stem, or name several stems, as in '4x3x3, 4x5x5'",
    "depth=2": "depth describes a plain stack and would not change the stem '3x3'",
    "features=8": "features describes a plain stack and would not change the stem '3x3'",
    "activation=gelu": "activation describes a plain stack and would not change the stem '3x3'",
}
FILES = {
    "name: 1\nstems: [3x3]": "a sweep's name is text, and '1' is not; put it in quotes, as in name: '1'",
    "name: true\nstems: [3x3]": "a sweep's name is text, and 'true' is not; put it in quotes, as in name: 'true'",
    "name: 2016.6\nstems: [3x3]": "put it in quotes, as in name: '2016.6'",
    "name: a b\nstems: [3x3]": "'a b' is not a valid name for a sweep: use 1 to 64 letters, digits, '_', '.' or '-'",
    "stems: [3x3, {stem: 3x3, sed: 1}]": "stems[1] has no field 'sed'; did you mean seed or stem?",
    "stems: [3x3, {stem: 3x3, init: {kind: kaiming}}]": "stems[1]: init.kind must be lecun_uniform,",
    "stems: [5x5, {stem: [{layer: conv, kernl: 3}]}]": "stems[1]: layer 0 of the stem: it has no field 'kernl'; did "
    "you mean kernel? (it has kernel, features, stride, dilation, padding, groups, padding_mode, activation and "
    "mark)",
    "stems: [5x5, {stem: [3x3, {layer: convx, kernel: 3}]}]": "stems[1]: layer 1 of the stem: layer must be conv, "
    "depthwise, transposed, max, avg, up, bilinear, adaptive, gap, pad,",
    "stems: [{stem: [{layer: conv, kernel: 3, activation: swish}]}]": "layer 0 of the stem: activation must be an "
    "activation, such as relu or leaky_relu(0.1), not 'swish'; did you mean hardswish or mish?",
    "stems: [{stem: [{layer: conv}]}]": "layer 0 of the stem: it lacks the field kernel",
    "stems: 3x3": "stems is a list, not '3x3'; write stems: [3x3]",
    "stems: [3x3]\ninit: he_normal": "init must be a mapping, as in init: {kind: he_normal}, not 'he_normal'",
    "stems: [3x3]\nprobes: 5": "probes must be a mapping, as in probes: {count: 64}, not '5'",
    "stems: [3x3]\ninit: {knd: he_normal}": "a sweep has no field 'init.knd'; did you mean init.kind or",
    "name: [a, b]\nstems: [3x3]": "\"['a', 'b']\" is not; write one text, as in name: growth",
    "kernel: 3\ndepth: 2": "a sweep has no field 'kernel'; it is an axis, write it under `grid:`",
    "grid: {kernel: 3}\ndepth: 2": "a sweep has no field 'depth'; it is an axis, write it under `grid:`",
    "stems: [3x3]\nseed: 2": "a sweep has no field 'seed'; it is an axis, write it under `grid:`",
    "stems: [3x3]\ngrid: {seed: range(0, 20)}": "axis seed: 'range(0' is a range that YAML cut at its comma, as it "
    "does between braces and brackets; put it in quotes and outside brackets, as in seed: 'range(1, 41)'",
    "grid: {kernel: 3, depth: range(1,41), features: 8}": "axis depth: 'range(1' is a range that YAML cut at its comma",
    "stems: [3x3]\ngrid:\n  seed: [range(0, 20)]": "axis seed: 'range(0' is a range that YAML cut at its comma",
    "grid: {kernel: 3,5}": "YAML takes '5' for a field, as it stands after a comma between braces; put ",
    "stem: 3x3\nreadout: {position: 3,4}": "YAML takes '4' for a field, as it stands after a comma between braces",
    "stems: [{stem: 3x3, readout.position: 3,4}]": "YAML takes '4' for a field, as it stands after a comma",
    "grid:\n  kernel: 3,5": "axis kernel: '3,5' is text; put a list in brackets, as in kernel: [3,5]",
    "stems: [3x3]\ngrid:\n  seed: 1, 2, 3": "'1, 2, 3' is text; put a list in brackets, as in seed: [1, 2, 3]",
    "grid: {kernel: {a: 1}}": "axis kernel takes no mapping, \"{'a': 1}\"; list its values, as in kernel: [3, 5]",
    "grid: {kernel: 3, init.kind: [{a: 1}]}": "axis init.kind takes no mapping",
    "grid: {kernel: '3'}": "kernel must be an integer or a list of 2 integers, not the text '3'; leave its quotes out",
    "stem: 3x3\ninit: {seed: '3'}": "init.seed must be an integer from 0 to 4294967295, not the text '3'; leave",
    "stems: [3x3]\ngrid:\n  input: [224, 224, 3]": "axis input lists '224' twice; drop one, or write one plane as "
    "224x224x3",
    "stem: 3x3\nnamee: 3": "a sweep has no field 'namee'; did you mean name?",
    "grid: {depth: [1, 2]}": "the grid has depth but no kernel, so it describes no stack; add a `kernel` axis",
    "stems: [3x3]\ngrid: {features: [1, 2], seed: 3}": "the grid has features but no kernel, so it describes no stack; "
    "add a `kernel` axis, or write the features in the stems, which do not follow it",
    "grid: {kernel: 3, stride: a}": "plain stack: stride must be an integer or a list of 2 integers, not 'a'",
    "grid: {kernel: 3, activation: swish}": "plain stack: activation must be an activation, such as relu",
}
NAMES = {
    "luo2017": "no file, preset, stored sweep or stem is called 'luo2017'; did you mean luo2016 or luo2016-growth?",
    "grwth": "no file, preset, stored sweep or stem is called 'grwth'; did you mean growth or",
    "gelo": "is called 'gelo'; did you mean gelu or",
    "3x3,": "'3x3,' lacks a stem beside a comma; write '4x3x3, 5x5'",
    "3x3,,5x5": "lacks a stem beside a comma",
    "3x3,5y5": "stem '5y5': ",
}


def said(*arguments: str) -> str:
    """The sentence of a command that is refused, which leaves no store behind."""
    before = sorted(Path().iterdir())
    ended = erfsweep(*arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended
    assert sorted(Path().iterdir()) == before
    return ended.err.removeprefix("erfsweep: ")


@pytest.mark.parametrize(("setting", "expected"), SETTINGS.items(), ids=list(SETTINGS))
def test_settings(setting: str, expected: str) -> None:
    assert said("run", "3x3", "-s", setting).startswith(expected) or expected in said("run", "3x3", "-s", setting)


@pytest.mark.parametrize(("text", "expected"), FILES.items(), ids=list(FILES))
def test_sweep_files(text: str, expected: str) -> None:
    Path("some.yaml").write_text(text)
    assert expected in said("run", "some.yaml")
    assert expected in said("run", "some.yaml", "--dry-run")


@pytest.mark.parametrize(("text", "expected"), NAMES.items(), ids=list(NAMES))
def test_what_names_no_sweep(text: str, expected: str) -> None:
    good("submit", "3x3", "--name", "growth")
    assert expected in said("run", text)


@pytest.mark.parametrize(
    ("path", "expected"),
    {
        "grow.yaml": "there is no regular file 'grow.yaml'; did you mean growth.yaml?",
        "rows.yaml": "'rows.yaml' is a folder; name a file in it",
        "net.ONNX": "there is no regular file 'net.ONNX'; check the path",
        "nowhere/net.stem": "there is no regular file 'nowhere/net.stem'; check the path",
        "./3x3": "there is no regular file './3x3'; check the path",
        "~/3x3": "there is no regular file '~/3x3'; check the path",
        "models/net": "there is no regular file 'models/net'; check the path",
        "2024-11/net": "there is no regular file '2024-11/net'; check the path",
        "a/b.c/net": "there is no regular file 'a/b.c/net'; check the path",
        "rows.yaml/": "'rows.yaml/' is a folder; name a file in it",
        "3x3/relu": "stem '3x3/relu': ",
        "3X3/s2": "stem '3X3/s2': ",
        "relu/relu": "stem 'relu/relu': ",
        "a" * 300 + ".yaml": "aaa.yaml'; check the path",
    }.items(),
)
def test_a_path_at_which_there_is_no_file_is_not_taken_for_a_stem(path: str, expected: str) -> None:
    Path("growth.yaml").write_text("stems: [3x3]")
    Path("rows.yaml").mkdir()
    for command in ("run", "submit", "theory"):
        assert expected in said(command, path)


@pytest.mark.parametrize("name", ["5x5", "relu", "luo2016"])
def test_a_name_that_would_hide_a_stem_or_a_preset(name: str) -> None:
    Path(f"{name}.yaml").write_text("stems: [3x3]")
    Path("some.yaml").write_text(f"name: {name}\nstems: [3x3]")
    for words in (("3x3", "--name", name), (f"{name}.yaml",), ("some.yaml",), ("luo2016-growth", "--name", name)):
        assert f"the name '{name}' is a " in said("run", *words)
        assert "choose another with --name or `name:`" in said("submit", *words)


def test_a_file_whose_name_is_no_name() -> None:
    Path("my sweep.yaml").write_text("stems: [3x3]")
    assert "'my sweep' is not a valid name for a sweep" in said("run", "my sweep.yaml")
    assert "or give another with --name" in said("run", "my sweep.yaml")
    good("submit", "my sweep.yaml", "--name", "mine")


@pytest.mark.parametrize("command", ["work", "status", "table", "requeue", "export --to out", "growth"])
def test_what_is_not_stored_yet_is_to_be_submitted(command: str) -> None:
    good("submit", "5x5", "--name", "some")
    words = command.split()
    Path("a.yaml").touch()
    Path("a.stem").touch()
    for name, what in {
        "3x3": "a stem",
        "3x3, 5x5": "a list of stems",
        "luo2016": "a preset",
        "a.yaml": "a sweep file",
        "a.stem": "a sweep file",
    }.items():
        assert said(*words, name).startswith(
            f"'{name}' is {what}, not a sweep in the store; queue it first with `erfsweep submit`"
        )
    for name in ("b.yaml", "b.onnx", "models/net"):
        assert said(*words, name).startswith(
            f"there is no sweep '{name}' in the store, and there is no regular file '{name}'"
        )
    assert said(*words, "sone").startswith("there is no sweep 'sone' in the store; did you mean some? (`erfsweep ls`")


def test_several_arguments_are_told_how_several_stems_are_written() -> None:
    for command in ("run", "submit"):
        assert "several stems are one argument, with commas between them, as in '4x3x3, 5x5'" in said(
            command, "3x3", "5x5"
        )


ENGINES = {
    ("--engine", "sync"): "--workers 3 changes nothing with --engine sync; leave one of the two out",
    ("--scheduler", "tcp://127.0.0.1:8786"): "--workers 3 changes nothing with --scheduler; leave one of the two out",
}


@pytest.mark.parametrize("command", ["run", "work"])
@pytest.mark.parametrize("words", [("--tls-ca", "x"), ("--tls-cert", "x"), ("--tls-key", "x"), ("--insecure",)])
def test_options_of_a_connection_without_one(words: tuple[str, ...], command: str) -> None:
    written = f"{words[0]} 'x'" if len(words) == 2 else words[0]
    assert (
        said(command, *words) == f"{written} changes nothing without --scheduler; name the cluster, or leave it out\n"
    )


@pytest.mark.parametrize(("words", "expected"), ENGINES.items(), ids=" ".join)
def test_workers_that_nobody_would_start(words: tuple[str, ...], expected: str) -> None:
    assert expected in said("run", "3x3", "-w", "3", *words)


def test_the_store_needs_to_be_told_what_to_do() -> None:
    assert said("db").startswith("'erfsweep db' needs a command: info, upgrade, ")


OVER = {
    "seed,kernel": "--over takes one axis, not 'seed,kernel'; write --over seed, and the others stay columns",
    "luo": "'luo' is a size, not an axis of configs; --over takes the axis to average over, such as seed",
    "config": "'config' is a column, not an axis of configs",
    "readout": "'readout' has several fields, so it is not an axis; set one of readout.channel",
    "sead": "there is no axis 'sead'; did you mean seed?",
}


@pytest.mark.parametrize(("over", "expected"), OVER.items(), ids=list(OVER))
def test_what_is_averaged_over(over: str, expected: str, luo2016: str) -> None:
    assert expected in said("table", "luo2016", "--over", over, "--db", luo2016)


def test_a_timeout_names_its_seconds_and_has_no_traceback() -> None:
    assert erfsweep("run", "20x9x9:64", "--timeout", "0.01", "--name", "slow").code == 1
    shown = good("show", "slow:0").out
    assert "it was not done within the 0.01 s of --timeout, at layer 0 forward; " in shown
    assert "Traceback" not in shown
    failed = good("table", "slow", "-c", "error", "-f", "csv").rows[0]
    assert failed["error"].startswith("Timeout: it was not done within")


def test_a_config_too_large_is_told_in_units() -> None:
    assert erfsweep("run", "3000x3x3:512", "-s", "input=301", "--name", "large").code == 1
    (row,) = good("table", "large", "-c", "error", "-f", "csv").rows
    assert re.search(
        r"would take [\d.]+ [GT]B, more than the 1 GB of --memory; raise it or make the plane", row["error"]
    )


def test_a_backup_that_cannot_be_written_names_its_own_place() -> None:
    good("submit", "3x3")
    ended = erfsweep("db", "backup", "/proc/copy.db")
    assert ended.code == 3
    assert ended.err.startswith("erfsweep: cannot write '/proc/copy.db': ")
    assert ended.err.endswith("; name another folder\n")


RANDOM = random.Random(17)
AXES = [*PATHS, *STACK_AXES, "seed", "init", "probes", "stem", "label", "x"]
VALUES = [
    *("3", "0", "-1", "1.5", "1e3", "1e400", ".nan", "yes", "true", "null", "~", "''", "x", "[1,2]", "[[1]]", "{a: 1}"),
    *("he_normal", "kaiming", "float16", "center", "sum", "range(1,3)", "range(3,1)", "3x3", "3x224x224", "a.npy", "/"),
    *("=1", "010", "1_000", "9" * 25, "é", "'3x3, 5x5'", "[]", "{}", "!!int x", "&a 3", "*a", "? x"),
]
SETS = [[f"{RANDOM.choice(AXES)}={RANDOM.choice(VALUES)}" for _ in range(RANDOM.randrange(1, 4))] for _ in range(150)]


def test_whatever_is_set_runs_or_is_one_sentence() -> None:
    Path("a.npy").write_bytes(b"junk")
    for settings in SETS:
        words = [word for setting in settings for word in ("-s", setting)]
        ended = erfsweep("run", "3x3, 5x5", "--dry-run", *words)
        assert ended.code in (0, 2), settings
        assert ended.err.count("\n") == (ended.code == 2), (settings, ended.err)
        assert "internal error" not in ended.err, settings


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "mine"), "'mine' is a sweep; write mine:0 for its first config, or the characters of an id"),
        (
            ("table", "mine", "luo2016"),
            "rows of several sweeps are a condition: --where \"sweep in ('first', 'second')\"",
        ),
        (("table", "mine", "--sort", "seed,-"), "--sort 'seed,-' lacks a name; write --sort config,eff_rf"),
        (
            ("rename", "mine", "a b"),
            "'a b' is not a valid name for a sweep: use 1 to 64 letters, digits, '_', '.' or '-'\n",
        ),
        (
            ("run", "luo2106"),
            "no file, preset, stored sweep or stem is called 'luo2106'; did you mean luo2016 or luo2016-gr",
        ),
    ],
)
def test_what_is_asked_of_a_store_has_its_way_out(words: tuple[str, ...], said: str) -> None:
    good("submit", "3x3", "--name", "mine")
    good("submit", "luo2016")
    ended = erfsweep(*words)
    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1
