"""A sweep on SLURM: pip install dask-jobqueue, adapt the lines below, and run this on a login node.

python slurm.py SWEEP [OPTIONS OF erfsweep run]

The driver (this process and the erfsweep that it starts) stays on the login node and keeps the database there; the
jobs only measure. Make the certificates once with `sh certificates.sh ~/.erfsweep-tls`, in a home that all nodes see.
"""

import subprocess
import sys
from pathlib import Path

import dask
from dask_jobqueue import SLURMCluster
from distributed.security import Security

JOBS = 4
TLS = Path.home() / ".erfsweep-tls"

OPTIONS = {
    "queue": "normal",
    "account": None,
    "walltime": "04:00:00",
    "cores": 16,  # one worker process of one thread for each core: BLAS has one thread, the interpreter lock is its own
    "processes": 16,
    "memory": "32GB",
    "local_directory": "/tmp",  # noqa: S108  # scratch of the node; nothing of value is kept there
    "interface": None,  # the network between nodes, such as ib0, where the default is not it
}


def main() -> int:
    """Runs the sweep that the command line names; erfsweep's own exit code."""
    files = {name: str(TLS / f"{name}.pem") for name in ("ca", "cert", "key")}
    roles = ("client", "scheduler", "worker")
    security = Security(
        require_encryption=True,
        tls_ca_file=files["ca"],
        **{f"tls_{role}_cert": files["cert"] for role in roles},
        **{f"tls_{role}_key": files["key"] for role in roles},
    )
    dask.config.set({"distributed.admin.low-level-log-length": 50})  # 1,000 messages to each worker, with their data
    with SLURMCluster(protocol="tls://", security=security, **OPTIONS) as cluster:
        cluster.scale(jobs=JOBS)
        command = ["erfsweep", "run", *sys.argv[1:], "--scheduler", cluster.scheduler_address]
        command += ["--tls-ca", files["ca"], "--tls-cert", files["cert"], "--tls-key", files["key"]]
        return subprocess.run(command, check=False).returncode  # noqa: S603  # what the user wrote


if __name__ == "__main__":
    sys.exit(main())
