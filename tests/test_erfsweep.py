"""The door from Python: what it returns is what the command prints and the store keeps."""

import doctest
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

import erfsweep
from pipeline.theory import window_of
from tests.cli.command import ROOT, environment, good

URL = "sqlite:///erfsweep.db"


@pytest.fixture(autouse=True)
def _own_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ERFSWEEP_DB", raising=False)


@pytest.fixture
def store():
    with erfsweep.open_store(URL, create=True) as opened:
        yield opened


def run_examples(page, least=10):
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(blocks, {}, "python.md", "docs/python.md", 0)
    assert len(examples.examples) > least
    said = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=said.append)
    assert said == []


PAGE = (ROOT / "docs" / "python.md").read_text()


def test_every_example_of_the_page_runs_without_extras():
    before, _, section = PAGE.partition("\n## Data frames and labelled arrays\n")
    run_examples(before + section[section.index("\n## ") :])


def test_every_example_of_the_page_runs():
    for name in ("pandas", "polars", "xarray"):
        pytest.importorskip(name)
    run_examples(PAGE)


def test_the_example_of_the_readme_runs():
    run_examples((ROOT / "README.md").read_text(), least=1)


def test_a_prompt_shows_a_measurement_in_one_line():
    """Linear layers of equal weights, whose sizes are known: 90 % of 1, 2, 3, 2, 1 lies in all five columns."""
    exact = {"init": {"kind": "uniform_kernel"}, "probes": {"count": 1}}
    shown = repr(erfsweep.measure("2x3x3:1=linear", **exact))
    assert shown.startswith("<2x3x3:1=linear: theo_rf 5, eff_rf 5, ratio 1, eff_square 5, luo ")
    assert "\n" not in shown


def test_a_prompt_says_of_a_dead_config_that_it_is_dead():
    """A negative weight and constant probes: the ReLU is off for all of them."""
    np.savez("weights.npz", **{"layer0.weight": -np.ones((1, 1, 1, 1), np.float32)})
    found = erfsweep.measure("1x1:1", init={"kind": "file", "path": "weights.npz"}, probes={"kind": "constant"})
    assert repr(found) == "<1x1:1: dead>"


def test_a_stem_of_ones_counts_its_paths():
    """Linear layers of one feature and equal weights: the heatmap is a power of the box, whatever the scale."""
    found = erfsweep.measure("2x3x3:1=linear", input=9, init={"kind": "uniform_kernel"}, probes={"count": 1})
    triangle = np.array([0, 0, 1, 2, 3, 2, 1, 0, 0])
    expected = np.outer(triangle, triangle)
    np.testing.assert_allclose(found.heatmap / found.heatmap.sum(), expected / expected.sum(), rtol=1e-6)
    assert found.heatmap.dtype == np.float64
    assert not found.heatmap.flags.writeable
    assert (found.theory.theo_rf, found.is_dead, found.n_zero, found.n_nan) == (5, False, 0, 0)
    assert found.curves.shape[0] == 4
    np.testing.assert_allclose(found.curves[0][:3], [9 / 81, 49 / 81, 1], rtol=1e-6)


def test_a_measurement_is_what_a_run_stores_bit_for_bit():
    good("run", "3x3 5x5:8=gelu", "-s", "seed=5", "-s", "input=17x23", "--name", "mine", "--engine", "processes")
    found = erfsweep.measure("3x3 5x5:8=gelu", seed=5, input="17x23")
    with erfsweep.open_store(URL) as store:
        assert store.heatmap("mine:0").tobytes() == found.heatmap.tobytes()
        assert store.curves("mine:0").tobytes() == found.curves.tobytes()
        record = store.record("mine:0")
    assert record.config == found.config
    assert record.result.sizes == found.sizes
    assert record.result.theory == found.theory


