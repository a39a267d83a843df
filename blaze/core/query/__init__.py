"""The search language: what a query says, and whether one message is what it asks for. Pure."""

from blaze.core.query.grammar import parse
from blaze.core.query.nodes import (
    All,
    And,
    DateRange,
    HasAttachment,
    Is,
    MessageId,
    Node,
    Not,
    Or,
    Size,
    Words,
)

__all__ = [
    "All",
    "And",
    "DateRange",
    "HasAttachment",
    "Is",
    "MessageId",
    "Node",
    "Not",
    "Or",
    "Size",
    "Words",
    "parse",
]
