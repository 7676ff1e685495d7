"""`erfsweep import`: a model becomes a sweep file and its weights; what cannot is told in one sentence."""

import sys
from pathlib import Path

import numpy as np
import pytest

import erfsweep as erfsweep_door
from tests.cli.command import erfsweep, good

onnx_models = pytest.importorskip("tests.onnx_models")
onnx = onnx_models.onnx


@pytest.fixture
def residual():
    nodes, constants = onnx_models.residual()
    onnx.save(onnx_models.model(nodes, constants=constants), "net.onnx")
    return nodes, constants


def test_a_model_is_measured_layer_by_layer(residual):
    made = good("import", "net.onnx")
    assert made.out == "net.yaml and net.npz: 2 layers on 12x12x3, up to pool\n"
    text = Path("net.yaml").read_text()
    assert "3x3 add(3x3|)#sum max2x2/2p0#pool" in text
    assert text.startswith("# net.onnx, opset 17, by tests; up to its tensor pool\n")
    with np.load("net.npz") as arrays:
        np.testing.assert_array_equal(arrays["layer0.weight"], residual[1]["w0"].transpose(2, 3, 1, 0))
        np.testing.assert_array_equal(arrays["layer1.bias"], residual[1]["b1"])
    Path("net.onnx").unlink()
    good("run", "net.yaml", "-s", "readout.layer=0,sum,pool", "-s", "readout.channel=sum")
    rows = good("table", "net", "-c", "mark,layer,theo_rf", "-f", "csv").rows
    assert [(row["mark"], row["theo_rf"]) for row in rows] == [("", "3"), ("sum", "5"), ("pool", "6")]


def test_a_trained_network_is_compared_with_untrained_ones(residual):
    good("import", "net.onnx", "--to", "trained")
    good("run", "trained.yaml", "-s", "init.kind=file,he_normal", "-s", "seed=0,1", "-s", "readout.channel=sum")
    rows = good("table", "trained", "-c", "init,seed", "-f", "csv").rows
    assert [tuple(row.values()) for row in rows] == [("file", "0"), ("he_normal", "0"), ("he_normal", "1")]


def test_a_model_is_a_sweep(residual):
    good("run", "net.onnx", "-s", "readout.channel=sum")
    assert Path("net.onnx.yaml").is_file()
    assert good("table", "net", "-f", "csv").rows[0]["config"] == "net.onnx"


def test_theory_walks_a_model_and_writes_nothing(residual):
    rows = good("theory", "net.onnx", "-f", "csv").rows
    assert [row["rf"] for row in rows] == ["3", "5", "5", "6"]  # the sum's smallest path is the shortcut's 3
    assert [row["rf_min"] for row in rows] == ["3", "5", "3", "4"]
    assert [row["height"] for row in rows] == ["12", "12", "12", "6"]
    assert [path.name for path in Path().iterdir()] == ["net.onnx"]
    assert "has the height 12, not 15" in erfsweep("theory", "net.onnx", "--input", "15").err


def test_a_plane_that_meets_what_is_not_understood_is_not_left_out_without_a_word(residual):
    nodes = [
        ("Conv", ["x", "w0"], "a", {"pads": [1, 1, 1, 1]}),
        ("GlobalAveragePool", ["a"], "mean", {}),
        ("Softmax", ["mean"], "shares", {"axis": 1}),
        ("Mul", ["a", "shares"], "weighted", {}),
    ]
    onnx.save(onnx_models.model(nodes, constants={"w0": residual[1]["w0"]}), "shares.onnx")
    refused = erfsweep("import", "shares.onnx")
    assert refused.code == 2
    assert "node 'shares' (Softmax) of 'shares.onnx' is not understood" in refused.err
    assert "by --output 'a'" in refused.err
    assert "up to a" in good("import", "shares.onnx", "--output", "a").out
    onnx.save(onnx_models.model(nodes[:3], constants={"w0": residual[1]["w0"]}), "head.onnx")
    assert "up to a" in good("import", "head.onnx").out  # a head of single pixels is left out


