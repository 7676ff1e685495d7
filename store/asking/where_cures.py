"""What people write in `--where` out of habit from SQL, C or pandas, and what to write instead."""

import re
from typing import NamedTuple

_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_NUMBER = r"\d\w*(?:\.\w*)?(?:(?<=[eE])[+-]\d+)?"
_SIGN = r"===|!==|==|!=|<=|>=|<>|=~|=<|=>|&&|\|\||:="
_TOKEN = re.compile(rf"(?P<string>{_STRING})|(?P<number>{_NUMBER})|(?P<word>[^\W\d]\w*)|(?P<sign>{_SIGN}|\S)")

_SIGNS = {
    **dict.fromkeys(("=", "===", ":="), "write `==`"),
    **dict.fromkeys(("<>", "!==", "≠"), "write `!=`"),
    **dict.fromkeys(("=<", "≤"), "write `<=`"),
    **dict.fromkeys(("=>", "≥"), "write `>=`"),
    **dict.fromkeys(("&", "&&"), "write `and`"),
    **dict.fromkeys(("|", "||"), "write `or`"),
    "!": "write `not`",
    "~": "write `not`, or like(config, '4x*')",
    "=~": "write like(config, '4x*')",
    "−": "write `-`",
    "×": "write `*`",
    "÷": "write `/`",
    "#": "there are no comments; leave out what follows",
    "`": "names of columns stand without quotes",
    **dict.fromkeys("“”„‘’‚«»", "write straight quotes, ' or \""),
}
_KEYWORDS = ("and", "or", "not", "in", "is", "like")
_PATTERN = "write like(config, '4x*'), where * stands for any characters and ? for one"
_WORDS = {
    **{word.upper(): f"write `{word}`" for word in _KEYWORDS},
    **{word.title(): f"write `{word}`" for word in _KEYWORDS},
    **dict.fromkeys(("null", "nil", "none", "nan", "na", "undefined"), "write `is None` or `is not None`"),
    **dict.fromkeys(("isnull", "notnull", "isna", "notna"), "write `is None` or `is not None`"),
    "true": "write `True`",
    "false": "write `False`",
    "between": "write `2 <= depth <= 4`",
    **dict.fromkeys(("glob", "ilike", "rlike", "regexp", "matches", "contains", "startswith", "endswith"), _PATTERN),
}


class Cure(NamedTuple):
    """What is foreign in an expression, and what to write instead."""

    written: str
    advice: str


def cure(text: str, columns: frozenset[str]) -> Cure | None:
    """The first part of an expression that belongs to another language; None where there is none.

    `columns` are the names that stand for columns, whatever they look like.
    """
    for token in _TOKEN.finditer(text):
        written = token[0]
        if written in ("'", '"'):  # a quote that is never closed: all that follows may be text
            return None
        found = _advice(token, text, columns)
        if found is not None:
            return Cure(written, found)
    return None


def _advice(token: re.Match[str], text: str, columns: frozenset[str]) -> str | None:
    written = token[0]
    match token.lastgroup:
        case "number" if not _is_number(written):
            return f"text stands in quotes, as in config == '{written}'"
        case "sign":
            return _SIGNS.get(written)
        case "word" if written in columns or written in ("None", "True", "False"):
            return None
        case "word" if written == "like" and text[token.end() :].lstrip()[:1] != "(":
            return _PATTERN
        case "word":
            return _WORDS.get(written) or _WORDS.get(written.lower())
    return None


def _is_number(text: str) -> bool:
    try:
        int(text, 0)
    except ValueError:
        try:
            float(text)
        except ValueError:
            return False
    return True
