"""Passwords in text: known ones, and whatever stands where a URL has one, are shown as `***`."""

import re
from urllib.parse import unquote

HIDDEN = "***"

_SCHEME = r"(?<![\w+.-])(?:[A-Za-z][\w+.-]*:/+|postgres(?:ql)?(?:\+\w+)?:)"
_USERINFO = rf"(?s)(?P<scheme>{_SCHEME})(?P<userinfo>.*)@"
_AFTER_COLON = rf"(?P<before>{_SCHEME}[^:/@\s\[]*:)(?!\d*(?:[^\w%]|$))[^\s'\")]+"
"""What follows a host or user without being a port: a URL that was cut, or that lacks its host."""
_PARAMETER = re.compile(r"[?&](?P<name>[^?&=\s]*)=")
_KEYWORD = r"(?i)(?P<name>(?<!\w)(?=\w*?(?:pass(?!file)|pwd|secret|token))\w++\s*+=\s*+)(?:'[^']*'|\"[^\"]*\"|[^&\s]*)"
"""A password in a connection string of libpq, `host=h password='a b'`."""
_SECRET = re.compile(r"pass(?!file)|pwd|secret|token", re.IGNORECASE)
_LEAST = 4
"""Shorter passwords are parts of ordinary words; drivers do not repeat them where a URL could be parsed."""

known: set[str] = set()
"""The texts that `masked` hides wherever they stand."""


def remember(secret: str | None) -> None:
    """Hides this text from now on wherever `masked` is asked: a driver may repeat it in what it says."""
    if secret and len(secret) >= _LEAST:
        known.add(secret)


def is_secret(name: str) -> bool:
    """Whether the parameter of a URL holds a secret, by its name, which may be percent-encoded.

    >>> is_secret("pass%77ord"), is_secret("sslpassword"), is_secret("passfile"), is_secret("sslmode")
    (True, True, False, False)
    """
    return _SECRET.search(unquote(name)) is not None


def masked(text: str) -> str:
    """The text with passwords as ***; it may be any text, also a URL that cannot be parsed.

    >>> masked("--db=postgresql://me:secret@host/db")
    '--db=postgresql://me:***@host/db'
    """
    for secret in sorted(known, key=len, reverse=True):
        if secret in text:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    text = re.sub(_KEYWORD, rf"\g<name>{HIDDEN}", _without_values(text))
    end = text.rfind("@") + 1  # behind it there is no user
    text = re.sub(_USERINFO, _without_password, text[:end]) + text[end:]
    return re.sub(_AFTER_COLON, _without_rest, text)


def _without_values(text: str) -> str:
    """A URL whose secret parameters have no value, up to the next `&`."""
    place = 0
    while found := _PARAMETER.search(text, place):
        place = found.end()
        if is_secret(found["name"]):
            _, following, rest = text[place:].partition("&")
            text = f"{text[:place]}{HIDDEN}{following}{rest}"
    return text


def _without_password(found: re.Match[str]) -> str:
    user, colon, _ = found["userinfo"].partition(":")
    if not colon or found["scheme"].startswith("sqlite:///"):  # a user alone; a path
        return found[0]
    return f"{found['scheme']}{HIDDEN}@" if "/" in user else f"{found['scheme']}{user}:{HIDDEN}@"


def _without_rest(found: re.Match[str]) -> str:
    return found[0] if found["before"].startswith("sqlite:///") else f"{found['before']}{HIDDEN}"
