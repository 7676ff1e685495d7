"""What people write in `--where` out of habit from SQL, C or pandas, and what to write instead."""

import re
from typing import NamedTuple

_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_NUMBER = r"\d\w*(?:\.\w*)?(?:(?<=[eE])[+-]\d+)?"
_SIGN = r"===|!==|==|!=|<=|>=|<>|=~|=<|=>|&&|\|\||:=|\*\*|//"
_TOKEN = re.compile(rf"(?P<string>{_STRING})|(?P<number>{_NUMBER})|(?P<word>[^\W\d]\w*)|(?P<sign>{_SIGN}|\S)")

_STRINGS = re.compile(_STRING)
_COMPARED = re.compile(
    r"\b(?P<column>config|stem|label)\s*(?:==?|!=)(?P<stem>.{1,200}?)"
    r"(?=\s(?:and|or|AND|OR)\s|&&|\|\||$)"
)

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
    ";": "a condition is one expression; leave out `;` and what follows",
    "%": "there is no remainder; write a share as a number, as 0.5",
    **dict.fromkeys(("^", "**"), "there are no powers; write `kernel * kernel`"),
    "//": "write `/`, which divides without rounding",
    "@": "--where asks for the stored sizes; write eff_rf, or leave the condition to --mass with one share",
    **dict.fromkeys("“”„‘’‚«»", "write straight quotes, ' or \""),
}
_KEYWORDS = ("and", "or", "not", "in", "is", "like")
_PATTERN = "write like(config, '4x*'), where * stands for any characters and ? for one"
_LONGEST = 60
"""Characters of a text that is written out again."""
_WORDS = {
    **{word.upper(): f"write `{word}`" for word in _KEYWORDS},
    **{word.title(): f"write `{word}`" for word in _KEYWORDS},
    **dict.fromkeys(("null", "nil", "none", "nan", "na", "undefined"), "write `is None` or `is not None`"),
    **dict.fromkeys(("isnull", "notnull", "isna", "notna", "isnan"), "write `is None` or `is not None`"),
    "true": "write `True`",
    "false": "write `False`",
    "between": "write `2 <= depth <= 4`",
    "where": "leave it out; the option is the word",
    **dict.fromkeys(("select", "order", "limit", "group", "having"), "--columns, --sort, --limit and --over do that"),
    **dict.fromkeys(("glob", "ilike", "rlike", "regexp", "matches", "contains", "startswith", "endswith"), _PATTERN),
}


class Cure(NamedTuple):
    """What is foreign in an expression, what it is, and what to write instead."""

    written: str
    advice: str
    what: str = "is not part of --where"


def cure(text: str, columns: frozenset[str]) -> Cure | None:
    """The first part of an expression that belongs to another language; None where there is none.

    `columns` are the names that stand for columns, whatever they look like.
    """
    if stem := _bare_stem(text):
        return stem
    for token in _TOKEN.finditer(text):
        written = token[0]
        if written in ("'", '"'):  # a quote that is never closed: all that follows may be text
            return None
        if token.lastgroup == "number" and not _is_number(written):
            return Cure(written, _quoted("config", written), "is not a number")
        found = _advice(token, text, columns)
        if found is not None:
            return Cure(written, found)
    return None


def _bare_stem(text: str) -> Cure | None:
    """A stem that is compared with a text without quotes around it."""
    for found in _COMPARED.finditer(_STRINGS.sub(lambda quoted: "'" * len(quoted[0]), text)):
        if "'" in found["stem"]:
            continue
        from pipeline.stem import is_notation  # most conditions do without it

        written = text[found.start("stem") : found.end("stem")].strip()
        if is_notation(written):
            return Cure(written, _quoted(found["column"], written), "is a stem")
    return None


def _quoted(column: str, written: str) -> str:
    """How a text is written; a long one only in part."""
    shown = written if len(written) <= _LONGEST else f"{written[:_LONGEST]}..."
    return f"text stands in quotes, as in {column} == '{shown}'"


def _advice(token: re.Match[str], text: str, columns: frozenset[str]) -> str | None:
    written = token[0]
    match token.lastgroup:
        case "sign":
            return _SIGNS.get(written)
        case "word" if written in columns or written in ("None", "True", "False"):
            return None
        case "word" if written.lower() == "like" and text[token.end() :].lstrip()[:1] != "(":
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
