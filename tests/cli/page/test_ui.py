"""`erfsweep ui`: the page from a server that only reads, for this machine alone."""

import http.client
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import erfsweep as door
from cli.render.page.answers import Question, condition
from store.asking.where import parse
from tests.browser import Browser
from tests.cli.command import Ended, finished, good, spawn


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Served:
    """A server, and how it ended."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, said: str) -> None:
        self.process = process
        self.port = port
        self.said = said
        self.url = f"http://127.0.0.1:{port}/"
        self.ended: Ended | None = None

    def stop(self) -> Ended:
        self.process.send_signal(signal.SIGINT)
        self.ended = finished(self.process)
        return self.ended


@contextmanager
def served(url: str) -> Iterator[Served]:
    """Runs `erfsweep ui`, and ends it by Ctrl-C."""
    port = free_port()
    process = spawn("--db", url, "ui", "--port", str(port))
    assert process.stderr is not None
    made = Served(process, port, process.stderr.readline())
    try:
        yield made
    finally:
        if made.ended is None:
            made.stop()


def test_it_serves_rows_by_query_and_asks_this_machine_alone(chromium: Browser, mixed: str) -> None:
    with served(mixed) as server:
        chromium.open(server.url)
        listed = good("--db", mixed, "table", "-c", "id", "-f", "json").json
        assert chromium.column("id") == [row["id"] for row in listed]
        chromium.open(f"{server.url}?sweep=growth&where=kernel+%3D%3D+5&sort=-luo")  # a link that somebody shares
        where = ("--where", "kernel == 5", "--sort", "-luo", "-c", "id", "-f", "json")
        assert chromium.column("id") == [row["id"] for row in good("--db", mixed, "table", "growth", *where).json]
        assert chromium.run("return document.getElementById('where').value") == "kernel == 5"
        chromium.write("where", "kernel = 5")
        assert "'kernel = 5'" in chromium.text("problem")
        chromium.write("where", "")
        chromium.write("text", "4x5x5")
        assert set(chromium.column("config")) == {"4x5x5"}
        assert "text=4x5x5" in chromium.run("return location.search")
        asked = chromium.requests()
        assert {url.partition("127.0.0.1")[0] for url in asked} == {"http://", "ws://"}
        assert all(f"127.0.0.1:{server.port}/" in url for url in asked)
        assert chromium.problems() == []


def test_heatmaps_come_on_demand_and_names_do_no_harm(chromium: Browser, mixed: str) -> None:
    with served(mixed) as server:
        chromium.open(f"{server.url}?sweep=mixed")
        chromium.run("document.getElementById('select-page').click()")
        chromium.until("return document.querySelectorAll('.card').length === 18")
        assert chromium.run("return document.querySelectorAll('.card canvas').length") == 16
        assert "<script>alert(3)</script>" in chromium.text("cards")
        assert chromium.column("config")[0] == "<script>alert(1)</script>"
        assert chromium.alerts() == []
        assert chromium.problems() == []


def test_results_appear_while_others_measure(chromium: Browser) -> None:
    url = f"sqlite:///{Path('own.db').absolute()}"
    with door.open_store(url, create=True) as store:
        store.submit({"name": "own", "stems": ["3x3"], "grid": {"seed": [0, 1, 2]}, "input": 21})
        with served(url) as server:
            chromium.open(f"{server.url}?sweep=own")
            chromium.until("return document.getElementById('progress-text').textContent.includes('0 of 3 configs')")
            store.work("own", engine="sync")
            chromium.until("return document.getElementById('states').textContent.includes('done3')")
            chromium.until(
                "return [...document.querySelectorAll('#rows td')].filter((each) => each.textContent === '3').length"
            )
            assert chromium.run("return document.getElementById('progress').hidden") is True


def test_a_page_that_is_drawn_anew_keeps_focus_selection_and_what_is_open(chromium: Browser) -> None:
    url = f"sqlite:///{Path('own.db').absolute()}"
    with door.open_store(url, create=True) as store:
        store.submit({"name": "own", "stems": ["3x3"], "grid": {"seed": [0, 1, 2]}, "input": 21})
        with served(url) as server:
            chromium.open(f"{server.url}?sweep=own")
            chromium.run("document.querySelectorAll('#rows input')[1].click()")
            chromium.until("return document.querySelectorAll('.card').length === 1")
            assert "not measured yet" in chromium.text("cards")
            chromium.run("document.querySelector('.card details').open = true")
            chromium.run("document.querySelectorAll('#rows input')[1].focus()")
            focused = "return document.activeElement.dataset.id"
            before = chromium.run(focused)
            store.work("own", engine="sync")
            chromium.until("return document.querySelectorAll('.card canvas').length === 1")
            assert chromium.run(focused) == before
            assert chromium.run("return document.querySelector('.card details').open") is True
            chromium.run("document.querySelector('#heads [data-name=config]').focus()")
            chromium.run("document.activeElement.click()")
            chromium.until("return document.querySelector('#heads [aria-sort=ascending]')")
            assert chromium.run("return document.activeElement.dataset.name") == "config"


def test_an_empty_store_says_that_it_is_and_lists_sweeps_that_come(chromium: Browser) -> None:
    url = f"sqlite:///{Path('empty.db').absolute()}"
    with door.open_store(url, create=True) as store, served(url) as server:
        chromium.open(f"{server.url}?sweep=gone")
        assert chromium.text("subtitle") == "There is no sweep gone in this store; these are all sweeps of it."
        assert chromium.text("none") == "There are no rows."
        assert chromium.run("return document.getElementById('well').hidden") is True
        store.submit({"name": "new", "stems": ["3x3"], "input": 21})
        chromium.run("document.getElementById('sweep').focus()")
        names = "[...document.getElementById('sweep').options].map((each) => each.value).join()"
        chromium.until(f"return {names} === ',new'")
        chromium.until("return document.getElementById('rows').children.length === 1")
        assert chromium.problems() == []


def test_a_server_that_has_ended_and_a_store_that_is_gone_are_told_at_once(chromium: Browser) -> None:
    url = f"sqlite:///{Path('own.db').absolute()}"
    with door.open_store(url, create=True) as store:
        store.submit({"name": "own", "stems": ["3x3"], "input": 21})
    with served(url) as server:
        chromium.open(f"{server.url}?sweep=own")
        Path("own.db").rename("other.db")
        chromium.until(
            "return document.getElementById('progress-text').textContent.includes('removed, renamed or replaced')"
        )
        server.stop()
        said = "the server does not answer; start erfsweep ui again, and load this page again"
        chromium.until("return document.getElementById('progress-text').textContent === arguments[0]", said)
        chromium.run("document.getElementById('next').disabled = false; document.getElementById('next').click()")
        chromium.until("return document.getElementById('problem').textContent === arguments[0]", said)
        assert chromium.problems() == []


def test_it_says_its_address_once_and_ends_by_ctrl_c(mixed: str, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    shutil.copy(mixed.removeprefix("sqlite:///"), path)
    before = path.read_bytes()
    with served(f"sqlite:///{path}") as server:
        assert server.said.startswith(f"{server.url} shows sqlite:///")
        status, page = status_of(server.port, "/")
        assert (status, "luo" in page, "5x9x9" in page) == (200, True, False)  # what is stored goes by websocket alone
        # A process of its own: Tornado leaves the socket open that it could not bind.
        busy = finished(spawn("--db", f"sqlite:///{path}", "ui", "--port", str(server.port)))
        said = f"port {server.port} of 127.0.0.1 is in use; give another one by --port"
        assert (busy.code, busy.err) == (2, f"erfsweep: {said}\n")
        assert server.stop() == (0, "", "")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.glob("copy.db*")] == ["copy.db"]


def test_pages_of_others_get_no_answers(mixed: str) -> None:
    with served(mixed) as server:
        found = {
            origin: status_of(
                server.port,
                "/ws",
                **{
                    "Origin": origin.format(port=server.port),
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
                    "Sec-WebSocket-Protocol": "bokeh, x",
                },
            )[0]
            for origin in ("http://127.0.0.1:{port}", "http://localhost:{port}", "http://evil.example", "null")
        }
    assert [*found.values()] == [101, 101, 403, 403]


def status_of(port: int, path: str, **headers: str) -> tuple[int, str]:
    """(status, text) that the server answers to a request."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, "" if answer.status == 101 else answer.read().decode()


@pytest.mark.parametrize("text", ["it's", "\"both' ", "a\\b", "*", "1) or True or (1"])
def test_a_text_is_only_ever_text_of_a_condition(text: str) -> None:
    made = condition(Question(1, "rows", where="kernel == 3", text=text))
    assert made is not None
    assert parse(made) == parse(f"(kernel == 3) and ({made.partition(' and ')[2]})")
    assert f"like(config, {f'*{text.strip()}*'!r})" in made
