"""The page served live from a store, by Bokeh's server, to this machine alone."""

import errno
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cli.render.page.limits import DEFAULT_PORT, LARGEST_SIDE
from pipeline.errors import InputError

if TYPE_CHECKING:
    from store.database.connection import Store

ADDRESS = "127.0.0.1"
_LOUD = ("bokeh", "tornado.access", "tornado.application", "tornado.general")
"""Loggers that tell of every page that is not there."""


def serve(store: "Store", port: int = DEFAULT_PORT, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serves the page until the process is interrupted; `ready` hears its address. Nothing is written to the store.

    Answers go over a websocket, whose origin Bokeh checks: a page of somebody else in the same browser gets none.
    Raises InputError where bokeh or Jinja2 is not installed, and for a port that cannot be used, KeyboardInterrupt
    when it is interrupted.
    """
    from cli.render.page.template import check_libraries

    check_libraries("the page")
    from bokeh.server.server import Server

    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    store.forbid_writing()
    origins = [f"{ADDRESS}:{port}", f"localhost:{port}"]
    try:
        server = Server({"/": _session(store)}, address=ADDRESS, port=port, allow_websocket_origin=origins)
    except OSError as error:
        what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise InputError(f"port {port} of {ADDRESS} {what}; give another one by --port") from None
    try:
        server.start()
        ready(f"http://{ADDRESS}:{port}/")
        server.io_loop.start()
    finally:
        server.stop()


def _session(store: "Store") -> Callable[[Any], None]:
    """What makes the document of a browser's page: two models, one for its questions and one for the answers."""
    from jinja2 import Environment

    from cli.render.page.answers import answer
    from cli.render.page.template import Page, page_html

    mark = "<!-- session -->"
    before, after = page_html(Page("erfsweep", "", LARGEST_SIDE), "server", mark).split(mark)
    template = Environment(autoescape=False).from_string(  # noqa: S701  # the parts are HTML, and nobody else's text
        "{{ before }}{% for root in roots %}"
        '<div id="{{ root.elementid }}" data-root-id="{{ root.id }}" hidden></div>{% endfor %}'
        "{{ plot_script }}{{ after }}"
    )

    def session(document: Any) -> None:
        from bokeh.models import ColumnDataSource

        ask, told = (ColumnDataSource({"json": [""]}, name=name) for name in ("ask", "answer"))

        def heard(attribute: str, old: Any, new: Any) -> None:
            told.data = {"json": [answer(store, new["json"][0])]}

        ask.on_change("data", heard)
        document.add_root(ask)
        document.add_root(told)
        document.title = "erfsweep"
        document.config.reconnect_session = False  # a server that was started again does not know the session
        document.config.notify_connection_status = False  # the page says so itself
        document.template = template
        document.template_variables.update(before=before, after=after)

    return session
