"""`erfsweep ls`: the sweeps of a store."""

from cli.options import MACHINE_FORMATS, DbOption, FormatOption, store_url


def command(format_: FormatOption = None, db: DbOption = None) -> None:
    """List the stored sweeps: what each is, and its configs by state."""
    from cli.opened import opened
    from cli.render.tables import default_format, print_table
    from cli.render.times import local_time
    from store.asking.query import sweeps
    from store.asking.table import Table
    from store.database.schema import STATES

    listed = sweeps(opened(store_url(db), create=False))
    is_for_reader = (format_ or default_format()) not in MACHINE_FORMATS
    shown = [state for state in STATES if not is_for_reader or any(each.states.get(state) for each in listed)]
    rows = [
        (
            each.name,
            each.configs,
            *(each.states.get(state, 0) for state in shown),
            local_time(each.created_at, "minutes" if is_for_reader else "seconds"),
            each.description,
        )
        for each in listed
    ]
    print_table(Table(("sweep", "configs", *shown, "submitted", "description"), rows), format_)
