"""Text in Markdown, in LaTeX and in HTML, where none of its characters is taken for markup."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from cli.options import TableFormat
from store.asking.html import html_text
from store.asking.shown import escape

_MARKDOWN = {
    **{sign: f"\\{sign}" for sign in "|\\*_`[]~$"},
    "<": "&lt;",
    "&": "&amp;",
}
_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu"),
    *("xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
)
_CAPITAL = ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega")
"""Greek letters whose capitals are no Latin ones."""
_FORMULAS = {
    **dict(zip("αβγδεζηθικλμνξπρστυφχψω", _GREEK, strict=True)),
    **dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", (each.title() for each in _GREEK if each in _CAPITAL), strict=True)),
    "≤": "leq",
    "≥": "geq",
    "≠": "neq",
    "≈": "approx",
    "∞": "infty",
    "∈": "in",
}
"""Characters by their command in a formula."""
_LATEX = {
    "\\": "\\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    # In the fonts that LaTeX starts with these are other signs, or join with those beside them.
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "\\texttt{\\char34}",
    "`": "{`}",
    # Behind the \\ of the row before these are its argument and its star.
    "[": "{[}",
    "*": "{*}",
    "±": "\\ensuremath{\\pm}",
    **{sign: f"\\ensuremath{{\\{name}}}" for sign, name in _FORMULAS.items()},
}
_LAST_LETTER = "\u017e"
_NO_LETTERS = "«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲų"
"""Up to there, Latin letters and signs that the fonts lack which LaTeX starts with, as pdflatex says."""
_OTHER_SIGNS = "‐‑‒–—‘’“”†‡•…‰€™←↑→↓"


class Writer(NamedTuple):
    """How a format has what is not a table: a title of one line, and lines that keep their blanks."""

    title: Callable[[str], str]
    block: Callable[[str], str]


def writer(format_: TableFormat) -> Writer:
    """That of a format for readers."""
    if format_ == "markdown":
        return Writer(lambda text: f"# {markdown_text(text)}\n", markdown_block)
    if format_ == "latex":
        return Writer(lambda text: f"\\section*{{{latex_text(text)}}}\n", latex_block)
    if format_ == "html":
        return Writer(lambda text: f"<h1>{html_text(text)}</h1>\n", html_block)
    return Writer(lambda text: f"{text}\n", lambda lines: lines)


def markdown_text(text: str) -> str:
    """One line of text, for a cell or a paragraph."""
    return _escaped(text, _MARKDOWN)


def markdown_block(lines: str) -> str:
    """Lines as they are, in a block of code; no row of back quotes in them can end it."""
    longest = max((len(run) for run in re.findall("`+", lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{lines.rstrip(chr(10))}\n{fence}\n"


def latex_text(text: str) -> str:
    """One line of text that pdfLaTeX can set with the fonts that it starts with.

    Greek letters are those of formulas; other characters that it lacks are escapes, as those that are not printable.
    """
    known = "".join(each if each.isascii() or each in _LATEX or _is_set(each) else escape(each) for each in text)
    return _escaped(known, _LATEX).replace("--", "{-}{-}").replace("''", "{'}{'}")  # which would be a dash and a quote


def _is_set(character: str) -> bool:
    return (character <= _LAST_LETTER and character not in _NO_LETTERS) or character in _OTHER_SIGNS


def latex_block(lines: str) -> str:
    """Lines in a typewriter font, blanks as wide as letters."""
    written = [latex_text(line).replace(" ", "~") or "~" for line in lines.rstrip("\n").split("\n")]
    body = " \\\\\n".join(written)
    return f"\\begin{{flushleft}}\\ttfamily\n{body}\n\\end{{flushleft}}\n"


def html_block(lines: str) -> str:
    """Lines as they are; the line feed behind the tag is not shown."""
    return f"<pre>\n{html_text(lines.rstrip(chr(10)))}\n</pre>\n"


def _escaped(text: str, signs: Mapping[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in text)
