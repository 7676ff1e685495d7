"""What the parts of a large sweep cost: fake tasks of known length on the real queue and a real Dask scheduler.

python -m benchmarks.scale cluster [--workers 200] [--length 0.5] [--configs 10000] [--drivers 1] [--server URL]
python -m benchmarks.scale store [--configs 10000,100000] [--server URL]

`cluster` runs the loop of `erfsweep work` (`benchmarks.metered_driver`), one Dask scheduler for each driver, and a
process that holds the workers (`benchmarks.simulated_workers`), all over TLS on the loopback. `store` claims and saves
without a cluster, and then reads: `table` and `export`. Both are on SQLite, or on PostgreSQL with --server. Figures are
processor time for each config, so that a busy machine does not change them much; rates are by the clock.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.fresh_store import fresh_store
from pipeline.config import Config, Init
from pipeline.stem import Plane
from pipeline.sweep.names import Labelled
from store.database.connection import Store
from store.database.opening import open_store
from store.queue.provenance import origin
from store.queue.sweeps import submit

PYTHON = [sys.executable, "-m"]


def queue(url: str, configs: int, length: float) -> dict[str, float]:
    """Queues configs that are expected to take `length` seconds each; processor time and bytes for each."""
    listed = (Labelled(Config("4x3x3", Plane(21, 21), init=Init(seed=seed))) for seed in range(configs))
    store = open_store(url)
    clock = time.process_time()
    submit(store, "scale", {"configs": configs}, listed, origin(), cost=lambda config: length)
    spent = time.process_time() - clock
    size = size_of(store)
    if not store.address.is_sqlite:  # as autovacuum does in a while
        with store.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    store.close()
    return {"submit": 1e6 * spent / configs, "bytes": size / configs}


def size_of(store: Store) -> int:
    """Bytes that a store takes, without its log."""
    asked = "SELECT pg_database_size(current_database())"
    if store.address.is_sqlite:
        asked = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    with store.read() as connection:
        return int(connection.execute(text(asked)).scalar_one())


@contextmanager
def certificates(folder: Path) -> Iterator[Path]:
    """A folder with ca.pem, cert.pem and key.pem, for every part of a cluster."""
    from distributed.security import Security

    made = Security.temporary()
    for name, pem in (("ca", made.tls_ca_file), ("cert", made.tls_client_cert), ("key", made.tls_client_key)):
        path = folder / f"{name}.pem"
        path.touch(0o600)
        path.write_text(pem)
    yield folder


@contextmanager
def process(*command: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A module that runs while this is open; its log is in `folder`."""
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen([*PYTHON, *command], stdout=log, stderr=log)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def cluster(url: str, configs: int, workers: int, length: float, drivers: int) -> list[dict[str, Any]]:
    """Works off a queue of `configs` by `drivers`, each with a cluster of `workers`; the figures of each driver."""
    with ExitStack() as stack:
        commands = []
        for number in range(drivers):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            tls, file = stack.enter_context(certificates(folder)), folder / "scheduler.json"
            pems = [f"--tls-{name}={tls / path}" for name, path in PEMS]
            listening = ("--scheduler-file", str(file), "--host", "tls://127.0.0.1", "--port", "0", "--no-dashboard")
            started = process("distributed.cli.dask_scheduler", *listening, *pems, folder=folder)
            scheduler = stack.enter_context(started)
            wait_for(file.exists)
            at = (str(file), str(workers), str(length), "--tls", str(tls))
            fleet = stack.enter_context(process("benchmarks.simulated_workers", *at, folder=folder))
            wait_for(lambda file=file, tls=tls: count(file, tls) == workers)
            clocks = [f"--process=scheduler={scheduler.pid}", f"--process=workers={fleet.pid}"]
            to = named(url, number), str(configs // drivers), "--scheduler", str(file), "--tls", str(tls)
            commands.append([*PYTHON, "benchmarks.metered_driver", *to, *clocks])
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
        return [json.loads(each.communicate()[0]) for each in running]


PEMS = ("ca-file", "ca.pem"), ("cert", "cert.pem"), ("key", "key.pem")


def named(url: str, number: int) -> str:
    """The URL by which the connections of a driver are known to the server."""
    return url if url.startswith("sqlite") else f"{url}?application_name=driver_{number}"


def count(file: Path, tls: Path) -> int:
    """How many workers a scheduler has."""
    from distributed import Client
    from distributed.security import Security

    ca, cert, key = (str(tls / path) for _, path in PEMS)
    security = Security(tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True)
    with Client(scheduler_file=str(file), security=security, set_as_default=False) as client:
        return len(client.scheduler_info(n_workers=-1)["workers"])


def wait_for(is_so: Callable[[], bool], patience: float = 300.0) -> None:
    """Waits until something is so. Raises SystemExit after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"the cluster did not come up within {patience:.0f} s")
        time.sleep(0.2)


def drained(url: str, configs: int) -> dict[str, Any]:
    """Claims and saves everything without a cluster."""
    command = [*PYTHON, "benchmarks.metered_driver", named(url, 0), str(configs)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    store = open_store(url, create=False)
    found["bytes"] = size_of(store) / configs
    store.close()
    return found


def reading(url: str, configs: int, *words: str) -> float:
    """Microseconds of processor time that a command takes for each config."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*PYTHON, "erfsweep", "--db", url, *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e6 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / configs


def report(found: dict[str, Any], indent: str = "  ") -> None:
    """Prints figures, those of a part beneath its name."""
    for name, value in found.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            report(value, indent + "  ")
        else:
            print(f"{indent}{name:<28} {value:>12,.4g}" if value < 1000 else f"{indent}{name:<28} {value:>12,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("part", choices=("cluster", "store"))
    parser.add_argument("--configs", default="10000", help="how many are queued; several numbers with commas between")
    parser.add_argument("--workers", type=int, default=200, help="of each driver")
    parser.add_argument("--length", type=float, default=0.5, help="seconds that a config takes")
    parser.add_argument("--drivers", type=int, default=1)
    parser.add_argument("--server", metavar="URL", help="a PostgreSQL server where databases may be made, not SQLite")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path.cwd())
    for configs in map(int, arguments.configs.split(",")):
        with tempfile.TemporaryDirectory() as folder, fresh_store(arguments.server, folder) as url:
            queued = queue(url, configs, arguments.length)
            print(f"{configs:,} configs of {arguments.length:g} s", flush=True)
            report({"queued": queued})
            if arguments.part == "store":
                found = drained(url, configs)
                report(found)
                report(
                    {
                        "table": reading(url, configs, "table", "scale", "-f", "csv"),
                        "export": reading(url, configs, "export", "scale", "--to", f"{folder}/out"),
                    }
                )
                continue
            for number, found in enumerate(
                cluster(url, configs, arguments.workers, arguments.length, arguments.drivers)
            ):
                print(f" driver {number}, {arguments.workers} workers")
                report(found)


if __name__ == "__main__":
    main()
