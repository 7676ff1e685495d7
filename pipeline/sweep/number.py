"""Numbers of sweep files, alike in YAML, TOML and JSON."""

import re

_WHOLE = re.compile(r"([-+]?[0-9]{1,18})[eE]\+?([0-9]{1,2})", re.ASCII)


def number(text: str) -> int | float:
    """The number that a decimal fraction or power stands for: `1e3` is whole, as it may be a seed or a count."""
    if whole := _WHOLE.fullmatch(text):
        return int(whole[1] + "0" * int(whole[2]))
    return float(text)
