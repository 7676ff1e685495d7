"""The examples show what they claim: every command runs, every number holds, and docs/examples.md is not stale."""

import re
from collections.abc import Callable
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path

import pytest

import erfsweep
from gallery.claims import Claim, claims
from gallery.example import FOLDER, Example, examples, words_of
from gallery.expected import OBSERVED, above, exactly, near, number, read_number, within
from gallery.page import numbers_on, page
from pipeline.stem import format_stem, parse, read_stem_file
from pipeline.sweep.sweepfile import read_sweep_file
from tests.cli.command import ROOT, good

EXAMPLES = {each.name: each for each in examples()}
CLAIMS = [(name, claim) for name, those in claims().items() for claim in those]
PAGE = (ROOT / "docs" / "examples.md").read_text()
LARGEST_PICTURES = 1_000_000
"""Bytes of all pictures of the page: whoever clones the project has them too."""
STALE = 0.02
"""Relative: how far a number may be from that of the page. Other processors round otherwise, which moves a count of
pixels by one or two."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Runs the commands of an example once, as one types them, and returns the folder with their store and pictures."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("gallery")
    (folder / "examples").symlink_to(FOLDER)
    done = set()

    def run(name: str) -> Path:
        if name not in done:
            with chdir(folder), pytest.MonkeyPatch.context() as patch:
                patch.delenv("ERFSWEEP_DB", raising=False)
                if name == "trained":
                    patch.setenv("MODELS", str(models()))
                for command in EXAMPLES[name].commands:
                    words = words_of(command)
                    good(*words, *(("--engine", "sync") if words[0] == "run" else ()))
            done.add(name)
        return folder

    return run


def models() -> Path:
    """The folder of the trained networks that the package rapidocr ships."""
    pytest.importorskip("onnx")
    found = find_spec("rapidocr_onnxruntime")
    if found is None or not found.submodule_search_locations:
        pytest.skip("rapidocr is not installed: pip install --no-deps rapidocr-onnxruntime==1.4.4")
    return Path(found.submodule_search_locations[0], "models")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_command_runs_and_draws_its_pictures(name: str, ran: Callable[[str], Path]) -> None:
    folder = ran(name)
    assert EXAMPLES[name].pictures
    for picture in EXAMPLES[name].pictures:
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
        assert (ROOT / "docs" / "examples" / picture).exists()


@pytest.mark.parametrize(("name", "claim"), CLAIMS, ids=[f"{name}: {claim.says}" for name, claim in CLAIMS])
def test_every_number_is_what_it_must_be(name: str, claim: Claim, ran: Callable[[str], Path]) -> None:
    with erfsweep.open_store(f"sqlite:///{ran(name)}/erfsweep.db") as store:
        measured = claim.measured(store)
    on_the_page = numbers_on(PAGE)[name, claim.says]
    assert claim.expected.holds(measured), f"{measured} is not {claim.expected.words}, by {claim.source}"
    assert claim.expected is OBSERVED or claim.expected.holds(on_the_page) or number(on_the_page) == number(measured)
    assert on_the_page == pytest.approx(measured, rel=STALE), "run: make gallery ARGS=--docs"


def test_the_page_is_not_stale() -> None:
    assert page([*EXAMPLES.values()], numbers_on(PAGE)) == PAGE, "run: make gallery ARGS=--docs"
    pictures = {path.name: path.stat().st_size for path in (ROOT / "docs" / "examples").iterdir()}
    assert set(pictures) == {picture for each in EXAMPLES.values() for picture in each.pictures}
    assert sum(pictures.values()) < LARGEST_PICTURES


def test_the_page_of_the_gallery_links_to_the_project_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "build" / "gallery").mkdir(parents=True)
    for name in ("docs", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    text = page([*EXAMPLES.values()], numbers_on(PAGE), ".", "../..")
    links = re.findall(r"(?<!!)\[[^\]]+\]\(([\w./]+)[)#]", text)
    assert len(links) > len(EXAMPLES)
    assert [link for link in links if not (tmp_path / "build" / "gallery" / link).exists()] == []


def test_every_file_is_an_example_and_has_claims() -> None:
    files = {path.stem for suffix in ("yaml", "sh") for path in FOLDER.glob(f"*.{suffix}")}
    assert files == set(EXAMPLES) == set(claims())


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_says_what_it_asks_and_what_one_learns(example: Example) -> None:
    assert example.title
    assert example.question.endswith("?")
    assert example.lessons
    assert example.commands[0].startswith(("erfsweep run examples/", "erfsweep import "))
    assert len({claim.says for claim in claims()[example.name]}) == len(claims()[example.name])


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("AlexNet", "alexnet"),
        ("VGG-16", "vgg16"),
        ("ResNet-18", "resnet18"),
        ("Inception v1", "inception_v1"),
        ("ConvNeXt-T", "convnext_t"),
    ],
)
def test_a_classic_stem_is_the_beginning_of_its_network(label: str, name: str) -> None:
    entries = read_sweep_file(FOLDER / "classic.yaml")["stems"]
    (stem,) = [parse(entry["stem"]) for entry in entries if entry["label"] == label]
    whole = parse(read_stem_file(FOLDER / f"{name}.stem"))
    assert format_stem(stem) == re.sub(r"#\w+", "", format_stem(whole[: len(stem)]))  # but for its marks


def test_what_is_expected_is_an_interval() -> None:
    assert [near(8, 5).holds(value) for value in (7.5, 7.7, 8.3, 8.5)] == [False, True, True, False]
    assert [within(-0.43, 0.05).holds(value) for value in (-0.5, -0.4, -0.3)] == [False, True, False]
    assert [exactly(31).holds(value) for value in (31, 31.0001)] == [True, False]
    assert [exactly(1.0).holds(value) for value in (1.000001, 1.0001)] == [True, False]
    assert [above(1).holds(value) for value in (0.9, 1.1)] == [False, True]


@pytest.mark.parametrize(
    ("value", "words"), [(103388224, "103,388,224"), (3.6514837, "3.651"), (-0.4261, "-0.4261"), (8.0, "8")]
)
def test_numbers_are_read_as_they_are_written(value: float, words: str) -> None:
    assert number(value) == words
    assert number(read_number(words)) == words
