"""Labels, names and files of configs that are listed again, on every database."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from pipeline.config import Config, Probes
from pipeline.errors import InputError
from pipeline.stem import Plane
from pipeline.sweep.names import Labelled
from store.asking.query import rows, status
from store.asking.records import find
from store.database.connection import Store
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.renaming import rename
from store.queue.saving import save
from store.queue.sweeps import Mode, Submission, known, remove, submit
from tests.store.fakes import ORIGIN, configs, failed, measure_all

ME = this_owner()
ONE, TWO, THREE = configs(3)


def listed(store: Store, sweep: str, mode: Mode = "new", **labels: str | None) -> Submission:
    """Submits some of the three configs under labels."""
    by_name = {"one": ONE, "two": TWO, "three": THREE}
    return submit(
        store, sweep, dict(labels), [Labelled(by_name[name], label) for name, label in labels.items()], ORIGIN, mode
    )


def labels(store: Store, sweep: str | None = None) -> list[str]:
    return [row[0] for row in rows(store, sweep, columns=["config"]).rows]


def test_each_sweep_has_labels_of_its_own(store: Store) -> None:
    listed(store, "a", one="first", two=None)
    listed(store, "b", two="b's two", one="b's one", three=None)
    assert labels(store, "a") == ["first", TWO.stem]
    assert labels(store, "b") == ["b's two", "b's one", THREE.stem]
    assert labels(store) == ["first", "b's two", THREE.stem]  # the first that there is
    assert [find(store, name).label for name in ("a:0", "b:1", "a:1")] == ["first", "b's one", TWO.stem]
    assert find(store, ONE.digest).label == "first"
    assert rows(store, where='config == "b\'s two"', columns=["stem"]).rows == [(TWO.stem,)]
    assert rows(store, "a", where="config == 'first'", columns=["position"]).rows == [(0,)]
    remove(store, "a")
    assert labels(store) == ["b's one", "b's two", THREE.stem]


def test_new_labels_of_the_same_list_are_taken(store: Store) -> None:
    listed(store, "a", one="old", two="kept", three=None)
    measure_all(store, "a")
    again = listed(store, "a", one="new", two="kept", three="now")
    assert (again.added, again.new, again.states["done"].configs) == (0, 0, 3)
    assert labels(store, "a") == ["new", "kept", "now"]
    assert find(store, "a:0").sweeps[0].specs == ({"one": "new", "two": "kept", "three": "now"},)
    listed(store, "a", one=None, two=None, three=None)
    assert labels(store, "a") == [ONE.stem, TWO.stem, THREE.stem]
    with pytest.raises(InputError, match="exists with another list"):
        listed(store, "a", one="other", two=None)
    assert labels(store, "a") == [ONE.stem, TWO.stem, THREE.stem]


def test_what_is_appended_leaves_labels_alone_and_what_replaces_does_not(store: Store) -> None:
    listed(store, "a", one="old")
    listed(store, "a", "append", one="other", two="fresh")
    assert labels(store, "a") == ["old", "fresh"]
    listed(store, "a", "replace", two="first", one=None)
    assert labels(store, "a") == ["first", ONE.stem]


@pytest.mark.parametrize("name", ["5x5", "gap", "luo2016", "a b", "", "caf\u00e9"])
def test_a_new_sweep_has_a_name_of_its_own(store: Store, name: str) -> None:
    with pytest.raises(InputError):
        listed(store, name, one=None)
    assert status(store).configs == 0


@pytest.mark.parametrize("mode", ["new", "append", "replace"])
def test_a_file_that_moved_is_read_where_it_lies_now(store: Store, mode: Mode) -> None:
    def filed(folder: str) -> list[Labelled]:
        found = [
            Config("3x3", Plane(21, 21), probes=Probes("file", n, path=f"/{folder}/x.npy", sha256="0" * 64))
            for n in (1, 2, 3, 4)
        ]
        return list(map(Labelled, found))

    submit(store, "a", {}, filed("old"), ORIGIN)
    first, second, _, _ = claim(store, ME, "a", limit=4)
    save(store, ME, [failed(first.digest)])  # three are held
    assert [state for _, state in known(store, filed("old"))] == ["failed", "running", "running", "running"]
    assert [state for _, state in known(store, filed("new"))] == ["queued", "running", "running", "running"]
    submit(store, "a" if mode != "new" else "b", {}, filed("new"), ORIGIN, mode)
    again = claim(store, ME, "a", limit=4)
    assert [job.digest for job in again] == [first.digest]
    assert find(store, first.digest).config.probes.path == "/new/x.npy"
    assert find(store, second.digest).config.probes.path == "/old/x.npy"  # its worker reads it already


def test_a_path_is_no_part_of_a_digest() -> None:
    here = Config("3x3", Plane(21, 21), probes=Probes("file", 1, path=str(Path("a")), sha256="0" * 64))
    assert here.digest == replace(here, probes=replace(here.probes, path="b")).digest


def test_a_sweep_that_is_measured_keeps_its_name(store: Store) -> None:
    listed(store, "a", one="first")
    (job,) = claim(store, ME, "a", seconds=1, least=1)
    with pytest.raises(InputError, match=r"'a' is being measured \(.* holds 1\); rename it when that has ended"):
        rename(store, "a", "b")
    save(store, ME, [failed(job.digest)])
    rename(store, "a", "b")
    assert labels(store, "b") == ["first"]
