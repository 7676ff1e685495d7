"""Builds the pages into a site, `make docs`. The README is its front page, and its lists of pages the navigation."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "erfsweep"
author = "the authors of erfsweep"
root_doc = "README"
include_patterns = ["*.md", "docs/*.md"]
extensions = ["myst_parser"]

nitpicky = True  # with -W, a link that leads nowhere ends the build
myst_heading_anchors = 4  # anchors of headings, spelled as other readers of Markdown spell them
highlight_language = "none"  # of blocks that name no language

html_theme = "furo"
html_title = "erfsweep"
html_copy_source = False
html_show_copyright = False
html_additional_pages = {"index": "front.html"}  # a server of files asks for index.html
exclude_patterns = [".*", "build", "site"]
templates_path = ["site"]
html_static_path = ["site/site.css"]
html_css_files = ["site.css"]

_GROUP = re.compile(r"^### (?P<caption>.+)\n\n(?P<pages>(?:- .*\n(?:  .*\n)*)+)", re.MULTILINE)
_PAGE = re.compile(r"^- \[[^\]]+\]\((?P<page>[\w/.-]+)\.md\)", re.MULTILINE)


def navigation(readme: str) -> str:
    """Directives of Sphinx for the lists of pages in the README: a group for each heading of the third level."""
    return "".join(_tree(group["caption"], _PAGE.findall(group["pages"])) for group in _GROUP.finditer(readme))


def _tree(caption: str, pages: list[str]) -> str:
    listed = "\n".join(pages)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```\n"


def _add_navigation(app: "Sphinx", document: str, source: list[str]) -> None:
    if document == root_doc:
        source[0] += navigation(source[0])


def setup(app: "Sphinx") -> None:
    """Called by Sphinx."""
    app.connect("source-read", _add_navigation)