@pytest.mark.parametrize(
    "fields",
    [
        {"seed": 3, "readout": {"channel": "sum"}},
        {"init": {"seed": 3}, "readout.channel": "sum"},
        {"init.seed": 3, "readout": {"channel": "sum"}},
    ],
)
def test_fields_are_written_as_in_a_sweep_file(fields):
    config = erfsweep.measure("3x3", input=9, **fields).config
    assert (config.init.seed, config.readout.channel, config.input.height) == (3, "sum", 9)


def test_a_plane_that_is_not_given_holds_the_window():
    config = erfsweep.measure("4x9x9:1", probes={"count": 1}).config
    window = window_of(config)
    assert 0 <= window.top <= window.bottom < config.input.height


def test_a_dead_unit_has_no_curves_and_says_why():
    found = erfsweep.measure("3x3:1", input=9, probes={"count": 1, "kind": "constant"}, init={"seed": 0})
    seeds = iter(range(1, 50))
    while not found.is_dead:
        found = erfsweep.measure("3x3:1", input=9, probes={"count": 1, "kind": "constant"}, init={"seed": next(seeds)})
    assert found.curves is None
    assert found.heatmap.sum() == 0
    assert found.sizes.reasons["eff_rf"] == "dead"


@pytest.mark.parametrize(
    ("stem", "fields", "message"),
    [
        ("4x3x", {}, "4x3x"),
        ("3x3", {"imput": 21}, "did you mean input"),
        ("3x3", {"kernel": 3}, "no field 'kernel'"),
        ("3x3", {"seed": -1}, "init.seed"),
        ("3x3", {"memory": 10}, "more than the 10 bytes of --memory"),
        ("20x9x9:32", {"input": 101, "timeout": 1e-9}, "--timeout"),
    ],
)
def test_what_cannot_be_measured_is_named(stem, fields, message):
    with pytest.raises(erfsweep.InputError, match=re.escape(message)):
        erfsweep.measure(stem, **fields)


def test_rows_are_those_of_the_command(store):
    store.submit("3x3, 4x5x5", axes={"seed": (0, 1), "input": 21}, name="mine")
    store.work(engine="sync")
    command = good("table", "mine", "-f", "json", "--where", "seed == 1", "--sort", "-eff_rf").json
    assert json.loads(json.dumps(store.rows("mine", where="seed == 1", sort="-eff_rf"))) == command
    grouped = good("table", "mine", "-f", "json", "--over", "seed", "-c", "config,eff_rf").json
    assert store.rows("mine", over="seed", columns=["config", "eff_rf"]) == grouped
    smaller = good("table", "mine", "-f", "json", "--mass", "0.5", "-c", "eff_rf").json
    assert store.rows("mine", mass=0.5, columns="eff_rf") == smaller
    assert [row["config"] for row in store.rows(columns="config", limit=1)] == ["3x3"]
    table = store.table("mine", columns="id, state")
    assert (table.columns, len(table.rows)) == (("id", "state"), 4)


def test_sweeps_status_and_health_are_those_of_the_command(store):
    made = store.submit("luo2016", mode="new")
    assert (made.sweep, made.configs, made.new) == ("luo2016", 5, 5)
    assert store.status("luo2016").states["queued"].configs == 5
    summary = store.work("luo2016", engine="threads", workers=2)
    assert (summary.done, summary.failed_before, summary.held) == (5, 0, 0)
    (line,) = store.sweeps()
    assert (line.name, line.configs, line.states) == ("luo2016", 5, {"done": 5})
    assert store.health().configs == 5
    again = store.submit("luo2016")
    assert (again.configs, again.added, again.new) == (5, 0, 0)


def test_what_failed_is_counted_and_tried_again(store):
    store.submit("3x3", axes={"seed": range(2)}, name="mine")
    assert store.work("mine", engine="sync", memory=10).failed == 2
    assert store.work("mine", engine="sync", memory=10).failed_before == 2
    assert store.health("mine").failed == 2
    assert store.work("mine", engine="sync").done == 2


