"""What msgspec found wrong in a value, in words."""

import re

from pipeline.errors import quote

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def sentence(error: Exception, given: object) -> str:
    """A clause with the path of the field in front and the value that stands there in `given`."""
    problem, _, path = str(error).partition(" - at `$")
    where = path.rstrip("`")
    found = given
    for key, index in _STEP.findall(where):
        try:
            found = found[key] if key else found[int(index)]  # type: ignore[index]  # what cannot be indexed is caught
        except (TypeError, KeyError, IndexError):
            break
    else:
        if problem.startswith("Expected"):  # the other problems name the value themselves
            problem = f"{problem.partition(', got ')[0]}, not {quote(found)}"
    problem = problem[:1].lower() + problem[1:]
    return f"config field {where.lstrip('.')}: {problem}" if where else problem
