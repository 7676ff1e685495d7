"""What each module may use, and what must not be imported where start-up waits for it.

A module is a folder or, at the top of `pipeline/`, a file; docs/architecture.md lists them. Lazy imports count like
others.
"""

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipeline", "store", "cli")

LEAVES = {
    f"pipeline.{name}"
    for name in ("errors", "extras", "sentence", "result", "ids", "job", "limits", "queue", "regular", "scale")
}
"""What everyone may know: they know nothing but each other. So are `arrays` and `blas`, which need NumPy."""

ARROWS = {
    "pipeline.arrays": set(),
    "pipeline.blas": set(),
    "pipeline.stem": set(),
    "pipeline.config": {"pipeline.stem"},
    "pipeline.ops": {"pipeline.stem", "pipeline.blas"},
    "pipeline.draws": {"pipeline.stem", "pipeline.config", "pipeline.ops"},
    "pipeline.theory": {"pipeline.stem", "pipeline.config"},
    "pipeline.sweep": {
        *("pipeline.stem", "pipeline.config", "pipeline.draws", "pipeline.theory", "pipeline.models"),
    },
    "pipeline.models": {"pipeline.stem", "pipeline.ops"},
    "pipeline.gradient": {"pipeline.stem", "pipeline.config", "pipeline.draws", "pipeline.ops"},
    "pipeline.sizes": {"pipeline.config", "pipeline.theory"},
    "pipeline.picture": {"pipeline.sizes"},
    "pipeline.task": {
        *("pipeline.config", "pipeline.gradient", "pipeline.sizes"),
        *("pipeline.arrays", "pipeline.blas"),
    },
    "pipeline.measurement": {
        *("pipeline.config", "pipeline.theory", "pipeline.sizes", "pipeline.task", "pipeline.arrays", "pipeline.blas"),
        "pipeline.picture",
    },
    "pipeline.graph": {"pipeline.task"},
    "pipeline.engines": {"pipeline.graph", "pipeline.task", "pipeline.config", "pipeline.blas"},
    "pipeline.engines.cluster": {"pipeline.engines", "pipeline.graph", "pipeline.config", "pipeline.draws"},
    "pipeline.engine": {"pipeline.engines", "pipeline.engines.cluster"},
    "pipeline.run": {"pipeline.engines", "pipeline.graph"},
    "pipeline.work": {
        "pipeline.run",
        "pipeline.graph",
        "pipeline.engine",
        "pipeline.engines",
        "pipeline.engines.cluster",
    },
    "store.database": set(),
    "store.migrations": {"pipeline.config", "pipeline.stem", "pipeline.theory"},
    "store.queue": {"store.database", "pipeline.config", "pipeline.sweep", "pipeline.theory"},
    "store.asking": {
        *("store.database", "store.queue", "pipeline.arrays", "pipeline.config", "pipeline.sizes", "pipeline.stem"),
        *("pipeline.sweep", "pipeline.theory", "pipeline.gradient", "pipeline.models", "pipeline.picture"),
        "pipeline.draws",
    },
    "store.upkeep": {
        *("store.database", "store.queue", "store.asking", "pipeline.arrays", "pipeline.config", "pipeline.sizes"),
        "pipeline.gradient",
    },
    "erfsweep": {
        *("pipeline.measurement", "pipeline.sweep", "pipeline.theory", "pipeline.engines", "pipeline.gradient"),
        *("pipeline.work", "pipeline.models", "store.database", "store.queue", "store.asking", "store.upkeep", "cli"),
    },
    "cli": {
        *("pipeline.config", "pipeline.engines", "pipeline.engines.cluster", "pipeline.gradient", "pipeline.sizes"),
        *("pipeline.models", "pipeline.picture", "pipeline.stem", "pipeline.sweep", "pipeline.theory", "pipeline.work"),
        *("store.database", "store.queue", "store.asking", "store.upkeep"),
    },
}
"""Which modules each module may use, besides itself and the leaves."""

HEAVY = {"numpy", "dask", "distributed", "scipy"}
LIGHT = [
    *(f"stem/{name}" for name in ("layers", "notation", "network", "plane")),
    *(f"config/{name}" for name in ("config", "axes")),
    *(f"sweep/{name}" for name in ("sweep", "grid", "names", "entries")),
    *("theory/window", "gradient/plan", "gradient/cone", "errors", "result", "graph"),
]
"""Files of the pipeline that describe a config, and are imported without the heavy libraries."""


def files(package):
    return sorted(path for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts)


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for package in PACKAGES for path in files(package)}
MODULES["erfsweep"] = ROOT / "erfsweep.py"


