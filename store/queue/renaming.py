"""Giving a sweep another name."""

from sqlalchemy import Connection, func, select, update

from pipeline.errors import InputError, quote
from pipeline.sweep.names import NAME_RULE, is_name, unstored
from store.database.connection import Store
from store.database.schema import sweep as sweep_table
from store.queue.states import holders
from store.queue.sweep_ids import sweep_id


def rename(store: Store, old: str, new: str) -> None:
    """Gives a sweep another name; its configs, results and place in the list of sweeps stay.

    Raises InputError where there is no sweep `old`, for a `new` name that is taken, not valid, or that of a stem, a
    preset or a sweep file, and while a process measures some of the sweep: it asks for it by its name.
    """
    if not is_name(new):
        raise InputError(f"{quote(new)} is not a valid name for a sweep: {NAME_RULE}")
    if what := unstored(new):
        raise InputError(f"the name {quote(new)} is {what}, which the sweep would hide; choose another")

    def work(connection: Connection) -> None:
        key = sweep_id(connection, old)
        taken = select(func.count()).where(sweep_table.c.name == new)
        if connection.execute(taken).scalar_one():
            raise InputError(f"there is a sweep {quote(new)} already; choose another name, or remove it first")
        living = [holder for holder in holders(connection, key) if not holder.is_gone]
        if living:
            held = ", ".join(f"{holder.owner.place} holds {holder.configs}" for holder in living)
            raise InputError(f"the sweep {quote(old)} is being measured ({held}); rename it when that has ended")
        connection.execute(update(sweep_table).where(sweep_table.c.id == key).values(name=new))

    store.reshaping(work)
