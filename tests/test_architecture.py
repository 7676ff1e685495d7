"""The arrows between the rooms, and what must not be imported where start-up waits for it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("pipeline", "store", "cli")
MAY_USE = {"pipeline": set(), "store": {"pipeline"}, "cli": {"pipeline", "store"}}
"""cli -> pipeline, cli -> store, store -> pipeline; never back."""

TYPES = {
    *("pipeline.config", "pipeline.errors", "pipeline.job", "pipeline.network", "pipeline.notation", "pipeline.result"),
    *("pipeline.stem", "pipeline.axes", "pipeline.window", "pipeline.names", "pipeline.limits", "pipeline.ids"),
}
"""What the store may know of the pipeline: its structs, and how they are read and named."""

SIZES = {
    *(f"pipeline.{name}" for name in ("arrays", "sample", "measure", "curves", "replicates", "growth")),
    *("pipeline.axis", "pipeline.axes", "pipeline.prediction", "pipeline.cost"),
}
"""And how heatmaps become sizes, results groups and configs theory; what needs NumPy is imported where it is used."""

HEAVY = {"numpy", "dask", "distributed", "scipy"}
LIGHT = [
    *(f"pipeline/{name}.py" for name in ("stem", "notation", "network", "config", "result", "sweep", "axis", "window")),
    *(
        f"pipeline/{name}.py"
        for name in ("cost", "cone", "errors", "axes", "box", "graph", "names", "entries", "layers/fold")
    ),
]


def files(room):
    return sorted(path for path in (ROOT / room).rglob("*.py") if "__pycache__" not in path.parts)


def imports(path, *, top=False):
    """Modules that a file imports, by full name; `top`: only those that run when the file is imported."""
    found = set()
    pending = [ast.parse(path.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module)
            # `from pipeline import blas` imports pipeline.blas.
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module in ROOMS}
        if top and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if top and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending.extend(node.orelse)
            continue
        pending.extend(ast.iter_child_nodes(node))
    return found


def room_of(module):
    return module.partition(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_never_point_back(room):
    assert files(room)
    for path in files(room):
        used = {room_of(module) for module in imports(path)} & set(ROOMS)
        assert used <= MAY_USE[room] | {room}, path


def test_the_pipeline_knows_no_database_and_no_terminal():
    for path in files("pipeline"):
        assert not {room_of(module) for module in imports(path)} & {"sqlalchemy", "alembic", "typer", "rich"}, path


def test_the_store_knows_the_pipelines_types_only():
    for path in files("store"):
        used = {module for module in imports(path) if room_of(module) == "pipeline"} - {"pipeline"}
        assert {".".join(module.split(".")[:2]) for module in used} <= TYPES | SIZES, path


def test_the_store_knows_no_dask_and_the_command_goes_through_engines():
    for path in (*files("store"), *files("cli")):
        assert not {room_of(module) for module in imports(path)} & {"dask", "distributed"}, path


def test_tests_are_imported_by_nothing():
    for room in ROOMS:
        for path in files(room):
            assert "tests" not in {room_of(module) for module in imports(path)}, path


def reached(path):
    """The files that are imported when a file is, itself included."""
    seen, pending = set(), [path]
    while pending:
        here = pending.pop()
        if here in seen:
            continue
        seen.add(here)
        for module in imports(here, top=True):
            if room_of(module) in ROOMS:
                parts = module.split(".")
                # A package's own file runs too: pipeline/layers/__init__.py before pipeline/layers/fold.py.
                for count in range(1, len(parts) + 1):
                    stem = ROOT.joinpath(*parts[:count])
                    pending += [each for each in (stem.with_suffix(".py"), stem / "__init__.py") if each.exists()]
    return seen


@pytest.mark.parametrize("name", LIGHT)
def test_what_describes_a_config_is_imported_without_numpy_and_dask(name):
    for path in reached(ROOT / name):
        assert not {room_of(module) for module in imports(path, top=True)} & HEAVY, path


def test_the_store_is_imported_without_numpy_and_dask():
    for entry in files("store"):
        if "migrations" in entry.parts:
            continue
        for path in reached(entry):
            assert not {room_of(module) for module in imports(path, top=True)} & HEAVY, (entry, path)


def test_the_walk_over_imports_sees_what_is_there():
    assert "numpy" in imports(ROOT / "pipeline/erf.py", top=True)
    assert ROOT / "pipeline/stem.py" in reached(ROOT / "pipeline/config.py")
    assert "pipeline.files" in imports(ROOT / "pipeline/config.py")
    assert "pipeline.files" not in imports(ROOT / "pipeline/config.py", top=True)
