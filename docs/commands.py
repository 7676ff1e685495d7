"""Writes docs/commands.md from the command itself: `python docs/commands.py`. A test says when the page is stale."""

import sys
from pathlib import Path

import typer

sys.path.insert(0, str(Path(__file__).parents[1]))

from cli.app import app
from cli.examples import PAGES

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 96
HEAD = """# Commands

Every command with its options, as `erfsweep COMMAND --help` prints them; `python docs/commands.py` writes this page.

Results go to stdout, everything else to stderr. An error is one sentence on stderr; `--debug`, anywhere in the line,
shows the traceback too.

## Formats

| `--format` | is |
| --- | --- |
| `table` | the default on a terminal |
| `plain` | the default in a pipe: columns aligned with spaces |
| `csv` | a header and every digit, nothing for NULL |
| `tsv` | the same with tabs |
| `json` | an array of objects, or one object if the answer has only one |
| `jsonl` | one object in each line |
| `markdown` | pipe tables of GitHub Flavored Markdown |
| `latex` | `tabular` with the rules of the package booktabs: `\\usepackage{booktabs}`; pdfLaTeX's own fonts suffice |
| `html` | a `<table>` in ASCII that needs no style sheet and no script |
| `classic` | for `table` and `run`: the layout of the original program |

`csv`, `tsv`, `json` and `jsonl` are for programs. They use the names of `erfsweep fields`, and their columns do not
depend on the rows. The other formats are for readers:

- They leave out axes that all rows share, and columns of states if nothing went wrong.
- Numbers have as many decimals as their column needs, so that their points align. The heads have units.
- With `--over`, a mean and its spread share one cell, `mean ± deviation [low, high]`, with `n=` if only some of the
  draws have the size. For programs these are the columns `NAME`, `NAME_n`, `NAME_sd`, `NAME_low` and `NAME_high`.
- If a terminal is too narrow, `table` leaves out columns that are the same in all rows, then the intervals of spreads,
  and then, unless you chose the columns, some of the usual ones; stderr says which. If that does not fit either, it
  prints one field in each line.

Every format shows characters that are not printable (terminal controls, marks of writing direction) as escapes, `\\x1b`
or `\\u202e`, and LaTeX also those that its fonts lack. In CSV and TSV, text that a spreadsheet would run as a formula
begins with a `'`; numbers stay numbers.

## Exit codes

| exit code | means |
| --- | --- |
| 0 | success |
| 1 | some configs failed |
| 2 | wrong input |
| 3 | a problem with the store |
| 4 | a problem with the engine |
| 70 | an internal error |
| 129, 130, 143 | interrupted by SIGHUP, Ctrl-C, SIGTERM |

## Completion

`erfsweep --install-completion` makes Tab complete commands, options, choices, columns (in `--where` too), axes and
those of their values that are words, sweeps, presets, ids and positions (`SWEEP:`) in your shell: bash, zsh, fish or
PowerShell. `_ERFSWEEP_COMPLETE=source_zsh erfsweep` prints the script for the shell that you name. Names come from a
store in a file (`--db`, `ERFSWEEP_DB` or the one in the working directory), which Tab only reads; a server is not
asked.

## `--where`

A condition over the columns of `erfsweep fields`, written as in Python and answered by the database:

```text
kernel == 3 and depth in (1, 2, 4) and ratio < 0.8
like(config, '4x*') and eff_rf is not None
not dead and eff_rf / theo_rf_y <= 0.5 or state == 'failed'
sweep in ('first', 'second') and probes.count == 16 and macs < 1e6
```

You can write a column as its path in a config, here and in `--columns`, `--sort` and `--over`: `probes.count` is
`probes_count` ([Fields](fields.md)).

`==` `!=` `<` `<=` `>` `>=` (also chained), `in`, `not in`, `is None`, `is not None`, `and`, `or`, `not`, `+` `-` `*`
`/`, brackets, numbers, text in quotes, `True`, `False`. In `like`, `*` stands for any characters and `?` for one; case
counts. A comparison with NULL is neither true nor false, so its row is left out; division by zero is NULL. Only `is
None` selects NULL. A condition has at most 2,000 characters, 400 terms, integers of 64 bits, and 10 levels; a chain
such as `a + b + c` or `p and q and r` is one level. If no row meets the condition, stderr says how many rows there
are.
"""


def page() -> str:
    """The page, in Markdown."""
    root = typer.main.get_command(app)
    return HEAD + "".join(f"\n## `{name}`\n\n```text\n{text}\n```\n" for name, text in _pages(root, None))


def _pages(command: "typer.core.TyperCommand", parent: "typer.Context | None") -> "list[tuple[str, str]]":
    context = typer.Context(command, info_name=command.name, parent=parent, terminal_width=WIDTH)
    context.help_option_names = ["-h", "--help"]
    command.epilog = (command.epilog or "").replace(str(PAGES), "docs")  # the path is another wherever it is installed
    found = [(context.command_path, command.get_help(context).strip())]
    for inner in getattr(command, "commands", {}).values():
        found += _pages(inner, context)
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
