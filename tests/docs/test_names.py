"""No page names an option, a column, a key, a file or a picture that does not exist."""

import inspect
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import erfsweep
from cli.app import app
from pipeline.result import Sizes
from pipeline.sweep.jsonschema import config_schema, sweep_schema
from pipeline.theory import Region
from pipeline.theory.table import Row
from store.asking.answer import Answer
from store.asking.comparison import SizeDifference
from store.asking.fields import fields
from store.asking.health import Health
from store.database.schema import metadata
from tests.docs.pages import FOR_DEVELOPERS, PAGES, ROOT, is_alike

_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
_CODE = re.compile(r"`([^`\n]+)`")
_NAME = re.compile(r"(?<![\w.'/-])[a-z]+(?:_[a-z0-9]+)+\b(?![/.(]\w)")
"""A name of several words. One of a single word may be any word, and cannot be told from it."""
_FILE = re.compile(r"(?<![\w/.-])((?:pipeline|store|cli|tests|docs|benchmarks|examples)/[\w/.-]*\w/?)")
_TO_BE_MADE = ("cli/NAME.py", "store/migrations/versions/rev_NNNN.py", "examples/NAME.yaml")

OPTIONS_ELSEWHERE = {
    "--docs": "make gallery",
    **dict.fromkeys(("--configs", "--drivers", "--length", "--server"), "python -m benchmarks.scale"),
    "--no-deps": "pip",
    "--no-dashboard": "dask",
    "--no-nanny": "dask",
    "--nthreads": "dask",
    "--nworkers": "dask",
    "--protocol": "dask",
    "--scheduler-file": "dask",
    "--tls-ca-file": "dask",
    "--num_images": "RepLKNet's script",
    "--save_path": "RepLKNet's script",
}
"""Options of other programs that pages name."""
NAMES_ELSEWHERE = {
    **dict.fromkeys(("in_channels", "num_workers", "scale_factor"), "PyTorch"),
    **dict.fromkeys(("auto_pad", "count_include_pad", "half_pixel"), "ONNX"),
    **dict.fromkeys(("global_pooling", "round_mode"), "Caffe"),
    **dict.fromkeys(("erf_map", "fit_gaussian", "image_dir", "max_images", "target_layer"), "OpenERF"),
    "dilation_rate": "Keras",
    "allow_pickle": "NumPy",
    **dict.fromkeys(("default_transaction_read_only", "max_connections"), "PostgreSQL"),
    "init_genrand": "MT19937",
    "mass_fraction": "the head of an exported curve",
    "reasons_map": "the column of `--map`, which is no field of a config",
    "relu_1": "a tensor of the model that docs/models.md exports",
    "running_var": "an array in a file of weights",
    "source_zsh": "what completion is asked for, by a variable of the shell",
}
"""Names that are no column, no key of a sweep file and nothing of `import erfsweep`, and what they are of."""


def options(command: typer.core.TyperCommand) -> Iterator[str]:
    """The options of a command and of those below it."""
    for each in command.params:
        yield from (*each.opts, *each.secondary_opts)
    for inner in getattr(command, "commands", {}).values():
        yield from options(inner)


def names() -> set[str]:
    """What a page may name: columns, keys, words of choices, and what Python offers."""
    structs = (SizeDifference, Health, Row, Region, Sizes)
    calls = [each for each in (*vars(erfsweep).values(), *vars(erfsweep.Store).values()) if inspect.isfunction(each)]
    return {
        *(name for each in fields() for name in (each.name, *(each.path or "").split("."))),
        *re.findall(r"[a-z]\w*", json.dumps([config_schema(), sweep_schema()])),
        *(name for each in structs for name in each.__struct_fields__),
        *(name for each in (erfsweep, erfsweep.Store, erfsweep.Measurement, Answer) for name in dir(each)),
        *(name for each in calls for name in inspect.signature(each).parameters),
        *metadata.tables,
    }


def test_pages_name_options_that_exist() -> None:
    known = {*options(typer.main.get_command(app)), "--help"}
    named = {(page.name, option) for page in PAGES for option in _OPTION.findall(page.read_text())}
    assert {(page, option) for page, option in named if option not in {*known, *OPTIONS_ELSEWHERE}} == set()
    assert {*OPTIONS_ELSEWHERE} <= {option for _, option in named} - known


def test_pages_name_columns_and_keys_that_exist() -> None:
    known = names()
    named = {
        (page.name, name)
        for page in PAGES
        if page not in FOR_DEVELOPERS
        for code in _CODE.findall(re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE))
        for name in _NAME.findall(code)
    }
    assert len(named) > 100
    assert {(page, name) for page, name in named if name not in {*known, *NAMES_ELSEWHERE}} == set()
    assert {*NAMES_ELSEWHERE} <= {name for _, name in named} - known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_files_that_exist(page: Path) -> None:
    named = {*_FILE.findall(page.read_text())} - {*_TO_BE_MADE}
    assert {name for name in named if not ((ROOT / name).exists() or (page.parent / name).exists())} == set()


def test_every_picture_is_shown_and_none_is_stale(tmp_path: Path) -> None:
    """A picture says which stem and which numbers it shows: those of today."""
    drawn = runpy.run_path(str(ROOT / "docs" / "figures.py"))
    pictures = {path.name for path in (ROOT / "docs" / "figures").iterdir()}
    assert pictures == {*drawn["DRAWN"]}
    shown = "".join(page.read_text() for page in PAGES)
    assert all(f"](figures/{name})" in shown for name in pictures)
    with drawn["measured"]() as store:
        for name, draw in drawn["DRAWN"].items():
            draw(store, tmp_path / name)
            said, now = (re.split("[,;] ", keywords(path / name)) for path in (ROOT / "docs" / "figures", tmp_path))
            assert len(said) == len(now)
            assert all(map(is_alike, now, said)), "run: python docs/figures.py"


def keywords(picture: Path) -> str:
    """The text `Keywords` of a PNG."""
    chunks = picture.read_bytes()
    at, found = 8, {}
    while at < len(chunks):
        size, kind = int.from_bytes(chunks[at : at + 4]), chunks[at + 4 : at + 8]
        if kind == b"tEXt":
            key, _, text = chunks[at + 8 : at + 8 + size].partition(b"\0")
            found[key] = text.decode()
        at += size + 12
    return found[b"Keywords"]
