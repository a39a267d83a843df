"""Where and how the words of a query are looked for."""

from blaze.core.query import words
from blaze.core.query.nodes import Words

COLUMNS = ("from", "to", "cc", "bcc", "subject", "body", "quoted", "attachment", "list")
"""What the texts of a message are parted into.

`quoted` has quoted replies, signatures, the HTML form of a text that has a plain one, attached texts and the
header of attached messages.
"""


def columns_of(field: str) -> tuple[str, ...]:
    """The columns that a field of the query language looks into."""
    if not field:
        return COLUMNS
    return ("body", "quoted") if field == "body" else (field,)


def is_stemmed(node: Words) -> bool:
    """True when any form of the word will do: not for phrases, nor for names and addresses."""
    return not node.is_quoted and not node.is_prefix and node.field in ("", "subject", "body")


def is_open_ended(node: Words, wanted: list[str]) -> bool:
    """True when the last word may go on: `word*`, and the last letter of a script without blanks."""
    return node.is_prefix or (len(wanted) == 1 and len(wanted[0]) == 1 and words.is_unspaced(wanted[0]))
