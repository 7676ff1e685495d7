"""Where the files of an export are written before they get to their places, and what dead exports have left there."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from store.queue.owner import owner_of, this_owner

_PREFIX = ".export-"
_FILES = "files"
_OWNER = "owner"
"""The process that writes, as the queue names the owner of a claim: another export sees whether it still runs."""


@contextmanager
def staged(beside: Path) -> Iterator[Path]:
    """An empty folder within `beside`, on the same file system; it is removed at the end with what is left in it.

    What exports of processes that are gone for certain have left in `beside` is removed first. Raises OSError where
    nothing can be written.
    """
    _remove_dead(beside)
    hidden = Path(tempfile.mkdtemp(dir=beside, prefix=_PREFIX))
    try:
        (hidden / _OWNER).write_text(str(this_owner()), encoding="utf-8")
        files = hidden / _FILES
        files.mkdir()  # with the mode of a folder that this user makes, as the hidden one has not
        yield files
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _remove_dead(beside: Path) -> None:
    """Removes folders that hold a dead owner and files of an export, and nothing else; others stay without a word."""
    for left in sorted(beside.glob(f"{_PREFIX}*")):
        with suppress(OSError, UnicodeError):
            is_ours = not left.is_symlink() and {each.name for each in left.iterdir()} <= {_OWNER, _FILES}
            if is_ours and owner_of((left / _OWNER).read_text(encoding="utf-8")).is_dead:
                shutil.rmtree(left)
