"""What msgspec found wrong in a user's value, in plain English: what the field takes, and what stands there instead.

The choices, bounds and fields come from the types of the structs, so that no message has to be kept up with them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from pipeline.errors import quote

_STEP = r"\.(\w+)|\[(\d+)\]"
_UNKNOWN = r"(?s)Object contains unknown field `(.*)`"
_MISSING = r"Object missing required field `(\w+)`"
_NUMBER = r"-?[0-9]+(\.[0-9]+)?"
_SCHEMES = {"kaiming": "he", "xavier": "glorot"}
"""PyTorch's names of two schemes of weights."""
_NEAR = 0.5
"""How much of a word two spellings of it share, at the least."""


def sentence(error: Exception, given: object, kind: Any) -> str:
    """A clause about the value `given` that msgspec could not convert to the type `kind`."""
    problem, _, path = str(error).partition(" - at `$")
    where = path.rstrip("`").lstrip(".")
    found, hint = _at(where, given, kind)
    if unknown := re.fullmatch(_UNKNOWN, problem):
        fields = _fields(hint)
        hint = nearest(unknown[1], fields)
        return f"{where or 'it'} has no field {quote(unknown[1])}{hint} (it has {listed(fields, 'and')})"
    if missing := re.fullmatch(_MISSING, problem):
        return f"{where or 'it'} lacks the field {missing[1]}"
    if problem.startswith(("Expected", "Invalid")):
        if isinstance(found, str) and re.fullmatch(_NUMBER, found):
            return f"{where or 'it'} must be {takes(hint)}, not the text {quote(found)}; leave its quotes out"
        near = nearest(str(found), choices(hint)) if isinstance(found, str) else ""
        return f"{where or 'it'} must be {takes(hint)}, not {quote(_written(found))}{near}"
    return f"{where}: {problem}" if where else problem  # of a struct's own check, which names field and value


def takes(hint: Any) -> str:
    """What a type takes, as words: `an integer from 0 to 4294967295`, `float32 or float64`."""
    bounds: Any = None
    if get_origin(hint) is Annotated:
        hint, bounds = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        options = [option for option in get_args(hint) if option not in (NoneType, msgspec.UnsetType)]
        if all(_is_struct(option) for option in options):
            return "a mapping"
        words = [get_args(each) if get_origin(each) is Literal else (takes(each),) for each in options]
        return listed([word for several in words for word in several])
    if get_origin(hint) is Literal:
        return listed(get_args(hint))
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        least = bounds.min_length if bounds is not None and bounds.min_length else 0
        if inner[-1] is Ellipsis:
            return f"a list of at least {least}" if least else "a list"
        return f"a list of {len(inner)} integers{_or_pairs(inner)}"
    if _is_struct(hint):
        return f"a mapping of {listed(_fields(hint), 'and')}"
    if hint is int:
        return "an integer" + ("" if bounds is None else f" from {bounds.ge} to {bounds.le}")
    if hint is str:
        return "text" if bounds is None else bounds.description or "64 hexadecimal digits"
    return {float: "a number", bool: "true or false"}.get(hint, "another value")


def nearest(word: str, choices: Sequence[str]) -> str:
    """`; did you mean ...?` for a word that is none of the choices, empty where none is near."""
    scheme, _, law = word.lower().partition("_")
    known = [choice for choice in choices if choice.startswith(_SCHEMES.get(scheme, "\0")) and choice.endswith(law)]
    near = known or get_close_matches(word.lower()[:64], choices, 2, _NEAR)
    return f"; did you mean {listed(near)}?" if near else ""


def _at(where: str, given: Any, kind: Any) -> tuple[Any, Any]:
    """The value at a path, and the type that it should have."""
    for key, index in re.findall(_STEP, f".{where}" if where and where[0] != "[" else where):
        kind = _field(kind, key, given) if key else _item(kind, int(index))
        try:
            given = given[key] if key else given[int(index)]
        except (TypeError, KeyError, IndexError):
            given = None
    return given, _of_tag(kind, given)


def _field(kind: Any, name: str, given: Any) -> Any:
    structs = [option for option in _options(kind) if _is_struct(option)]
    if len(structs) > 1 and name == "layer":
        return Literal[tuple(option.__struct_config__.tag for option in structs)]
    owner = _of_tag(kind, given)
    owner = structs[0] if len(structs) == 1 and not _is_struct(owner) else owner  # of a list or a mapping the latter
    if not _is_struct(owner):
        return Any
    written = dict(zip(owner.__struct_encode_fields__, owner.__struct_fields__, strict=True))
    return get_type_hints(owner, include_extras=True).get(written.get(name, name), Any)


def _of_tag(kind: Any, given: Any) -> Any:
    """Of several layers the one that a mapping is tagged as; any other type as it is."""
    if not isinstance(given, Mapping):
        return kind
    tag = given.get("layer")
    return next(
        (option for option in _options(kind) if _is_struct(option) and option.__struct_config__.tag == tag), kind
    )


def _item(kind: Any, index: int) -> Any:
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    inner = next((get_args(option) for option in _options(kind) if get_origin(option) is tuple), (Any, Ellipsis))
    return inner[0] if inner[-1] is Ellipsis else inner[min(index, len(inner) - 1)]


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _fields(kind: Any) -> tuple[str, ...]:
    structs = [option for option in _options(kind) if _is_struct(option)]
    return tuple(dict.fromkeys(name for struct in structs for name in struct.__struct_encode_fields__))


def choices(hint: Any) -> tuple[str, ...]:
    """The words that a type takes, or some of them where they are too many to count."""
    words: list[str] = []
    for option in _options(hint):
        if get_origin(option) is Literal:
            words += map(str, get_args(option))
        elif get_origin(option) is Annotated:
            words += get_args(option)[1].examples or ()
    return tuple(words)


def _or_pairs(inner: tuple[Any, ...]) -> str:
    """What else than integers a list holds, of the padding of two axes each of which may have two ends."""
    return " or pairs" if any(get_origin(each) in (Union, UnionType) for each in inner) else ""


def listed(words: Iterable[object], joint: str = "or") -> str:
    """Words in a row: `a, b or c`."""
    *first, last = map(str, words)
    return f"{', '.join(first)} {joint} {last}" if first else last


def _written(value: object) -> object:
    """A value as a sweep file writes it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else value
