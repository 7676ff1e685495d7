"""`erfsweep db`: the store itself."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.examples import epilog
from cli.exit import ExitCode
from cli.options import MACHINE_FORMATS, DbOption, FormatOption, store_url

_CURES = {
    "measure": "to be measured again",
    "sizes": "its heatmap tells it",
    "theory": "the config tells it",
    "cautions": "the result tells them",
    "config": "the config tells it",
    "drop": "the row is of no use",
    "view": "it can be made anew",
    "none": "only a backup has it, or remove its sweep",
}
"""What can be done about a damaged value."""

app = typer.Typer(
    name="db",
    add_completion=False,
    rich_markup_mode=None,
    help="Look at, upgrade, check, back up, restore or copy the store itself.",
    epilog=epilog("db"),
)


@app.command(epilog=epilog("db info"))
def info(format_: FormatOption = None, db: DbOption = None) -> None:
    """Show where the store is, its revision, its size, and its contents."""
    import msgspec

    from cli.opened import opened
    from cli.render.tables import default_format, print_one
    from pipeline.errors import amount
    from store.upkeep.transfer import info as info_of

    found = msgspec.to_builtins(info_of(opened(store_url(db), create=False)))
    if format_ != "json":
        for part in ("tables", "states"):
            found |= {f"{part}.{name}": number for name, number in found.pop(part).items()}
    if (format_ or default_format()) not in MACHINE_FORMATS:
        found["size"] = amount(found["size"])
    print_one(found, format_)


@app.command(epilog=epilog("db upgrade"))
def upgrade(db: DbOption = None) -> None:
    """Bring the store to the revision of this erfsweep, after a backup copy of an SQLite file."""
    from store.database.upgrade import upgrade as upgrade_url

    done = upgrade_url(store_url(db))
    if done.before == done.after:
        sys.stdout.write(f"the store is at revision {done.after} already\n")
    else:
        kept = f"; the store as it was is kept in {done.backup}" if done.backup else ""
        sys.stdout.write(f"upgraded from revision {done.before} to {done.after}{kept}\n")


@app.command(epilog=epilog("db backup"))
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new SQLite file.")], db: DbOption = None
) -> None:
    """Write the whole store into a new SQLite file, while others go on working with it."""
    from cli.opened import opened
    from pipeline.errors import InputError, quote
    from store.upkeep.transfer import backup as backup_to

    if not file.parent.is_dir():
        raise InputError(f"there is no directory {quote(file.parent)} for the backup; make it first")
    sys.stdout.write(f"{backup_to(opened(store_url(db), create=False), file)}\n")


@app.command(epilog=epilog("db restore"))
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup, or any SQLite store.")], db: DbOption = None
) -> None:
    """Replace the store by a copy of a backup; the old store and its log are renamed."""
    from store.upkeep.restore import restore as restore_from

    done = restore_from(file, store_url(db))
    kept = f"; what was there is kept in {done.before}" if done.before else ""
    sys.stdout.write(f"{done.path} restored from {file}{kept}\n")


@app.command(epilog=epilog("db copy"))
def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="The URL of a store.")],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="The URL of an empty store; created if it does not exist.")
    ],
) -> None:
    """Copy everything from one store into an empty one, SQLite or PostgreSQL either way."""
    from cli.opened import opened
    from store.upkeep.transfer import copy as copy_all

    moved = copy_all(opened(source, create=False), opened(target))
    sys.stdout.write(", ".join(f"{number} {table}" for table, number in moved.items()) + " copied\n")


@app.command(epilog=epilog("db prune"))
def prune(db: DbOption = None) -> None:
    """Remove configs and results that belong to no sweep, and give their space back."""
    from cli.opened import opened
    from pipeline.errors import amount, counted
    from store.queue.orphans import prune as prune_store

    pruned = prune_store(opened(store_url(db), create=False))
    sys.stdout.write(
        f"{counted(pruned.configs, 'config')} that belonged to no sweep removed, {amount(pruned.bytes)} given back\n"
    )


@app.command(epilog=epilog("db check"))
def check(
    mend: Annotated[
        bool, typer.Option("--mend", help="Repair damage: compute values again, or queue configs again.")
    ] = False,
    db: DbOption = None,
) -> int:
    """Look for damage in the whole store: types, references, checksums, and sizes against heatmaps."""
    from cli.opened import opened
    from cli.render.visible import visible
    from pipeline.errors import counted
    from store.asking.query import count
    from store.upkeep.check import Finding
    from store.upkeep.check import check as check_store
    from store.upkeep.mending import mend as mend_store

    store = opened(store_url(db), create=False)
    found: list[Finding] = []
    for finding in check_store(store):
        sys.stdout.write(visible(f"{finding.damage}; {_CURES[finding.cure]}") + "\n")
        found.append(finding)
    said = f"{counted(count(store), 'config')} looked through, {counted(len(found), 'damaged value')}"
    if mend and found:
        cures = mend_store(store, found)
        again = cures.get("measure", 0)
        left = cures.get("none", 0)
        said += f"; {counted(sum(cures.values()) - left, 'row')} mended, {left:,} cannot be"
        said += f"; {counted(again, 'config')} queued to be measured again by `erfsweep work`" if again else ""
    elif found:
        said += "; --mend makes good what can be"
    sys.stdout.write(said + "\n")
    is_left = any(finding.cure == "none" or not mend for finding in found)
    return ExitCode.STORE if is_left else ExitCode.DONE
