"""Whole networks, with trained layers, against PyTorch's autograd: time, and what was expected of time and memory.

Each network is read out at a late layer, whose cone is the whole plane, and at earlier ones, whose window is smaller.
Four probes, one thread. Parameters of every layer are drawn at random and read from a file, as an imported network has
them: biases, statistics and scales count on both sides. Times are processor time, so that a busy machine does not
count, from probes and weights to the gradient by the input; PyTorch computes the whole plane, in the better of both
memory layouts. Rounds go through all in turn, and figures are medians. `config` is the whole measurement of a heatmap,
which is held against what was expected of it.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

from benchmarks.memory import peak
from benchmarks.workloads import arrays_of
from pipeline.config import Config
from pipeline.gradient import plan_of
from pipeline.gradient.erf import input_gradient, measure_heatmap, step_parameters
from pipeline.ops.buffer import Array
from pipeline.stem import Affine, BatchNorm, Convolution, LayerNorm, Network, network, read_stem_file
from pipeline.sweep.build import build

PROBES = 4
ROUNDS = 3
EXAMPLES = Path(__file__).parents[1] / "examples"
NETWORKS: tuple[tuple[str, str, str], ...] = (  # example, plane, layer that is read out
    ("resnet50", "224x224x3", "c5"),
    ("resnet50", "224x224x3", "c4"),
    ("resnet50", "224x224x3", "c3"),
    ("resnet50", "224x224x3", "c2"),
    ("convnext_t", "448x448x3", "stage3"),
    ("convnext_t", "448x448x3", "stage2"),
    ("convnext_t", "448x448x3", "stage1"),
    ("yolov8n_neck", "320x320x3", "n3"),
    ("yolov8n_neck", "320x320x3", "p4"),
    ("yolov8n_neck", "320x320x3", "p3"),
)
"""Of each network the first layer sees the whole plane."""


Peer = Callable[[], Any]


def parameters(nodes: Network) -> dict[str, Array]:
    """Random parameters of every layer of a network that has some, by their names in a file of weights."""
    random = np.random.default_rng(0)
    found = {}
    for node in nodes:
        channels, name = node.output.channels, f"layer{node.index}."
        if isinstance(node.layer, Convolution):
            deviation = np.sqrt(2 / node.fan_in)
            found[f"{name}weight"] = random.normal(0, deviation, node.weight_shape).astype(np.float32)
            if isinstance(nodes[min(node.index + 1, len(nodes) - 1)].layer, BatchNorm):
                continue  # its shift is the convolution's bias
        elif isinstance(node.layer, BatchNorm | LayerNorm | Affine):
            found[f"{name}weight"] = random.uniform(0.5, 1.5, channels).astype(np.float32)
        else:
            continue
        found[f"{name}bias"] = random.normal(0, 0.2, channels).astype(np.float32)
        if isinstance(node.layer, BatchNorm):
            found[f"{name}running_mean"] = random.normal(0, 0.2, channels).astype(np.float32)
            found[f"{name}running_var"] = random.uniform(0.5, 1.5, channels).astype(np.float32)
    return found


def configs(folder: Path, examples: Iterable[str] | None = None) -> list[tuple[str, str, str, Config]]:
    """(example, plane, layer, config) of each network and layer, or of those of some examples.

    Files of weights are written into the folder.
    """
    found = []
    for example, plane, layer in NETWORKS:
        if examples is not None and example not in examples:
            continue
        stem, weights = read_stem_file(EXAMPLES / f"{example}.stem"), folder / f"{example}.npz"
        fields: dict[str, Any] = {"stem": stem, "input": plane, "probes": {"count": PROBES}}
        if not weights.exists():
            whole = build(fields)
            np.savez(weights, **parameters(network(whole.stem, whole.input)))  # type: ignore[arg-type]
        fields |= {"init": {"kind": "file", "path": str(weights)}, "readout": {"layer": layer}}
        found.append((example, plane, layer, build(fields)))
    return found


def peers(config: Config) -> dict[str, Peer]:
    """What is timed, by name."""
    import torch

    from benchmarks import torch_peer

    torch.set_num_threads(1)
    one = arrays_of(config)
    drawn = step_parameters(one.plan.cone.steps, one.weights, np.dtype(config.dtype))
    return {
        "kernel": lambda: input_gradient(one.plan.cone, config.readout, one.probes, drawn, None),
        "config": lambda: measure_heatmap(config, one.plan),
        "whole": torch_peer.whole_plane(one),
        "whole, channels last": torch_peer.whole_plane(one, torch.channels_last),
    }


def seconds(timed: dict[str, Peer]) -> dict[str, float]:
    """Median processor seconds of each peer over rounds in turn."""
    samples: dict[str, list[float]] = {name: [] for name in timed}
    for count in range(ROUNDS + 1):
        for name, peer in timed.items():
            started = time.process_time()
            peer()
            if count:  # the first call makes what later ones reuse
                samples[name].append(time.process_time() - started)
    return {name: statistics.median(taken) for name, taken in samples.items()}


def row(config: Config) -> dict[str, Any]:
    """Times and ratios of one network and layer."""
    plan = plan_of(config)
    took = seconds(peers(config))
    whole, room = min(took["whole"], took["whole, channels last"]), peak(config)
    return {
        "window": plan.cone.box.height,
        "seconds": took,
        "expected": plan.kernel_seconds,
        "bytes": plan.working_set,
        "peak": room,
        "whole / kernel": whole / took["kernel"],
        "measured / expected": took["config"] / plan.kernel_seconds,
        "peak / bytes": room / plan.working_set,
    }


def main() -> list[dict[str, Any]]:
    """Prints the table."""
    columns = ("window", "kernel", "whole", "whole/k", "config", "expected", "/expected", "MB", "expected", "/expected")
    print(f"{'milliseconds':<32}" + "".join(f"{name:>11}" for name in columns))
    rows = []
    with tempfile.TemporaryDirectory() as folder, threadpoolctl.threadpool_limits(1):
        for example, plane, layer, config in configs(Path(folder)):
            found = row(config)
            rows.append({"network": example, "plane": plane, "layer": layer, **found})
            took = found["seconds"]
            whole = min(took["whole"], took["whole, channels last"])
            times = [took["kernel"], whole, took["config"], found["expected"]]
            kernel, peer, config_time, expected = (f"{time * 1e3:.1f}" for time in times)
            room, foreseen = (f"{found[name] / 1e6:.1f}" for name in ("peak", "bytes"))
            ratios = (f"{found[name]:.2f}" for name in ("whole / kernel", "measured / expected", "peak / bytes"))
            ahead, late, large = ratios
            cells = (found["window"], kernel, peer, ahead, config_time, expected, late, room, foreseen, large)
            print(f"{f'{example} {layer}, {plane}':<32}" + "".join(f"{cell:>11}" for cell in cells), flush=True)
    return rows


if __name__ == "__main__":
    main()
