"""A condition that no row meets is told, whatever command asks, and in no format on stdout."""

import pytest

from tests.cli.command import erfsweep, good

NOTHING = "kernel == 99"
SAID = "0 of 5 rows with --where 'kernel == 99'\n"


@pytest.mark.parametrize(
    "command",
    [
        ("table",),
        ("table", "luo2016"),
        ("table", "luo2016", "--mass", "0.5"),
        ("table", "luo2016", "--center", "plane", "-f", "json"),
        ("table", "luo2016", "--over", "seed"),
        ("table", "luo2016", "-f", "csv"),
        ("table", "luo2016", "-f", "classic"),
        ("export", "luo2016", "--to", "out"),
    ],
    ids=" ".join,
)
def test_it_is_told_on_stderr(command: tuple[str, ...], luo2016: str) -> None:
    ended = good(*command, "--where", NOTHING, "--db", luo2016)
    assert ended.err.startswith(SAID)
    assert SAID not in ended.out


def test_a_condition_on_sizes_taken_anew_too(luo2016: str) -> None:
    assert "0 of 5 rows" in good("table", "--mass", "0.5", "--where", "eff_rf > 50", "--db", luo2016).err


def test_growth_says_both(luo2016: str) -> None:
    ended = erfsweep("growth", "--where", NOTHING, "--db", luo2016)
    assert ended.code == 2
    assert ended.err.startswith(SAID)


def test_what_some_row_meets_is_not_told(luo2016: str) -> None:
    assert good("table", "--where", "kernel == 3", "--db", luo2016).err == ""
