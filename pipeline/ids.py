"""Ids: what a config is called where its digest is too long. Nothing else is needed here, so that listing is quick."""

ID_LETTER = "g"
"""Begins every id: a spreadsheet takes no id for a number, and it is none of the digits of a digest."""
ID_DIGITS = 12


def id_of(digest: str) -> str:
    """The id of a config, as tables show it and a user types it: a letter, then the digest's first digits.

    >>> id_of("06322657e268" + 52 * "0")
    'g06322657e268'
    """
    return ID_LETTER + digest[:ID_DIGITS]
