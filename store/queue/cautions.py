"""What a reader should know of one result before trusting it, as words that are stored beside it and indexed.

`status` and the end of a run count them: asking the numbers they follow from means to read every result and its config.
"""

from collections.abc import Mapping
from typing import Any

DEAD = "dead"
"""No probe's gradient reaches the input."""
THIN = "thin"
"""Fewer than half of the probes have a gradient."""
OF_ONE_CHANNEL = "of_one_channel"
"""Dead or thin, and not the sum of all channels."""
CUT_OFF = "cut_off"
"""The window leaves the plane, which is not by a global layer."""

NEEDED = ("dead", "n_zero", "n_nan", "saturated", "is_global")
"""The columns of a result that cautions follow from."""


def cautions(measured: Mapping[str, Any], probes_count: int, channel: str) -> str | None:
    """The cautions of a result between commas, None where there is nothing to say.

    `measured` has the columns in `NEEDED`; number of probes and channel of the readout are those of its config.

    >>> ok = {"dead": False, "n_zero": 8, "n_nan": 0, "saturated": False, "is_global": False}
    >>> cautions(ok, 16, "0"), cautions(ok | {"n_nan": 1}, 16, "0"), cautions(ok | {"saturated": True}, 16, "0")
    (None, 'thin,of_one_channel', 'cut_off')
    """
    words = []
    if measured["dead"]:
        words.append(DEAD)
    elif 2 * (measured["n_zero"] + measured["n_nan"]) > probes_count:
        words.append(THIN)
    if words and channel != "sum":
        words.append(OF_ONE_CHANNEL)
    if measured["saturated"] and not measured["is_global"]:
        words.append(CUT_OFF)
    return ",".join(words) or None
