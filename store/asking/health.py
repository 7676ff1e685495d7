"""What a reader should know of results before trusting them, counted from the index of their cautions."""

from collections.abc import Mapping
from operator import ge
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, exists, func, not_, select, true

from pipeline.errors import InputError
from store.database.connection import Store
from store.database.schema import config, result, sweep_config
from store.queue.cautions import CUT_OFF, DEAD, OF_ONE_CHANNEL, THIN
from store.queue.states import Count
from store.queue.sweep_ids import sweep_id

WIDEST = 50
"""Layers of stems that are named where the windows of many leave their planes."""


class Health(msgspec.Struct, frozen=True):
    """How many configs there are, and how many of them a reader should look at.

    dead: no probe's gradient reaches the input. thin: fewer than half of the probes have a gradient. of_one_channel:
    dead or thin, and not the sum of all channels. cut_off: the window leaves the plane, which is not by a global layer.
    off_centre: cut off, and of a unit whose place was written, which no plane need hold. widest: (stem, channels of its
    input, index of the layer that is read out, None for the last) of the others that are cut off, the widest windows
    first, at most 50.
    """

    configs: int
    dead: int
    thin: int
    of_one_channel: int
    cut_off: int
    off_centre: int
    failed: int
    killed: int
    widest: tuple[tuple[str, int, int | None], ...] = ()


def side_that_holds(found: Health) -> tuple[int, bool] | None:
    """The side, in pixels, of a plane that holds the windows of all in `widest`; None where there is none.

    With it whether the plane that is chosen for the stem as a whole, where none is written, holds them, too. It does
    not where a layer behind the one that is read out sees the whole plane, of whatever size.
    """
    from pipeline.sweep.input_plane import input_plane

    try:
        sides = [input_plane(stem, {"channels": channels}, layer).height for stem, channels, layer in found.widest]
        chosen = [input_plane(stem, {"channels": channels}).height for stem, channels, _ in found.widest]
    except InputError:  # no plane holds one of them
        return None
    return (max(sides), all(map(ge, chosen, sides))) if sides else None


def health(store: Store, sweep: str | None, states: Mapping[str, Count]) -> Health:
    """Counts the configs of one sweep, or of everything, whose numbers by state were asked a moment ago."""

    def work(connection: Connection) -> Health:
        key = None if sweep is None else sweep_id(connection, sweep)
        words = _cautions(connection, key)
        made = Health(
            configs=sum(count.configs for count in states.values()),
            dead=words.get(DEAD, 0),
            thin=words.get(THIN, 0),
            of_one_channel=words.get(OF_ONE_CHANNEL, 0),
            cut_off=words.get(CUT_OFF, 0),
            off_centre=0,
            failed=states["failed"].configs,
            killed=states["killed"].configs,
        )
        return _with_places(connection, key, made) if made.cut_off else made

    return store.reading(work)


def _cautions(connection: Connection, key: int | None) -> dict[str, int]:
    """How many results have each caution."""
    listed = select(result.c.cautions, func.count()).where(result.c.cautions.is_not(None))
    found: dict[str, int] = {}
    rows = connection.execute(listed.where(_is_in(key, result.c.config_id)).group_by(result.c.cautions))
    for words, number in rows:
        for word in str(words).split(","):
            found[word] = found.get(word, 0) + number
    return found


def _with_places(connection: Connection, key: int | None, made: Health) -> Health:
    """The same with the units of what is cut off: those whose place was written, and the stems of the others."""
    from pipeline.config import decode

    cut_off = and_(result.c.cautions.is_not(None), result.c.cautions.contains(CUT_OFF), _is_in(key, config.c.id))
    joined = result.join(config, result.c.config_id == config.c.id)
    is_centred = config.c.json.contains('"position":"center"')
    placed = select(func.count()).select_from(joined).where(cut_off, not_(is_centred))
    alike = config.c.stem, config.c.channels, result.c.theo_rf, result.c.theo_rf_y  # seeds differ, windows do not
    listed = select(config.c.stem, config.c.channels, func.min(config.c.json)).select_from(joined).group_by(*alike)
    widest = listed.where(cut_off, is_centred).order_by((result.c.theo_rf + result.c.theo_rf_y).desc()).limit(WIDEST)
    stems = tuple((stem, channels, decode(text.encode()).layer) for stem, channels, text in connection.execute(widest))
    return msgspec.structs.replace(made, off_centre=connection.execute(placed).scalar_one(), widest=stems)


def _is_in(key: int | None, config_id: Any) -> Any:
    """The condition that a config belongs to a sweep; true of everything where no sweep is named."""
    if key is None:
        return true()
    return exists().where(sweep_config.c.config_id == config_id, sweep_config.c.sweep_id == key)