@cache
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
            # `from pipeline.ops import conv` imports pipeline.ops.conv, if that is a module.
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & set(MODULES)
            found |= inner or {node.module}
        if top and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if top and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending.extend(node.orelse)
            continue
        pending.extend(ast.iter_child_nodes(node))
    return frozenset(found)


def package_of(module):
    return module.partition(".")[0]


def module_of(module):
    """The longest name in ARROWS that a file begins with, a leaf or its package."""
    names = [name for name in (*ARROWS, *LEAVES) if module == name or module.startswith(f"{name}.")]
    return max(names, key=len, default=package_of(module))


def arrows():
    """All pairs (file, module that it uses), its own module and the leaves left out."""
    for name, path in MODULES.items():
        for used in imports(path):
            if "." in used and package_of(used) in PACKAGES and module_of(used) not in {module_of(name), *LEAVES}:
                yield name, module_of(used)


@pytest.mark.parametrize("module", sorted({module_of(name) for name in MODULES} - LEAVES))
def test_a_module_uses_those_below_it(module):
    found = {(name, used) for name, used in arrows() if module_of(name) == module}
    assert not {(name, used) for name, used in found if used not in ARROWS.get(module, set())}


def test_leaves_know_only_each_other():
    for name in LEAVES:
        assert {used for used in imports(MODULES[name]) if package_of(used) in PACKAGES} <= LEAVES


def test_every_arrow_of_the_list_is_there():
    used = {(module_of(name), module) for name, module in arrows()}
    assert {(module, below) for module, allowed in ARROWS.items() for below in allowed} <= used


def page_of_modules():
    """The part of docs/architecture.md about modules: (its table, the leaves that it names)."""

    def listed(text):
        return {path.removesuffix(".py").rstrip("/").replace("/", ".") for path in re.findall(r"`([\w/.]+)`", text)}

    page = (ROOT / "docs" / "architecture.md").read_text()
    part = page.partition("\n## Modules and what they use\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("| `")]
    table = {module: listed(uses) for first, _, uses in rows for module in listed(first)}
    leaves = re.search(r"The leaves are known to everyone.*?\n\n", part, re.DOTALL)
    assert leaves is not None
    return table, listed(leaves[0])


def test_the_page_draws_the_arrows_that_are_held_here():
    table, leaves = page_of_modules()
    assert table == ARROWS, "correct the table of modules in docs/architecture.md"
    assert leaves == LEAVES, "correct the leaves in docs/architecture.md"


def test_no_modules_use_each_other_in_a_circle():
    TopologicalSorter(ARROWS).prepare()


def test_no_files_import_each_other_in_a_circle():
    graph = {name: imports(path) & set(MODULES) - {name} for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()


def test_the_pipeline_knows_no_database_and_no_terminal():
    for path in files("pipeline"):
        assert not {package_of(module) for module in imports(path)} & {"sqlalchemy", "alembic", "typer", "rich"}, path


def test_the_store_knows_no_dask_and_the_command_goes_through_engines():
    for path in (*files("store"), *files("cli")):
        assert not {package_of(module) for module in imports(path)} & {"dask", "distributed"}, path


def test_what_draws_knows_no_command():
    for path in files("cli/render/plots"):
        for reaches in reached(path):
            assert "typer" not in {package_of(module) for module in imports(reaches)}, (path, reaches)


def test_tests_are_imported_by_nothing():
    for path in MODULES.values():
        assert "tests" not in {package_of(module) for module in imports(path)}, path


def reached(path):
    """The files that are imported when a file is, itself included."""
    seen, pending = set(), [path]
    while pending:
        here = pending.pop()
        if here in seen:
            continue
        seen.add(here)
        for module in imports(here, top=True):
            # A package's own file runs too: pipeline/stem/__init__.py before pipeline/stem/network.py.
            parts = module.split(".")
            names = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
            pending += [MODULES[name] for name in names if name in MODULES]
    return seen


@pytest.mark.parametrize("name", LIGHT)
def test_what_describes_a_config_is_imported_without_numpy_and_dask(name):
    for path in reached(ROOT / "pipeline" / f"{name}.py"):
        assert not {package_of(module) for module in imports(path, top=True)} & HEAVY, path


def test_the_store_is_imported_without_numpy_and_dask():
    for entry in files("store"):
        if "migrations" in entry.parts:
            continue
        for path in reached(entry):
            assert not {package_of(module) for module in imports(path, top=True)} & HEAVY, (entry, path)


def test_the_walk_over_imports_sees_what_is_there():
    assert "numpy" in imports(ROOT / "pipeline/gradient/erf.py", top=True)
    assert ROOT / "pipeline/stem/layers.py" in reached(ROOT / "pipeline/config/config.py")
    assert "store.database.upgrade" in imports(ROOT / "store/database/opening.py")
    assert "store.database.upgrade" not in imports(ROOT / "store/database/opening.py", top=True)
