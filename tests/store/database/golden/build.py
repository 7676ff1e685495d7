"""Builds the golden database of the code's revision: `python -m tests.store.database.golden.build`.

A golden database is kept for each revision and never built again: it is what users of that revision have on disk.
"""

import sys
from pathlib import Path

from pipeline.sweep.names import Labelled
from store.database.opening import open_store
from store.database.schema import REVISION
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.sweeps import submit
from tests.store.fakes import ORIGIN, configs, done, failed, queue


def build(path: Path) -> None:
    """Two sweeps that share a config, which the second has a label for: one done, one dead, one failed, one queued."""
    if path.exists():
        sys.exit(f"{path} exists, and is kept as it is")
    store = open_store(f"sqlite:///{path}")
    queue(store, "growth", count=3)
    shared, own = configs(2, first=2)
    submit(
        store, "later", {"count": 2}, [Labelled(shared, "the third"), Labelled(own)], ORIGIN, cost=lambda config: 0.5
    )
    me = this_owner()
    one, two, three = claim(store, me, "growth")
    save(store, me, [done(one.digest), done(two.digest, eff_rf=None, dead=True), failed(three.digest)])
    store.close()


if __name__ == "__main__":
    build(Path(__file__).with_name(f"{REVISION}.db"))
