"""The columns of a config that follow from it, whoever stores it and in whatever state."""

from typing import Any

import msgspec

from pipeline.config import Config, axes
from pipeline.theory import costs


def following(config: Config) -> tuple[Any, ...]:
    """The axes and costs of a config, in the order of the columns of its table."""
    return *msgspec.structs.astuple(axes(config)), *msgspec.structs.astuple(
        costs(config.stem, config.input, config.layer)
    )


def following_by_name(config: Config) -> dict[str, Any]:
    """The same by column, with the stem in its notation."""
    of_network = costs(config.stem, config.input, config.layer)
    return {"stem": config.stem, **msgspec.structs.asdict(axes(config)), **msgspec.structs.asdict(of_network)}
