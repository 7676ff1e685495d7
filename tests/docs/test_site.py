"""`make docs`: the pages build without a warning, each is in the navigation, and reading them fetches nothing."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT

README = (ROOT / "README.md").read_text()
_FETCHED = re.compile(
    r"""(?:<(?:script|img|iframe)\b[^>]*\bsrc=|<link\b[^>]*\bhref=|url\(|@import )["']?((?:https?:)?//[^"')]+)"""
)
_BUILD = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--conf-dir", "docs", "."]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_parser")
    pytest.importorskip("furo")
    folder = tmp_path_factory.mktemp("site")
    ended = subprocess.run([*_BUILD, folder], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, "")
    return folder


def test_every_page_is_in_the_navigation() -> None:
    navigation = runpy.run_path(str(ROOT / "docs" / "conf.py"))["navigation"](README)
    listed = re.findall(r"^[\w/.]+$", navigation, re.MULTILINE)
    pages = {str(page.relative_to(ROOT).with_suffix("")) for page in PAGES}
    assert sorted(listed) == sorted({*pages, "CHANGELOG"} - {"README"})


def test_every_page_is_built(site: Path) -> None:
    for page in PAGES:
        assert (site / page.relative_to(ROOT)).with_suffix(".html").is_file()
    assert "README.html" in (site / "index.html").read_text()


def test_reading_a_page_fetches_nothing(site: Path) -> None:
    files = [path for suffix in ("html", "css") for path in site.rglob(f"*.{suffix}")]
    assert len(files) > len(PAGES)
    assert {(path.name, url) for path in files for url in _FETCHED.findall(path.read_text())} == set()


def test_a_link_that_leads_nowhere_ends_the_build(site: Path, tmp_path: Path) -> None:
    for name in ("docs/conf.py", "docs/site/front.html", "docs/site/site.css"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "README.md").write_text("# One\n\n[two](docs/two.md#three)\n\n### Pages\n\n- [Two](docs/two.md)\n")
    (tmp_path / "docs" / "two.md").write_text("# Two\n")
    ended = subprocess.run([*_BUILD, "site"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode != 0
    assert "'three'" in ended.stderr
