"""Optional libraries, in the extras of pyproject.toml: how whoever lacks one installs it."""

import shlex
import sys


def install(extra: str) -> str:
    """The command that installs the libraries of an extra into the environment of this erfsweep.

    It holds wherever erfsweep came from (a clone, a wheel, an index), as pip finds erfsweep itself there already.
    """
    return f"`{shlex.quote(sys.executable or 'python3')} -m pip install 'erfsweep[{extra}]'`"
