"""What a user names to compare: the configs of a sweep, or those that an id, a place or a label stands for."""

import msgspec
from sqlalchemy import Connection, or_, select

from pipeline.errors import InputError, quote
from store.asking.records import find, names_a_record
from store.database.connection import Store
from store.database.schema import config, sweep, sweep_config


class Side(msgspec.Struct, frozen=True):
    """One side of a comparison, as it was written: a sweep, or configs by their digests where `sweep` is None."""

    name: str
    sweep: str | None
    digests: tuple[str, ...] = ()


def side(store: Store, text: str) -> Side:
    """The configs that a text names: a stored sweep; every config of a label or of a stem; one by its id or its place.

    They are looked for in this order. Raises InputError where there is none of all.
    """
    written = text.strip()
    if store.reading(lambda connection: _is_sweep(connection, written)):
        return Side(written, written)
    called = store.reading(lambda connection: _called(connection, written))
    if called:
        return Side(written, None, called)
    if names_a_record(written):
        return Side(written, None, (find(store, written).digest,))
    raise _unknown(store, written)


def check_sides(b: str | None, by: str | None) -> None:
    """Raises InputError unless exactly one says what a side is compared with: the other side, or an axis."""
    if (b is None) == (by is None):
        raise InputError(
            "a comparison is of two sides; name both, as A B, or split one by an axis, as A --by activation"
            if b is None
            else f"--by splits one side in two, so there is no {quote(b)}; leave one of them out"
        )


def _is_sweep(connection: Connection, name: str) -> bool:
    return connection.execute(select(sweep.c.id).where(sweep.c.name == name)).first() is not None


def _called(connection: Connection, name: str) -> tuple[str, ...]:
    """The digests of the configs that a sweep calls so, or whose stem this is, in the order of their submission."""
    from pipeline.stem import canonical, is_notation

    stem = canonical(name) if is_notation(name) else name
    labelled = select(sweep_config.c.config_id).where(sweep_config.c.label == name)
    meant = or_(config.c.id.in_(labelled), config.c.stem == stem)
    return tuple(connection.execute(select(config.c.digest).where(meant).order_by(config.c.id)).scalars())


def _unknown(store: Store, name: str) -> InputError:
    from pipeline.sentence import nearest

    def names(connection: Connection) -> list[str]:
        labels = select(sweep_config.c.label).where(sweep_config.c.label.is_not(None)).distinct()
        return [*connection.execute(select(sweep.c.name)).scalars(), *connection.execute(labels).scalars()]

    hint = nearest(name, store.reading(names))
    return InputError(
        f"no stored sweep, config, label or stem is called {quote(name)}{hint} (`erfsweep ls` and `erfsweep table` "
        "list them)"
    )
