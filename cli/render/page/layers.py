"""Which rows of the page are layers of one network."""

from typing import TYPE_CHECKING, Any

from cli.render.visible import visible

if TYPE_CHECKING:
    from store.asking.table import Table


def layers_of(table: "Table") -> dict[str, Any]:
    """The networks among rows, which have `NETWORKS_FROM`, as the page is told of them; every text is printable.

    `names` of networks and `stages` in order; for each row its network and its stage, by their numbers, or None.
    """
    from store.asking.layers import networks

    found = networks(table)
    return {
        "names": [visible(name) for name in found.names],
        "stages": [visible(name) for name in found.stages],
        "of": found.of,
        "at": found.at,
    }
