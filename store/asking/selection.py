"""What a user selects: rows of a sweep or of everything, and the sizes that they are to have."""

import msgspec

from pipeline.result import Sizes
from store.asking.choices import CenterName

SIZES = frozenset(Sizes.__struct_fields__) - {"reasons"}


class Selection(msgspec.Struct, frozen=True):
    """Rows of a sweep (None: of everything). `mass` None and `center` unit are what the store holds.

    digests: those of the configs whose rows these are alone; None: of all.
    """

    sweep: str | None = None
    where: str | None = None
    sort: tuple[str, ...] = ()
    limit: int | None = None
    mass: float | None = None
    center: CenterName = "unit"
    digests: tuple[str, ...] | None = None

    @property
    def is_stored(self) -> bool:
        """Whether the store holds the sizes as they are asked for."""
        return self.mass is None and self.center == "unit"
