"""`erfsweep ls`: the sweeps of a store."""

from datetime import datetime

from cli.options import DbOption, FormatOption, store_url


def command(format_: FormatOption = None, db: DbOption = None) -> None:
    """List the stored sweeps with their configs by state."""
    from cli.opened import opened
    from cli.render.tables import print_table
    from store.asking.query import sweeps
    from store.asking.table import Table
    from store.database.schema import STATES

    listed = sweeps(opened(store_url(db), create=False))
    rows = [
        (each.name, each.configs, *(each.states.get(state, 0) for state in STATES), _when(each.created_at))
        for each in listed
    ]
    print_table(Table(("sweep", "configs", *STATES, "submitted"), rows), format_)


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="seconds")
