"""The third revision: results carry their cautions, words that say what a reader should know before trusting them.

They follow from the result and its config. An index has them, so that counting those that there are reads nothing else.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_AT_ONCE = 1000


def upgrade() -> None:
    """Adds and fills the column, then makes its index."""
    op.add_column("result", sa.Column("cautions", TEXT, nullable=True))
    result = sa.table("result", sa.column("config_id"), sa.column("cautions"))
    fill = sa.update(result).where(result.c.config_id == sa.bindparam("key")).values(cautions=sa.bindparam("words"))
    for chunk in _chunks():
        op.get_bind().execute(fill, chunk)
    op.create_index("ix_result_cautions", "result", ["cautions"])


def _chunks() -> Iterator[list[dict[str, Any]]]:
    """Keys of the results that have cautions, with these, some at a time."""
    names = ("config_id", "dead", "n_zero", "n_nan", "saturated", "is_global")
    result = sa.table("result", *(sa.column(name) for name in names))
    config = sa.table("config", *(sa.column(name) for name in ("id", "probes_count", "channel")))
    missing = 2 * (result.c.n_zero + result.c.n_nan)
    doubtful = sa.or_(result.c.dead, missing > config.c.probes_count, result.c.saturated)
    joined = result.join(config, result.c.config_id == config.c.id)
    columns = result.c.config_id, result.c.dead, config.c.channel, result.c.saturated, result.c.is_global
    rows = sa.select(*columns, (missing > config.c.probes_count).label("is_thin")).select_from(joined).where(doubtful)
    last = -1
    while (
        found := op.get_bind()
        .execute(rows.where(result.c.config_id > last).order_by(result.c.config_id).limit(_AT_ONCE))
        .all()
    ):
        yield [{"key": row.config_id, "words": _words(row)} for row in found]
        last = found[-1].config_id


def _words(row: Any) -> str | None:
    words = ["dead"] if row.dead else ["thin"] if row.is_thin else []
    if words and row.channel != "sum":
        words.append("of_one_channel")
    if row.saturated and not row.is_global:
        words.append("cut_off")
    return ",".join(words) or None
