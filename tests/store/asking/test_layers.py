"""Networks: results that differ in their layer alone, and what these are called."""

import pytest

import erfsweep
from store.asking.distinct import distinct_names
from store.asking.layers import NETWORKS_FROM, networks
from store.asking.reading import read
from store.asking.selection import Selection


@pytest.fixture
def door(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with erfsweep.open_store("sqlite:///n.db", create=True) as opened:
        yield opened


def test_draws_of_a_network_belong_to_it_and_single_layers_to_none(door):
    axes = {"readout.layer": ["a", "b"], "seed": [0, 1], "init.kind": ["he_normal", "lecun_normal"]}
    door.submit("3x3:2#a 3x3:2#b", axes=axes, name="net")
    door.submit("5x5", name="other")
    found = networks(read(door._store, Selection(), NETWORKS_FROM))
    assert found.names == ("init=he_normal", "init=lecun_normal")
    inits = [row["init"] if row["stem"] != "5x5" else None for row in door.rows(columns="init,stem")]
    assert [None if i is None else found.names[i].partition("=")[2] for i in found.of] == inits


def test_a_network_whose_layers_have_labels_is_called_by_its_notation(door):
    stem = "3x3#a 3x3#b"
    layers = [{"stem": stem, "label": f"stage {mark}", "readout": {"layer": mark}} for mark in "ba"]
    door.submit({"name": "labels", "stems": layers})
    found = networks(read(door._store, Selection("labels"), NETWORKS_FROM))
    assert (found.names, found.of, found.stages, found.at) == ((stem,), (0, 0), ("a", "b"), (1, 0))


def test_one_network_on_two_planes_is_two(door):
    door.submit("3x3#a 31x31#b", axes={"readout.layer": ["a", "b"]}, name="chosen")
    assert networks(read(door._store, Selection("chosen"), NETWORKS_FROM)).of == (0, 0)
    door.submit("3x3#a 5x5#b", axes={"readout.layer": ["a", "b"], "input": ["21", "31"]}, name="two")
    found = networks(read(door._store, Selection("two"), NETWORKS_FROM))
    assert [found.names[i] for i in found.of] == [
        f"height={row['height']}, width={row['height']}" for row in door.rows("two", columns="height")
    ]


def test_without_layers_there_are_no_networks(door):
    door.submit("3x3, 5x5, 7x7 3x3", name="s")
    found = networks(read(door._store, Selection("s"), NETWORKS_FROM))
    assert (found.names, found.of) == ((), (None, None, None))


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([{"layer": 1, "mark": "c2"}, {"layer": 4, "mark": None}], ["c2", "layer 4"]),
        (
            [{"layer": n, "mark": f"c{n}", "seed": s} for n in (1, 2) for s in (0, 1)],
            ["c1, seed=0", "c1, seed=1", "c2, seed=0", "c2, seed=1"],
        ),
        ([{"layer": 1, "mark": "c2"}, {"layer": None, "mark": None}], ["c2", "several layers"]),
        ([{"layer": 1, "seed": 0}, {"layer": 1, "seed": 1}], ["net seed=0", "net seed=1"]),
        ([{"layer": 1, "probe": 0}, {"layer": 1, "probe": None}], ["net probe=0", "net probe=none"]),
        ([{"layer": 1, "unit_y": 0}, {"layer": 1, "unit_y": 2}], ["net unit_y=0", "net unit_y=2"]),
        ([{"layer": 1, "id": "g1"}, {"layer": 1, "id": "g2"}], ["net g1", "net g2"]),
        ([{"layer": 1}], ["net"]),
    ],
)
def test_layers_and_probes_tell_results_apart(rows, names):
    assert distinct_names([{"config": "net", **row} for row in rows]) == names
