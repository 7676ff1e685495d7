"""Numbers on the command line are those of YAML 1.2, as in a sweep file."""

import json
from typing import Any

import pytest

from tests.cli.command import erfsweep, good


def spec(*arguments: str) -> Any:
    """The config that a command queues."""
    good("submit", *arguments, "--name", "only")
    (row,) = good("table", "only", "-c", "spec", "-f", "json").json
    good("rm", "only", "--yes")
    return json.loads(row["spec"])


@pytest.mark.parametrize(
    ("setting", "part", "value"),
    [
        ("seed=010", "init", {"seed": 10}),
        ("seed=0o10", "init", {"seed": 8}),
        ("seed=0x10", "init", {"seed": 16}),
        ("seed=1e3", "init", {"seed": 1000}),
        ("input=021", "input", {"height": 21, "width": 21}),
        ("input=021x033", "input", {"height": 21, "width": 33}),
        ("readout.position=[010,3]", "readout", {"position": [10, 3]}),
        ("probes.count=08", "probes", {"count": 8}),
    ],
)
def test_numbers_of_settings(setting: str, part: str, value: dict[str, Any]) -> None:
    assert spec("3x3", "-s", setting)[part].items() >= value.items()


@pytest.mark.parametrize("text", ["1:30", "1_000", "yes", "0b11", "2016-06-09"])
def test_text_is_no_number(text: str) -> None:
    ended = erfsweep("submit", "3x3", "-s", f"seed={text}")
    assert ended.code == 2
    assert f"'{text}'" in ended.err
