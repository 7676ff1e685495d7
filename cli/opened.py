"""The stores that a command has open: closed when it ends, so that SQLite leaves one file behind and no log."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.database.connection import Store

_stores: "list[Store]" = []


def opened(url: str, *, create: bool = True) -> "Store":
    """The store at a URL, as `store.database.opening.open_store` opens it, until `close_stores`."""
    from store.database.opening import open_store

    store = open_store(url, create=create, say=_say)
    _stores.append(store)
    return store


def opened_if_there(url: str, *, create: bool = True) -> "Store | None":
    """The store at a URL, None where its file is yet to be made: what is refused leaves no file behind."""
    from store.database.address import address
    from store.database.file import file_exists

    where = address(url)
    return None if where.path is not None and not file_exists(where) else opened(url, create=create)


def _say(text: str) -> None:
    from cli.render.visible import visible
    from store.database.secret import masked

    sys.stderr.write(f"erfsweep: {visible(masked(text))}\n")


def damage_lines() -> list[str]:
    """Sentences about the damage that was met in the stores that are open; none where all is well."""
    damaged = [store for store in _stores if len(store.damages)]
    if not damaged:
        return []
    from cli.damage import damage_lines

    return [line for store in damaged for line in damage_lines(store)]


def close_stores() -> None:
    """Closes every store that the command opened."""
    while _stores:
        _stores.pop().close()
