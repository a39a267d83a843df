"""SASLprep, the preparation of user names and passwords for comparison (RFC 4013)."""

import stringprep
from unicodedata import ucd_3_2_0

from blaze.core.errors import DataError

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str, *, stored: bool = False) -> str:
    """Prepare `text` with SASLprep (RFC 4013 §2); `stored` refuses code points that Unicode 3.2 does not
    assign.

    >>> saslprep("I\\u00adX \\u2168")
    'IX IX'

    Raises:
        DataError: a prohibited character (§2.3), or mixed directions (§2.4, RFC 3454 §6).
    """
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    prepared = ucd_3_2_0.normalize("NFKC", mapped)
    for char in prepared:
        if any(table(char) for table in _PROHIBITED):
            raise DataError(f"character U+{ord(char):04X} is not allowed in a user name or password")
        if stored and stringprep.in_table_a1(char):
            raise DataError(f"character U+{ord(char):04X} is not assigned in Unicode 3.2")
    _check_directions(prepared)
    return prepared


def _check_directions(text: str) -> None:
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise DataError("right-to-left and left-to-right characters are mixed")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise DataError("right-to-left text must begin and end with a right-to-left character")
