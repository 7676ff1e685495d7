"""The second revision: a config's stem in its notation, labels that belong to sweeps, and the position of the unit.

`config.label` was the stem in a spelling of its own (`4x 3x3`), which the stem in its notation replaces. Stem and unit
follow from the canonical JSON, which every later version can decode, as it does for each config that it shows.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_AT_ONCE = 1000


def upgrade() -> None:
    """Adds and fills the columns."""
    op.add_column("sweep_config", sa.Column("label", TEXT, nullable=True))
    op.alter_column("config", "label", new_column_name="stem")
    op.add_column("config", sa.Column("unit_y", INTEGER, nullable=True))
    op.add_column("config", sa.Column("unit_x", INTEGER, nullable=True))
    config = sa.table("config", *(sa.column(name) for name in ("id", "json", "stem", "unit_y", "unit_x")))
    named: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in ("stem", "unit_y", "unit_x")}
    fill = sa.update(config).where(config.c.id == sa.bindparam("key")).values(named)
    for chunk in _chunks(config):
        op.get_bind().execute(fill, [_filled(key, text) for key, text in chunk])
    with op.batch_alter_table("config") as batch:
        for name in ("unit_y", "unit_x"):
            batch.alter_column(name, existing_type=INTEGER, nullable=False)


def _chunks(config: Any) -> Iterator[list[tuple[int, str]]]:
    """Keys and JSON of all configs, some at a time."""
    last = -1
    columns = sa.select(config.c.id, config.c.json).order_by(config.c.id).limit(_AT_ONCE)
    while rows := op.get_bind().execute(columns.where(config.c.id > last)).all():
        yield [(key, text) for key, text in rows]
        last = rows[-1].id


def _filled(key: int, text: str) -> dict[str, Any]:
    from pipeline.config import decode

    found = decode(text.encode())
    unit_y, unit_x = _unit(found.stem, found.input, found.readout)
    return {"key": key, "new_stem": found.stem, "new_unit_y": unit_y, "new_unit_x": unit_x}


@lru_cache(maxsize=4096)
def _unit(stem: str, plane: Any, readout: Any) -> tuple[int, int]:
    from pipeline.config import Config

    return Config(stem, plane, readout=readout).unit
