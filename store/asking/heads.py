"""What the columns of a table are of: their field, and the unit that their numbers have."""

from store.asking.table import Table

AT = "@"
"""Between the name of a size and the share of the mass that it holds, where a table has several: `eff_rf@0.5`."""
PARTS = ("n", "sd", "low", "high")
"""What a table of groups has beside the mean of a column, as `NAME_sd`."""
MAP = "map"
"""The size of the averaged heatmap, as `NAME_map`."""


def unit(column: str) -> str:
    """The unit of a column of a table, empty where it has none or is no field.

    >>> unit("luo"), unit("eff_rf@0.5_sd"), unit("luo_n"), unit("ratio"), unit("luo kernel=3")
    ('px', 'px', '', '', 'px')
    """
    from store.asking.fields import BY_NAME  # with SQLAlchemy, which a command that prints no results does without

    found = BY_NAME.get(base(column.partition(" ")[0]))
    return "" if found is None or (column.endswith("_n") and column not in BY_NAME) else found.unit


def units(table: Table) -> tuple[str, ...]:
    """The unit of each column of a table, empty where it has none."""
    return tuple(unit(name) or (table.unit if "=" in name else "") for name in table.columns)


def is_of_one_quantity(column: str) -> bool:
    """Whether the numbers of a column are all of one quantity: those of a field, or of a turned table.

    In other tables, such as the sizes of one config, each row may be of another.

    >>> is_of_one_quantity("luo_sd"), is_of_one_quantity("ratio kernel=3"), is_of_one_quantity("value")
    (True, True, False)
    """
    from store.asking.fields import BY_NAME

    return base(column) in BY_NAME or "=" in column


def base(column: str) -> str:
    """The field that a column of a table is of, or the column itself.

    >>> base("eff_rf@0.5_sd"), base("luo_ratio"), base("other")
    ('eff_rf', 'luo_ratio', 'other')
    """
    from store.asking.fields import BY_NAME

    if column in BY_NAME:
        return column
    name, _, part = column.rpartition("_")
    return (name if part in (*PARTS, MAP) else column).partition(AT)[0]
