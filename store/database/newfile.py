"""A new file beside others: filled under a name that nobody can foresee, then put in its place whole."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import StoreError, quote


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """An empty file of this user's alone, which takes the place of `target` when the block ends well, and else is gone.

    No link is followed on the way, whatever lies in the folder. Raises StoreError where the folder cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=target.absolute().parent, prefix=".erfsweep-")
    except OSError as error:
        raise StoreError(f"cannot write {quote(target)}: {error.strerror}; name another folder") from None
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def copy_mode(source: Path, target: Path) -> None:
    """Lets those read and write `target` who may do so with `source`, and nobody else."""
    ours = source.stat()
    with suppress(OSError):  # only a member of the group may give the file to it
        os.chown(target, -1, ours.st_gid)
    mode = stat.S_IMODE(ours.st_mode) & 0o666
    if target.stat().st_gid != ours.st_gid:
        mode &= ~0o060
    target.chmod(mode)
