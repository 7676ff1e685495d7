"""What is released: every file of the packages is packaged, and what says the version says the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("pipeline", "store", "cli")


def test_every_folder_of_code_is_a_package_that_is_installed():
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(".".join(folder.relative_to(ROOT).parts) for folder in folders)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_that_is_no_code_is_installed(package):
    folder, patterns = ROOT / package, PROJECT["tool"]["setuptools"]["package-data"][package]
    there = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    for pattern in patterns:
        assert there & set(folder.glob(pattern)), f"nothing is called {pattern}"
    installed = {path for pattern in patterns for path in folder.glob(pattern)}
    assert there <= installed


def test_every_dependency_says_why_and_from_which_version():
    text = (ROOT / "pyproject.toml").read_text().partition("[project.scripts]")[0]
    project = PROJECT["project"]
    needed = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    for each in needed:
        assert re.search(rf'"{re.escape(each)}",? +# \S', text), f"{each} has no reason"
        assert re.search(r"(>=|==)\d", each), f"{each} has no version"


def test_citation_changelog_and_project_say_the_same():
    """The keys are those that the schema of CFF 1.2.0 requires."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = PROJECT["project"]
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert [{"name": author["name"]} for author in citation["authors"]] == project["authors"]
    newest = re.search(r"^## (\S+?),? ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == project["version"]


@pytest.mark.parametrize("path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem)
def test_issue_forms_are_whole(path):
    """By GitHub's syntax of issue forms: name, description and body; each question has an id of its own and a label."""
    form = yaml.safe_load(path.read_text())
    assert form["name"]
    assert form["description"]
    ids = [question["id"] for question in form["body"]]
    assert len(set(ids)) == len(ids) > 0
    for question in form["body"]:
        assert question["type"] in ("textarea", "input", "dropdown", "checkboxes")
        assert question["attributes"]["label"]


def test_there_are_issue_forms():
    assert {path.stem for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")} == {"bug", "wrong_number", "feature"}
