"""Runs the benchmarks named on the command line, or all, and writes their figures with the machine's description.

python -m benchmarks [kernel] [startup] [sweeps] [networks] [expected] [--to benchmarks.json]

`networks` measures whole networks, which takes some minutes, and `expected` goes through 2,000 random configs, which
takes half an hour: both run only where they are named.
"""

import argparse
import json
import os
from pathlib import Path

for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # every library takes the processor for what it is
    if os.environ.pop(variable, None) is not None:
        print(f"{variable} is left out of account")
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # before a library reads them
    os.environ.setdefault(variable, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

from benchmarks import expected, kernel, networks, startup, sweeps  # noqa: E402  # the threads of BLAS are settled first
from benchmarks.machine import description  # noqa: E402

USUAL = {"kernel": kernel.main, "startup": startup.main, "sweeps": sweeps.main}
BENCHMARKS = {**USUAL, "networks": networks.main, "expected": expected.main}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--to", type=Path, default=Path("benchmarks.json"), help="where the figures are written")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in BENCHMARKS:
            parser.error(f"{name!r} is no benchmark; choose from {', '.join(BENCHMARKS)}")
    figures: dict[str, object] = {"machine": description()}
    for name in arguments.names or USUAL:
        print(f"\n{name}")
        figures[name] = BENCHMARKS[name]()
    arguments.to.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\nwritten to {arguments.to}")


if __name__ == "__main__":
    main()
