"""The configs of a sweep, once it is known that they can be used."""

from collections.abc import Callable, Iterable, Iterator

from pipeline.limits import DEFAULT_MAX_CONFIGS
from pipeline.sweep.names import Labelled
from pipeline.sweep.sweep import Sweep, check_size

BUILT_FIRST = 10_000
"""Of at most so many configs each is built before anything is stored; of more, those that `Sweep.check` builds."""


def checked(
    sweep: Sweep,
    most: int = DEFAULT_MAX_CONFIGS,
    watched: Callable[[Iterator[Labelled]], Iterable[Labelled]] = iter,
) -> Iterable[Labelled]:
    """The configs of a sweep with their labels, those that come again included, to be read as often as is wanted.

    `watched` is given the iterator over what is built before this returns: it may show how far that is.
    Raises InputError for a sweep of more than `most` distinct configs, or with one that cannot be used.
    """
    check_size(sweep, most)
    if sweep.size <= BUILT_FIRST:
        return list(watched(sweep.labelled()))
    sweep.check()
    return Anew(sweep.labelled)


class Anew:
    """The configs that a function yields, from the first one each time that they are read."""

    def __init__(self, configs: Callable[[], Iterator[Labelled]]) -> None:
        self._configs = configs

    def __iter__(self) -> Iterator[Labelled]:
        return self._configs()
