"""The page as HTML: its template, its style and its scripts, which are the same in a file and from the server."""

from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from pipeline.errors import InputError
from pipeline.extras import install

LIBRARIES = ("bokeh", "jinja2")
_SCRIPTS = (
    "dom.js",
    "link.js",
    "table.js",
    "heatmap.js",
    "plots.js",
    "points.js",
    "growth.js",
    "layers.js",
    "details.js",
    "page.js",
)
_SOURCES = {"file": ("where.js", "embedded.js"), "server": ("live.js",)}
_BEGIN = {
    "file": "embedded().then(start).catch(failed);",
    "server": "live().catch(failed);",
}
_POLICY = {
    # `default-src 'none'`: whatever stood in the page, no request would leave it.
    "file": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:",
    "server": "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "connect-src 'self'",
}


class Page(NamedTuple):
    """What a page has that others do not: its title and what stands below it, both text, and the side of its heatmaps.

    data: HTML with what its scripts read.
    """

    title: str
    subtitle: str
    side: int
    data: str = ""


def check_libraries(command: str) -> None:
    """Raises InputError where a library that the page needs is not installed."""
    from importlib.util import find_spec

    for library in LIBRARIES:
        if find_spec(library) is None:
            raise InputError(f"{command} needs {library}, which is not installed; type {install('report')}")


def page_html(page: Page, kind: str, more: str = "") -> str:
    """The page of a kind, `file` or `server`; `more` is HTML with scripts that the server adds."""
    from bokeh.embed import components
    from bokeh.resources import Resources
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from cli.render.page.figures import figures

    made = figures()
    script, divs = components({each.name: each for each in made})
    if kind == "file":
        bokeh = Resources(mode="inline", components=["bokeh"]).render_js()
    else:
        bokeh = '<script src="static/js/bokeh.min.js"></script>'
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_file("page.html"))
    lines = "\n".join(_file(name) for name in (*_SCRIPTS, *_SOURCES[kind]))
    quiet = '<script>Bokeh.set_log_level("error")</script>'  # figures that are empty yet are no matter for a log
    safe: dict[str, Any] = {
        "style": Markup(_file("page.css")),  # noqa: S704  # these are files of this package, and what Bokeh made
        "bokeh": Markup(bokeh + quiet),  # noqa: S704
        "plots": {name: Markup(div) for name, div in divs.items()},  # noqa: S704
        "figures": Markup(script + more),  # noqa: S704
        "script": Markup(f"{lines}\n{_BEGIN[kind]}"),  # noqa: S704
        "data": Markup(page.data),  # noqa: S704
    }
    return template.render(
        title=page.title,
        subtitle=page.subtitle,
        side=page.side,
        live=kind == "server",
        policy=_POLICY[kind],
        **safe,
    )


@cache
def _file(name: str) -> str:
    return files("cli.render.page").joinpath(name).read_text(encoding="utf-8")
