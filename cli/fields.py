"""`erfsweep fields`: every column that a user can name."""

from cli.options import FormatOption


def command(format_: FormatOption = None) -> None:
    """List the columns for --where, --columns and --sort. With type, unit, the options that change it, and meaning."""
    from cli.render.tables import print_table
    from store.asking.fields import fields
    from store.asking.table import Table

    rows = [
        (each.name, each.type, each.unit or None, ", ".join(each.options) or None, each.description)
        for each in fields()
    ]
    print_table(Table(("field", "type", "unit", "options", "meaning"), rows), format_)
