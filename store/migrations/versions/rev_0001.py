"""The first revision: sweeps, configs, attempts, results and their arrays.

A revision is history: it spells out what it made and knows nothing of today's `store.database.schema`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL = sa.Float()
TRUTH = sa.Boolean()
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BYTES = sa.LargeBinary()


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "sweep",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("spec", TEXT, nullable=False),
        sa.Column("argv", TEXT, nullable=False),
        sa.Column("versions", TEXT, nullable=False),
        sa.Column("git_commit", TEXT, nullable=True),
        sa.Column("git_dirty", TRUTH, nullable=True),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("created_at", REAL, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sweep"),
        sa.UniqueConstraint("name", name="uq_sweep_name"),
    )
    op.create_table(
        "config",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("json", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("cost", REAL, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", INTEGER, nullable=False),
        sa.Column("owner", TEXT, nullable=True),
        sa.Column("lease_until", REAL, nullable=True),
        sa.Column("kernel", INTEGER, nullable=True),
        sa.Column("depth", INTEGER, nullable=True),
        sa.Column("features", INTEGER, nullable=True),
        sa.Column("dilation", INTEGER, nullable=True),
        sa.Column("stride", INTEGER, nullable=True),
        sa.Column("activation", TEXT, nullable=True),
        sa.Column("height", INTEGER, nullable=False),
        sa.Column("width", INTEGER, nullable=False),
        sa.Column("channels", INTEGER, nullable=False),
        sa.Column("init", TEXT, nullable=False),
        sa.Column("seed", INTEGER, nullable=False),
        sa.Column("probes", TEXT, nullable=False),
        sa.Column("probes_count", INTEGER, nullable=False),
        sa.Column("probes_seed", INTEGER, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("gradient", TEXT, nullable=False),
        sa.Column("dtype", TEXT, nullable=False),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'killed')", name="known_state"),
        sa.PrimaryKeyConstraint("id", name="pk_config"),
        sa.UniqueConstraint("digest", name="uq_config_digest"),
    )
    op.create_index("ix_config_state_owner_cost", "config", ["state", "owner", "cost"])
    op.create_table(
        "sweep_config",
        sa.Column("sweep_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("position", INTEGER, autoincrement=False, nullable=False),
        sa.Column("config_id", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["config_id"], ["config.id"], name="fk_sweep_config_config_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweep.id"], name="fk_sweep_config_sweep_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sweep_id", "position", name="pk_sweep_config"),
        sa.UniqueConstraint("config_id", "sweep_id", name="uq_sweep_config_config_id_sweep_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempt",
        sa.Column("config_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("started", REAL, nullable=False),
        sa.Column("finished", REAL, nullable=False),
        sa.Column("worker", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("error_type", TEXT, nullable=True),
        sa.Column("message", TEXT, nullable=True),
        sa.Column("traceback", TEXT, nullable=True),
        sa.CheckConstraint("outcome IN ('done', 'failed', 'killed')", name="known_outcome"),
        sa.ForeignKeyConstraint(["config_id"], ["config.id"], name="fk_attempt_config_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("config_id", "number", name="pk_attempt"),
    )
    op.create_index("ix_attempt_finished", "attempt", ["finished"])
    op.create_table(
        "result",
        sa.Column("config_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("dead", TRUTH, nullable=False),
        sa.Column("n_zero", INTEGER, nullable=False),
        sa.Column("n_nan", INTEGER, nullable=False),
        sa.Column("theo_rf", INTEGER, nullable=False),
        sa.Column("theo_rf_y", INTEGER, nullable=False),
        sa.Column("center_x", REAL, nullable=False),
        sa.Column("center_y", REAL, nullable=False),
        sa.Column("saturated", TRUTH, nullable=False),
        sa.Column("misaligned", TRUTH, nullable=False),
        sa.Column("is_global", TRUTH, nullable=False),
        sa.Column("pred_sigma", REAL, nullable=True),
        sa.Column("pred_eff_rf", REAL, nullable=True),
        sa.Column("pred_luo", REAL, nullable=True),
        sa.Column("eff_rf", REAL, nullable=True),
        sa.Column("eff_rf_y", REAL, nullable=True),
        sa.Column("eff_square", REAL, nullable=True),
        sa.Column("ratio", REAL, nullable=True),
        sa.Column("ratio_y", REAL, nullable=True),
        sa.Column("radial", REAL, nullable=True),
        sa.Column("luo", REAL, nullable=True),
        sa.Column("luo_ratio", REAL, nullable=True),
        sa.Column("hdr", REAL, nullable=True),
        sa.Column("sigma_x", REAL, nullable=True),
        sa.Column("sigma_y", REAL, nullable=True),
        sa.Column("centroid_x", REAL, nullable=True),
        sa.Column("centroid_y", REAL, nullable=True),
        sa.Column("fwhm_x", REAL, nullable=True),
        sa.Column("fwhm_y", REAL, nullable=True),
        sa.Column("participation", REAL, nullable=True),
        sa.Column("gauss_sigma_x", REAL, nullable=True),
        sa.Column("gauss_sigma_y", REAL, nullable=True),
        sa.Column("gauss_r2", REAL, nullable=True),
        sa.Column("area_20", REAL, nullable=True),
        sa.Column("area_30", REAL, nullable=True),
        sa.Column("area_50", REAL, nullable=True),
        sa.Column("area_99", REAL, nullable=True),
        sa.Column("replknet_20", REAL, nullable=True),
        sa.Column("replknet_30", REAL, nullable=True),
        sa.Column("replknet_50", REAL, nullable=True),
        sa.Column("replknet_99", REAL, nullable=True),
        sa.Column("reasons", TEXT, nullable=False),
        sa.Column("erf_seconds", REAL, nullable=False),
        sa.Column("size_seconds", REAL, nullable=False),
        sa.Column("kernel_version", INTEGER, nullable=False),
        sa.Column("numpy_version", TEXT, nullable=False),
        sa.Column("blas", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["config_id"], ["config.id"], name="fk_result_config_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("config_id", name="pk_result"),
    )
    op.create_table(
        "map",
        sa.Column("config_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("heatmap", BYTES, nullable=False),
        sa.Column("curves", BYTES, nullable=False),
        sa.Column("checksum", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["config_id"], ["result.config_id"], name="fk_map_config_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("config_id", name="pk_map"),
    )
