"""Writes docs/fields.md from the fields themselves: `python docs/fields.py`. A test says when the page is stale."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cli.render.markup import markdown_text
from store.asking.fields import fields
from store.database.groups import GROUPS

PAGE = Path(__file__).with_name("fields.md")
HEAD = """# Fields

Every column that `--where`, `--columns` and `--sort` take, and that the view `results` has, as `erfsweep fields` lists
them; `python docs/fields.py` writes this page. [What is measured](measuring.md) has the definitions of the sizes.

Where a config holds a column under another name, as sweeps and `-s` write it, both names mean the same: `probes.count`
is the column `probes_count` and the axis of either name. `--columns` also takes the name of a group, a glob such as
`eff_*`, and `all`.
"""


def page() -> str:
    """The page, in Markdown."""
    return HEAD + "".join(_section(group, what) for group, what in GROUPS.items())


def _section(group: str, what: str) -> str:
    rows = [
        (
            f"`{each.name}`" + (f" `{each.path}`" if each.path else ""),
            each.type,
            each.unit,
            markdown_text(each.description),
            f"`{each.source}`",
            " ".join(f"`--{option}`" for option in each.options),
        )
        for each in fields()
        if each.group == group
    ]
    names = ("field", "type", "unit", "meaning", "read from", "changed by")
    kept = [i for i in range(len(names)) if any(row[i] for row in rows)]
    table = [[names[i] for i in kept], ["---" for _ in kept], *([row[i] for i in kept] for row in rows)]
    lines = "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in table)
    return f"\n## `{group}`\n\n{what[0].upper()}{what[1:]}.\n\n{lines}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
