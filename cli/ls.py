"""`erfsweep ls`: the sweeps of a store."""

from cli.options import DbOption, FormatOption, store_url


def command(format_: FormatOption = None, db: DbOption = None) -> None:
    """List the stored sweeps with their configs by state."""
    from cli.opened import opened
    from cli.render.tables import print_table
    from cli.render.times import local_time
    from store.asking.query import sweeps
    from store.asking.table import Table
    from store.database.schema import STATES

    listed = sweeps(opened(store_url(db), create=False))
    rows = [
        (each.name, each.configs, *(each.states.get(state, 0) for state in STATES), local_time(each.created_at))
        for each in listed
    ]
    print_table(Table(("sweep", "configs", *STATES, "submitted"), rows), format_)
