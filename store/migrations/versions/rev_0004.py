"""The fourth revision: a config has the number of the layer that is read out, its weights and its multiply-adds.

They follow from its stem and its input plane, so that a store of many draws computes few of them. The view `results`
has a row for each place of a config in a sweep since this revision.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_AT_ONCE = 1000
_PLACE = ("stem", "height", "width", "channels")
_NEW = ("layer", "params", "macs")


def upgrade() -> None:
    """Adds and fills the columns."""
    for name in _NEW:
        op.add_column("config", sa.Column(name, INTEGER, nullable=True))
    config = sa.table("config", *(sa.column(name) for name in ("id", *_PLACE, *_NEW)))
    new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in _NEW}
    fill = sa.update(config).where(config.c.id == sa.bindparam("key")).values(new)
    for chunk in _chunks(config):
        op.get_bind().execute(fill, [{"key": key, **_filled(*place)} for key, *place in chunk])
    with op.batch_alter_table("config") as batch:
        batch.alter_column("layer", existing_type=INTEGER, nullable=False)


def _chunks(config: Any) -> Iterator[list[Any]]:
    """Keys, stems and planes of all configs, some at a time."""
    last = -1
    columns = sa.select(config.c.id, *(config.c[name] for name in _PLACE)).order_by(config.c.id).limit(_AT_ONCE)
    while rows := op.get_bind().execute(columns.where(config.c.id > last)).all():
        yield [*rows]
        last = rows[-1].id


@lru_cache(maxsize=4096)
def _filled(stem: str, height: int, width: int, channels: int) -> dict[str, int | None]:
    from pipeline.stem import Plane, network
    from pipeline.theory import costs

    plane = Plane(height, width, channels)
    found = costs(stem, plane)
    return {"new_layer": network(stem, plane)[-1].index, "new_params": found.params, "new_macs": found.macs}
