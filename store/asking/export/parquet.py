"""A table as a Parquet file: types and NULLs as they are, written in parts."""

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from pipeline.errors import InputError
from pipeline.extras import install
from store.asking.fields import BY_NAME
from store.asking.table import Table
from store.database.rows import chunks
from store.database.types import Kind

if TYPE_CHECKING:
    import pyarrow

_ROWS = 5_000
"""Of a row group: enough to compress well, few enough to be in memory as Python objects."""


def check_parquet() -> None:
    """Raises InputError where pyarrow is not installed, before anything is read for it."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise InputError(
            f"Parquet is written by pyarrow, which is not installed; type {install('parquet')}, or use --format csv"
        ) from None


def write_parquet(table: Table, types: Mapping[str, Kind], stream: IO[bytes]) -> None:
    """Writes a table, whose columns have these types, to a stream, compressed with Zstandard.

    Each column carries its unit and its meaning in the metadata of the schema.
    """
    import pyarrow
    import pyarrow.parquet

    schema = _schema(types)
    with pyarrow.parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for rows in chunks(table.rows, _ROWS):
            columns = [pyarrow.array(column, field.type) for column, field in zip(zip(*rows), schema)]  # noqa: B905
            writer.write_batch(pyarrow.record_batch(columns, schema=schema))


def _schema(types: Mapping[str, Kind]) -> "pyarrow.Schema":
    import pyarrow

    arrow: dict[Kind, Any] = {
        "int": pyarrow.int64(),
        "float": pyarrow.float64(),
        "bool": pyarrow.bool_(),
        "str": pyarrow.string(),
        "json": pyarrow.string(),
    }
    return pyarrow.schema([pyarrow.field(name, arrow[kind], metadata=_meaning(name)) for name, kind in types.items()])


def _meaning(name: str) -> dict[str, str]:
    field = BY_NAME.get(name)
    return {} if field is None else {"unit": field.unit, "description": field.description}
