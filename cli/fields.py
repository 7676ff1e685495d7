"""`erfsweep fields`: every column that a user can name."""

from cli.options import MACHINE_FORMATS, FormatOption


def command(format_: FormatOption = None) -> None:
    """List the columns for --where, --columns and --sort.

    With their groups, which --columns takes as well, their units, their paths in a config, and what they mean; as csv
    or json also with their types, where they are read from, and the options that change them.
    """
    from cli.render.tables import default_format, print_table
    from store.asking.fields import fields
    from store.asking.table import Table

    rows = [
        (
            each.name,
            each.group,
            each.type,
            each.unit or None,
            each.path or None,
            each.source,
            ", ".join(each.options) or None,
            each.description,
        )
        for each in fields()
    ]
    names = ("field", "group", "type", "unit", "path", "source", "options", "meaning")
    table = Table(names, rows)
    is_for_machines = (format_ or default_format()) in MACHINE_FORMATS
    print_table(table if is_for_machines else table.only(("field", "group", "unit", "path", "meaning")), format_)