def test_nothing_is_written_over_unasked(residual):
    Path("net.yaml").write_text("mine")
    refused = erfsweep("import", "net.onnx")
    assert refused.code == 2
    assert refused.err == "erfsweep: 'net.yaml' is there already; choose another name by --to, or add --replace\n"
    assert Path("net.yaml").read_text() == "mine"
    assert not Path("net.npz").exists()
    good("import", "net.onnx", "--replace")
    assert Path("net.npz").exists()


def test_free_sizes_are_settled():
    nodes, constants = onnx_models.residual()
    onnx.save(onnx_models.model(nodes, (1, 3, None, None), constants), "net.onnx")
    assert "leaves its height free; settle it by --input HxW" in erfsweep("import", "net.onnx").err
    good("import", "net.onnx", "--input", "20x24")
    assert "input: 20x24x3" in Path("net.yaml").read_text()
    assert "written 224 or 224x320, not 'a'" in erfsweep("import", "net.onnx", "--to", "b", "--input", "a").err


WRONG = {
    "an operation": (
        [("Softmax", ["x"], "y", {})],
        {},
        "node 'y' (Softmax) of 'net.onnx' is not understood: there is no layer for this operation",
    ),
    "a loop": ([("Add", ["x", "b"], "a", {}), ("Relu", ["a"], "b", {})], {}, "waits for itself"),
    "a missing tensor": ([("Relu", ["nothing"], "a", {})], {}, "reads 'nothing', which nothing makes"),
    "a tensor made twice": ([("Relu", ["x"], "a", {}), ("Relu", ["x"], "a", {})], {}, "is made twice"),
    "channels": (
        [("Conv", ["x", "w"], "a", {})],
        {"w": np.ones((1, 5, 3, 3), np.float32)},
        "its weights are for 5 channels, it reads 3",
    ),
    "weights that are not constant": ([("Conv", ["x", "x"], "a", {})], {}, "its weights are not constants"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_not_understood_is_told_in_one_sentence(kind):
    nodes, constants, said = WRONG[kind]
    onnx.save(onnx_models.model(nodes, constants=constants), "net.onnx")
    ended = erfsweep("import", "net.onnx")
    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert not list(Path().glob("net.[yn][ap]*"))


def test_the_tensors_before_what_is_not_understood_are_offered():
    nodes, constants = onnx_models.residual()
    nodes.append(("Softmax", ["pool"], "attention", {}))
    onnx.save(onnx_models.model(nodes, constants=constants), "net.onnx")
    assert erfsweep("import", "net.onnx").err.endswith("end the network before it, by --output 'pool'\n")
    good("import", "net.onnx", "--output", "pool")
    assert "perhaps 'pool' is meant" in erfsweep("import", "net.onnx", "--to", "b", "--output", "pol").err


def test_external_data_stay_in_the_folder_of_the_model(tmp_path):
    nodes, constants = onnx_models.residual()
    made = onnx_models.model(nodes, constants=constants)
    onnx.save(made, "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    good("import", "net.onnx")
    model = onnx.load("net.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = "/etc/passwd" if entry.key == "location" else entry.value
    Path("net.onnx").write_bytes(model.SerializeToString())
    assert "outside of the model's folder" in erfsweep("import", "net.onnx", "--to", "other").err


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x08" * 100, bytes(range(256))])
def test_a_file_that_is_no_model_is_told(data):
    Path("net.onnx").write_bytes(data)
    ended = erfsweep("import", "net.onnx")
    assert ended.code == 2
    assert "is not an ONNX model" in ended.err


def test_python_imports_as_the_command_does(residual):
    good("import", "net.onnx", "--to", "by-command")
    sweep, weights = erfsweep_door.import_model("net.onnx", "by-python")
    assert sweep == Path("by-python.yaml")
    assert Path("by-command.yaml").read_text() == sweep.read_text().replace("by-python", "by-command")
    assert weights.exists()
    with pytest.raises(erfsweep_door.InputError, match="is there already"):
        erfsweep_door.import_model("net.onnx", "by-python")


def test_a_package_that_is_missing_is_named(monkeypatch):
    Path("net.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnx", None)
    said = (
        "erfsweep: models are read by onnx, which is not installed; "
        f"type `{sys.executable} -m pip install 'erfsweep[onnx]'`\n"
    )
    assert erfsweep("import", "net.onnx").err == said
