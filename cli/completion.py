"""Completion in the shell: what bash says of the line that is being written, and the names that options take."""

import os
import re
from collections.abc import Callable
from contextlib import suppress

INSTRUCTION = "_ERFSWEEP_COMPLETE"
"""The variable by which a shell asks for completions (`complete_bash`) or for its script (`source_bash`)."""

_BREAKS = frozenset("=:")
"""Where bash breaks words."""

_begun = [""]
"""What bash broke off from the word that is being written."""


def mend_words() -> None:
    """Puts together the words of bash up to the cursor, which it breaks at `=` and `:`, as a shell would pass them.

    Bash gives `--format`, `=` and `c` in COMP_WORDS with the place of the last in COMP_CWORD: it becomes `--format c`.
    Bash replaces only what stands after the last break: of `kernel=3` the `3` is handed on, and `_begun` has the rest.
    """
    if os.environ.get(INSTRUCTION) != "complete_bash":
        return
    line = os.environ.get("COMP_WORDS", "")
    separator = "\n" if "\n" in line else " "  # the script of Typer joins the words with line feeds
    broken = line.split(separator)
    with suppress(ValueError):
        broken = broken[: int(os.environ.get("COMP_CWORD", "")) + 1]
    words: list[str] = []
    is_open = False  # whether the next one belongs to the last
    for word in broken:
        begun = words[-1] if is_open else ""
        is_break = bool(word) and _BREAKS.issuperset(word)
        if word == "=" and words and words[-1].startswith("--"):
            words.append("")
        elif words and (is_break or is_open):
            words[-1] += word
        else:
            words.append(word)
        is_open = is_break
        if is_break:
            begun = words[-1]
    if words:
        words[-1] = words[-1].removeprefix(begun)
        _begun[0] = begun
    os.environ["COMP_WORDS"] = separator.join(words)
    os.environ["COMP_CWORD"] = str(len(words) - 1)


def unbroken(offer: Callable[[str], list[str]], incomplete: str) -> list[str]:
    """What `offer` has for a word of which bash handed over no more than the end, as far as bash is to replace it."""
    begun = _begun[0]
    return [word.removeprefix(begun) for word in offer(begun + incomplete) if word.startswith(begun)]


def columns(incomplete: str) -> list[str]:
    """Names between commas, as `--columns` takes them, that the last of them may become."""
    from store.database.groups import ALL, GROUP_OF, GROUPS

    return _after_comma(incomplete, [*GROUP_OF, *GROUPS, ALL])


def sorting(incomplete: str) -> list[str]:
    """The same for `--sort`, where a dash may stand before a name."""
    from store.database.groups import GROUP_OF

    dash = "-" if incomplete.rpartition(",")[2].startswith("-") else ""
    return _after_comma(incomplete, [f"{dash}{name}" for name in GROUP_OF])


def condition(incomplete: str) -> list[str]:
    """What a condition may become whose last word is the beginning of a column's name; none within quotes."""
    from store.database.groups import GROUP_OF

    last = re.split(r"\W", incomplete)[-1]
    before = incomplete.removesuffix(last)
    is_quoted = any(before.count(quote) % 2 for quote in "'\"")
    return [] if is_quoted else [f"{before}{name}" for name in GROUP_OF if name.startswith(last)]


def settings(incomplete: str) -> list[str]:
    """What `-s` may become: an axis, or several that run in step, with the sign that is to follow; a value of one that
    is a word; or `help`."""
    return unbroken(_settings, incomplete)


def _settings(incomplete: str) -> list[str]:
    from pipeline.sweep.axis_table import axis_words
    from pipeline.sweep.grid import BESIDE, PATHS, STACK_AXES, TOGETHER

    name, sign, values = incomplete.partition("=")
    if not sign:
        names = [f"{each}=" for each in _after_comma(name, [*STACK_AXES, "seed", *PATHS])]
        return [*names, "help"] if "help".startswith(name) else names
    axes = name.split(TOGETHER)
    if len(axes) == 1:
        return [f"{name}={each}" for each in _after_comma(values, [*axis_words(name)])]
    row = values.rpartition(TOGETHER)[2].split(BESIDE)
    if len(row) > len(axes):
        return []
    follows = BESIDE if len(row) < len(axes) else ""
    before = incomplete.removesuffix(row[-1])
    return [f"{before}{word}{follows}" for word in axis_words(axes[len(row) - 1]) if word.startswith(row[-1])]


def sizes(incomplete: str) -> list[str]:
    """The sizes that a name may become."""
    from store.asking.selection import SIZES

    return sorted(name for name in SIZES if name.startswith(incomplete))


def axes(incomplete: str) -> list[str]:
    """The axes of a config that a name may become."""
    from pipeline.config import AXIS_PATHS
    from pipeline.sweep.grid import PATHS, STACK_AXES

    return [name for name in (*STACK_AXES, *AXIS_PATHS, *PATHS) if name.startswith(incomplete)]


def splits(incomplete: str) -> list[str]:
    """What `--by` may become: an axis, a stem or a label; behind the sign, a value of the axis that is a word."""
    from pipeline.sweep.axis_table import axis_words

    def offered(begin: str) -> list[str]:
        name, sign, values = begin.partition("=")
        if not sign:
            return [*axes(name), *(each for each in ("stem", "label") if each.startswith(name))]
        return [f"{name}={each}" for each in _after_comma(values, [*axis_words(name)])]

    return unbroken(offered, incomplete)


def _after_comma(incomplete: str, names: list[str]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    written = before.split(",")
    return [f"{before}{comma}{name}" for name in names if name.startswith(last) and name not in written]
