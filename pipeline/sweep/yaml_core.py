"""YAML as version 1.2 reads it: PyYAML with the core schema of the specification in place of the types of YAML 1.1.

In 1.1 `010` is eight, `1:30` ninety and `yes` true. By the core schema (YAML 1.2.2, section 10.3.2) `010` is ten,
`0o10` eight, `1e3` a number, and `1:30`, `1_000`, `yes`, `off` and dates are text.
"""

import re
from typing import Any

import yaml

from pipeline.errors import InputError, quote
from pipeline.stem import MAX_NESTING
from pipeline.sweep.number import number

MAX_DIGITS = 40

_TAG = "tag:yaml.org,2002:"
_CORE = {  # what is none of these is text; the first letters are those that PyYAML looks a scalar up by
    "null": (re.compile(r"~|null|Null|NULL|"), "~nN"),
    "bool": (re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    "int": (re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"), "-+0123456789"),
    "float": (
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        "-+.0123456789",
    ),
}


class Loader(yaml.SafeLoader):
    """Safe YAML 1.2 without aliases, repeated keys and deep nesting. Raises InputError for these."""

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # as PyYAML's

    def __init__(self, text: str, what: str) -> None:
        super().__init__(text)
        self.what = what
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node of the document; scalars have their tag. Raises InputError as the class says."""
        if self.check_event(yaml.AliasEvent):
            raise InputError(f"{self.what} uses a YAML alias; write the value out")
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise InputError(f"{self.what} nests deeper than {MAX_NESTING} levels; flatten it")
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}int" and len(node.value) > MAX_DIGITS:
            raise InputError(f"{self.what} holds the integer {quote(node.value)}; none here is that long")
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The dictionary of a mapping. Raises InputError for a key that stands twice."""
        seen = set()
        for entry, _ in node.value:
            key = self.construct_object(entry)
            if key in seen:
                raise InputError(f"{self.what} gives {quote(key)} twice; keep one")
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_core_int(self, node: yaml.ScalarNode) -> int:
        """A decimal integer, whatever zeros it begins with, or one after 0o or 0x."""
        text = self.construct_scalar(node)
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))

    def construct_core_float(self, node: yaml.ScalarNode) -> int | float:
        """A decimal fraction or power, `.inf` or `.nan`."""
        text = self.construct_scalar(node).lower()
        return float(text.replace(".", "")) if text.endswith(("inf", "nan")) else number(text)

    def construct_core_bool(self, node: yaml.ScalarNode) -> bool:
        """`true` or `false`."""
        return {"true": True, "false": False}[self.construct_scalar(node).lower()]


for _name, (_pattern, _letters) in _CORE.items():
    Loader.add_implicit_resolver(_TAG + _name, re.compile(f"(?:{_pattern.pattern})\\Z"), ["", *_letters])
for _name, _construct in (
    ("int", Loader.construct_core_int),
    ("float", Loader.construct_core_float),
    ("bool", Loader.construct_core_bool),
):
    Loader.add_constructor(_TAG + _name, _construct)


def load(text: str, what: str) -> Any:
    """The value of a YAML document; `what` names it in errors.

    Raises InputError for text that is no YAML, and for what `Loader` refuses.
    """
    try:
        loader = Loader(text, what)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not readable"
        raise InputError(f"{what} is not YAML{where}: {problem}; mend it") from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        # A key that is a list, `!!int ""`, `!!bool maybe`.
        raise InputError(f"{what} holds a value that cannot be read ({error}); put it in quotes") from None
