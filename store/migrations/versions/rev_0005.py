"""The fifth revision: a config has the mark of the layer that is read out, and the number of its probe if it has one.

Configs of older stores have neither.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the columns."""
    op.add_column("config", sa.Column("mark", TEXT, nullable=True))
    op.add_column("config", sa.Column("probe", INTEGER, nullable=True))