def test_a_sweep_that_exists_with_another_list_is_refused_unless_one_says_so(store):
    store.submit("3x3", name="mine")
    with pytest.raises(erfsweep.InputError, match="exists with another list"):
        store.submit("5x5", name="mine")
    assert store.submit("5x5", name="mine", mode="append").configs == 2
    assert store.submit("7x7", name="mine", mode="replace").configs == 1
    with pytest.raises(erfsweep.InputError, match="more than the 2 of --max-configs"):
        store.submit("3x3", axes={"seed": range(3)}, max_configs=2)


def test_what_a_store_does_not_have_is_named(store):
    store.submit("3x3", name="mine")
    for ask in (lambda: store.rows("other"), lambda: store.status("other"), lambda: store.work("other")):
        with pytest.raises(erfsweep.InputError, match="other"):
            ask()
    with pytest.raises(erfsweep.InputError, match="no column 'ratoi'"):
        store.rows(columns="ratoi")
    with pytest.raises(erfsweep.InputError, match="no result"):
        store.heatmap("mine:0")
    with pytest.raises(erfsweep.StoreError, match="there is no store"):
        erfsweep.open_store("sqlite:///nowhere.db")
    assert not Path("nowhere.db").exists()


def test_a_comparison_is_that_of_the_command(store):
    for kernel in (3, 5):
        store.submit(f"{kernel}x{kernel}", axes={"seed": range(3), "input": 21}, name=f"k{kernel}")
    store.work(engine="sync")
    found = store.compare("k3", "k5", sizes="theo_rf, luo", where="seed > 0")
    command = good("compare", "k3", "k5", "--size", "theo_rf,luo", "--where", "seed > 0", "-f", "json").json
    assert [json.loads(json.dumps(row)) for row in found.table().dicts()] == command["sizes"]
    assert (found.pairs, found.sizes[0].difference) == (2, 2)
    assert "<td" in found._repr_html_()


def test_a_front_is_that_of_the_command(store):
    store.submit("3x3, 2x3x3, 5x5, 4x3x3", name="some")
    store.work("some", engine="sync")
    found = store.pareto("some", max="theo_rf", min=["macs"], columns="config")
    printed = good("pareto", "some", "--max", "theo_rf", "--min", "macs", "-c", "config", "-f", "json").json
    assert [*found.table().dicts()] == printed
    assert [str(each) for each in found.objectives] == ["max theo_rf", "min macs"]


def test_damaged_rows_are_left_out_with_a_warning(store):
    store.submit("3x3", axes={"seed": range(3)}, name="mine")
    store.work(engine="sync")
    with store._store.write() as connection:
        connection.execute(text("UPDATE result SET eff_rf = 'seven' WHERE config_id = 2"))
    with pytest.warns(RuntimeWarning, match="column eff_rf"):
        assert len(store.rows("mine")) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(store.rows("mine", columns="id")) == 3


def python(*arguments):
    done = subprocess.run(
        [sys.executable, *arguments], env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def test_it_is_the_command_too():
    code, out, err = python("-m", "erfsweep", "run", "4x3x3", "--engine", "processes", "-f", "csv")
    assert code == 0, err
    assert "4x3x3" in out
    assert "1 measured" in err
    assert python("-m", "erfsweep", "table", "nope")[0] == 2


def test_a_script_measures_in_worker_processes_without_a_guard():
    script = (
        "import erfsweep\n"
        "store = erfsweep.open_store('sqlite:///erfsweep.db', create=True)\n"
        "store.submit('3x3', axes={'seed': range(20)}, name='mine')\n"
        "print(store.work(engine='processes').done)\n"
    )
    Path("script.py").write_text(script)
    assert python("script.py") == (0, "20\n", "")


def test_importing_it_loads_nothing_heavy():
    heavy = "{'numpy', 'dask', 'distributed', 'scipy', 'sqlalchemy', 'typer', 'rich', 'pandas', 'polars', 'xarray'}"
    code, out, _ = python("-c", f"import sys, erfsweep; print(sorted({heavy} & set(sys.modules)))")
    assert (code, out) == (0, "[]\n")


def test_every_public_name_is_there():
    assert {name for name in erfsweep.__all__ if getattr(erfsweep, name) is None} == set()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = erfsweep.nothing
