"""New sizes from old heatmaps, kept in the place of those that an older version read."""

from store.asking.query import rows
from store.asking.reading import new_sizes
from store.database.connection import Store
from store.database.rows import chunks
from store.queue.saving import save_sizes


def take_sizes_again(store: Store, sweep: str | None = None) -> int:
    """Reads all sizes of a sweep, or of everything, off the stored heatmaps and saves them; how many results that is.

    Results whose heatmap is missing or damaged keep theirs, and are told to the store's `damages`.
    """
    listed = rows(store, sweep, columns=("digest", "spec", "n_nan"))
    return sum(save_sizes(store, chunk) for chunk in chunks(new_sizes(store, listed.dicts())))
