"""What a query is made of, as a tree."""

from datetime import datetime
from typing import NamedTuple, TypeAlias

TEXT_FIELDS = ("from", "to", "cc", "bcc", "subject", "body", "attachment", "list")
"""The fields of a message whose words can be asked for."""

FLAGS = {
    "draft": "D",
    "flagged": "F",
    "passed": "P",
    "forwarded": "P",
    "replied": "R",
    "seen": "S",
    "read": "S",
    "trashed": "T",
}
"""What `is:` asks for, and the letter of a Maildir name that stands for it."""

NEGATED_FLAGS = {"unread": "S", "unseen": "S"}


class Words(NamedTuple):
    """Words that follow one another. Of an unquoted word any form will do; `prefix` leaves its end open.

    `field` is one of `TEXT_FIELDS`, or empty for any of them.
    """

    text: str
    field: str = ""
    is_quoted: bool = False
    is_prefix: bool = False


class DateRange(NamedTuple):
    """Messages dated from `start` to before `end`, in local time without a zone; None is no bound."""

    start: datetime | None
    end: datetime | None


class Size(NamedTuple):
    """Messages of more than `larger` and less than `smaller` octets; None is no bound."""

    larger: int | None = None
    smaller: int | None = None


class HasAttachment(NamedTuple):
    """Messages with an attachment."""


class Is(NamedTuple):
    """Messages with a flag, as its letter in a Maildir name."""

    flag: str


class MessageId(NamedTuple):
    """The messages with this Message-ID, without its angle brackets."""

    id: str


class All(NamedTuple):
    """Every message."""


class And(NamedTuple):
    """All of these."""

    nodes: "tuple[Node, ...]"


class Or(NamedTuple):
    """Any of these."""

    nodes: "tuple[Node, ...]"


class Not(NamedTuple):
    """Anything but this."""

    node: "Node"


Node: TypeAlias = Words | DateRange | Size | HasAttachment | Is | MessageId | All | And | Or | Not
