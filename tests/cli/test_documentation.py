"""The pages of docs/ are true: every command is in them, every example runs, nothing is stale."""

import re
import runpy
import shlex
from pathlib import Path

import pytest
import typer
from msgspec import structs

from cli.app import app
from cli.examples import EXAMPLES
from cli.render.page.limits import DEFAULT_PORT, LARGEST_SIDE, MAX_POINTS, MAX_ROWS
from pipeline.engines.suspects import DEATHS
from pipeline.errors import amount
from pipeline.limits import DEFAULT_MAX_CONFIGS, DEFAULT_MEMORY, MAX_ARRAY, MAX_SWEEP_FILE
from pipeline.stem.spelling import BY_KIND, Spelling
from pipeline.sweep.grid import PATHS, STACK_AXES
from pipeline.sweep.names import MAX_NAME
from store.asking.fields import fields
from tests.cli.command import ROOT, good

PAGES = sorted((ROOT / "docs").glob("*.md"))
COMMANDS = (ROOT / "docs" / "commands.md").read_text()


def every_command(command: typer.core.TyperCommand, path: str = "erfsweep") -> list[tuple[str, list[str]]]:
    """Commands with the long names of their options."""
    options = [name for each in command.params for name in each.opts if name.startswith("--")]
    found = [(path, options)]
    for name, inner in getattr(command, "commands", {}).items():
        found += every_command(inner, f"{path} {name}")
    return found


@pytest.mark.parametrize(("command", "options"), every_command(typer.main.get_command(app)))
def test_every_command_and_option_is_documented(command: str, options: list[str]) -> None:
    section = COMMANDS.partition(f"\n## `{command}`\n")[2].partition("\n## ")[0]
    assert section, f"docs/commands.md has no section for {command}"
    for option in options:
        assert f"{option} " in section or f"{option}\n" in section


@pytest.mark.parametrize("spelling", BY_KIND.values(), ids=lambda spelling: spelling.example)
def test_every_layer_is_on_the_page_of_stems(spelling: Spelling) -> None:
    page = (ROOT / "docs" / "stems.md").read_text()
    notation, _, listed = page.partition("## The list form")
    word = re.sub(r"[0-9].*", "", spelling.example).partition("(")[0]
    assert re.search(rf"\n\|[^|]*`{word}(?![a-z_])" if spelling.word else rf"`{spelling.example}", notation)
    tag = spelling.kind.__struct_config__.tag
    row = next((line for line in listed.splitlines() if re.match(rf"\| [^|]*`{tag}`", line)), "")
    for field in structs.fields(spelling.kind):
        assert field.name == "mark" or field.name in row


@pytest.mark.parametrize("name", ["commands", "fields", "schema"])
def test_no_generated_page_is_stale(name: str) -> None:
    page = runpy.run_path(str(ROOT / "docs" / f"{name}.py"))["page"]
    assert page() == (ROOT / "docs" / f"{name}.md").read_text(), f"run: python docs/{name}.py"


def test_every_size_and_theory_column_is_explained() -> None:
    page = "".join((ROOT / "docs" / f"{name}.md").read_text() for name in ("measuring", "theory"))
    names = [each.name for each in fields()]
    for name in names[names.index("dead") : names.index("reasons")]:
        stem = re.sub(r"_(20|30|50|99)$", "_", name)
        assert f"`{name}`" in page or f"`{stem}20` ... `{stem}99`" in page, name


