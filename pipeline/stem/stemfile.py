"""Files of one stem: the notation over as many lines as it likes, with `#` starting a comment."""

from pathlib import Path

from pipeline.errors import InputError, cannot_read, quote
from pipeline.stem.notation import MAX_CHARACTERS

SUFFIX = ".stem"


def read_stem_file(path: Path) -> str:
    """The stem that a file holds, in one line of notation without its comments.

    Raises InputError for a file that cannot be read, is no UTF-8 text, is larger than any stem or holds none.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_CHARACTERS + 1)
        lines = data.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise cannot_read(f"stem file {quote(path)}", error) from None
    except UnicodeDecodeError:
        raise InputError(f"stem file {quote(path)} is not UTF-8 text; save it as text") from None
    if len(data) > MAX_CHARACTERS:
        raise InputError(f"stem file {quote(path)} has more than {MAX_CHARACTERS} bytes; shorten it")
    blocks = [block for line in lines for block in line.partition("#")[0].split()]
    if not blocks:
        raise InputError(f"stem file {quote(path)} holds no stem; write one such as 7x7/2:64 max3x3/2")
    return " ".join(blocks)