def test_every_field_of_a_config_is_explained() -> None:
    page = (ROOT / "docs" / "stems.md").read_text()
    schema = good("schema", "config").json
    for name, definition in schema["$defs"].items():
        for field in definition.get("properties", {}):
            assert field in page, f"{name}.{field}"
    for word in re.findall(r"'enum': \[(.*?)\]", str(schema)):
        for kind in re.findall(r"'(\w+)'", word):
            assert f"`{kind}`" in page or kind in page, kind


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("*.md")], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([\w/.-]*)(#[\w-]+)?\)", page.read_text()):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE)
            assert anchor[1:] in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


FOR_DEVELOPERS = [*(ROOT / "docs" / page for page in ("architecture.md", "layers.md")), ROOT / "CONTRIBUTING.md"]
_FILE = re.compile(r"(?<![\w/.-])((?:pipeline|store|cli|tests|docs|benchmarks|examples)/[\w/.-]*\w/?)")


@pytest.mark.parametrize("page", FOR_DEVELOPERS, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    patterns = ("cli/NAME.py", "examples/NAME.yaml", "store/migrations/versions/rev_NNNN.py")  # of files to be made
    named = set(_FILE.findall(page.read_text())) - {*patterns}
    assert len(named) > 10
    assert {name for name in named if not (ROOT / name).exists()} == set()
    bare = set(re.findall(r"`(\w+\.py)`", page.read_text()))  # files of a folder that the text before them names
    assert {name for name in bare if not any(ROOT.glob(f"pipeline/*/{name}")) and not (ROOT / name).exists()} == set()


def test_the_glossary_has_each_word_once_in_order() -> None:
    glossary = (ROOT / "docs" / "architecture.md").read_text().partition("\n## Glossary\n")[2]
    words = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", glossary, re.MULTILINE)[2:]
    assert len(words) > 50
    assert words == sorted(set(words), key=str.lower)
    assert len({word.lower() for word in words}) == len(words)


def test_the_example_of_every_command_runs() -> None:
    commands = {path.removeprefix("erfsweep").strip() for path, _ in every_command(typer.main.get_command(app))}
    assert set(EXAMPLES) == commands - {""}
    good("run", "luo2016")
    good("run", "3x3:4#a 3x3/2:4#b", "-s", "readout.layer=a,b", "-s", "seed=0,1", "--name", "net")
    for example, page in sorted(EXAMPLES.values(), key=lambda each: " rename " in each[0] or " rm " in each[0]):
        program, *words = shlex.split(example.partition(" > ")[0])
        assert program == "erfsweep"
        assert (ROOT / "docs" / page).exists()
        if words[0] in ("ui", "import"):  # one does not end, one needs a model; they have tests of their own
            continue
        if words[0] == "rm":
            good("run", "luo2016")
        good(*words)


@pytest.mark.parametrize("command", [(), ("table",), ("db",), ("db", "check")], ids=" ".join)
def test_the_page_that_a_help_names_can_be_opened(command: tuple[str, ...]) -> None:
    named = re.search(r"More:\s+(\S+\.md)", good(*command, "--help").out)
    assert named is not None
    assert Path(named[1]).is_file()


def test_the_axes_are_listed_where_one_asks_for_them() -> None:
    for command in (("run",), ("submit", "any")):
        out = good(*command, "-s", "help").out
        listed = [line.split()[0] for line in out.splitlines()[1:]]
        assert listed == [*STACK_AXES, *PATHS]
    assert not list(Path().glob("*.db"))


def test_every_page_is_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(([\w/.-]+)", (ROOT / "README.md").read_text()))
    assert {str(page.relative_to(ROOT)) for page in (*PAGES, *ROOT.glob("*.md"))} - {"README.md"} <= linked


def test_the_table_in_the_readme_is_the_reference() -> None:
    assert (ROOT / "tests" / "reference" / "luo2016.txt").read_text() in (ROOT / "README.md").read_text()


def test_limits_stand_in_the_pages_as_in_the_code() -> None:
    stems, store, clusters = ((ROOT / "docs" / f"{name}.md").read_text() for name in ("stems", "store", "clusters"))
    said = " ".join(stems.split())
    assert f"a file above {amount(MAX_SWEEP_FILE)}," in said
    assert f"more configs than `--max-configs` ({DEFAULT_MAX_CONFIGS:,})" in said
    assert f"arrays above {amount(MAX_ARRAY)}" in said
    assert f"`--memory` ({amount(DEFAULT_MEMORY)})" in said
    assert f"- `name`: 1 to {MAX_NAME} letters" in said
    said = " ".join((ROOT / "docs" / "report.md").read_text().split())
    assert f"A report has at most {MAX_ROWS:,} rows" in said
    assert f"the first {MAX_POINTS:,} rows" in said
    assert f"at most {LARGEST_SIDE} x {LARGEST_SIDE} dots" in said
    assert f"at port {DEFAULT_PORT} of" in said
    for page in (store, clusters):
        assert f"ended its worker in {('no', 'one', 'two', 'three', 'four', 'five')[DEATHS]} rounds running" in page
