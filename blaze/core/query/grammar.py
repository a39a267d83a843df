"""The grammar of the search language.

::

    query  = or
    or     = and *( "or" and )
    and    = not *( ["and"] not )
    not    = *( "not" / "-" / "!" ) term
    term   = [field ":"] ( word ["*"] / DQUOTE words DQUOTE / "(" or ")" ) / special
    special= "date:" range / "before:" date / "after:" date / "larger:" size / "smaller:" size
           / "mid:" id / "has:attachment" / "is:" flag

What is before a date ends where that begins; what is after a date begins there too, as in `date:D..`.
Operators are read in any case of their letters. What stands before a colon and is no field is text.
"""

import re
from datetime import datetime
from functools import cache

from blaze.core.errors import UsageError
from blaze.core.mail.regex import possessive
from blaze.core.query.dates import parse_range
from blaze.core.query.nodes import (
    FLAGS,
    NEGATED_FLAGS,
    TEXT_FIELDS,
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

MAX_QUERY = 20_000
"""Characters of a query."""

MAX_TERMS = 1_000
"""Words, phrases and conditions of a query."""

MAX_DEPTH = 50
"""Parentheses inside one another."""

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SPECIAL = ("date", "before", "after", "larger", "smaller", "mid", "id", "has", "is")
_TRUE_OPERATORS = ("and", "or", "not")


def parse(text: str, *, now: datetime | None = None) -> Node:
    """What the query `text` asks for. A query without any words is for every message.

    `now` is the local time without a zone, for dates such as `today`.

    Raises:
        UsageError: a parenthesis or quotation mark without its fellow, an operator without what it needs, a
            date, size or flag that is none, or more than `MAX_QUERY`, `MAX_TERMS` or `MAX_DEPTH` allow.
    """
    if len(text) > MAX_QUERY:
        raise UsageError(f"the query has more than {MAX_QUERY} characters")
    return _Parser(text, now).run()


class _Group:
    """A parenthesis that is open: its field, whether it is negated, and what it holds so far.

    `alternatives` are the operands of `or`; the last of them are the operands of `and`.
    """

    def __init__(self, field: str, *, negated: bool) -> None:
        self.field = field
        self.negated = negated
        self.alternatives: list[list[Node]] = [[]]
        self.awaits = ""  # the operator that still needs an operand

    def node(self) -> Node:
        nodes = tuple(And(tuple(ands)) if len(ands) > 1 else ands[0] for ands in self.alternatives)
        node = Or(nodes) if len(nodes) > 1 else nodes[0]
        return _negate(node) if self.negated else node


class _Parser:
    def __init__(self, text: str, now: datetime | None) -> None:
        self.text = text
        self.now = now
        self.groups = [_Group("", negated=False)]
        self.negated = False
        self.terms = 0

    def run(self) -> Node:
        for match in _tokens().finditer(self.text):
            kind = match.lastgroup
            if kind == "open":
                self.open(match["open"].rstrip("(").rstrip(":").lower(), match.start())
            elif kind == "close":
                self.close(match.start())
            elif kind == "minus":
                self.negated = not self.negated
            elif kind == "unfinished":
                raise self.fault("the quotation mark has no fellow", match.start())
            elif kind == "quoted":
                field = match["qfield"].rstrip(":").lower()
                self.add(self.term(field, match["inner"], match.start(), is_quoted=True))
            elif kind == "word":
                self.word(match["word"], match.start())
        if len(self.groups) > 1:
            raise self.fault("the parenthesis has no fellow", len(self.text))
        return self.finish(len(self.text)) if self.terms or self.negated or self.awaits else All()

    @property
    def awaits(self) -> str:
        return self.groups[-1].awaits

    def word(self, word: str, position: int) -> None:
        operator = word.lower()
        if operator in _TRUE_OPERATORS:
            self.operator(operator, position)
            return
        field, colon, value = word.partition(":")
        if colon and value and field.lower() in (*TEXT_FIELDS, *_SPECIAL):
            self.add(self.term(field.lower(), value, position))
        else:
            self.add(self.term("", word, position))

    def operator(self, operator: str, position: int) -> None:
        group = self.groups[-1]
        if operator == "not":
            self.negated = not self.negated
            return
        if not group.alternatives[-1] or self.negated or group.awaits:
            raise self.fault(f"'{operator}' needs something before it", position)
        if operator == "or":
            group.alternatives.append([])
        group.awaits = operator

    def open(self, field: str, position: int) -> None:
        if len(self.groups) > MAX_DEPTH:
            raise self.fault(f"more than {MAX_DEPTH} parentheses are open", position)
        self.groups.append(_Group(field or self.groups[-1].field, negated=self.negated))
        self.negated = False

    def close(self, position: int) -> None:
        if len(self.groups) == 1:
            raise self.fault("the parenthesis has no fellow", position)
        node = self.finish(position)
        self.groups.pop()
        self.append(node)

    def finish(self, position: int) -> Node:
        group = self.groups[-1]
        if self.negated:
            raise self.fault("'not' needs something after it", position)
        if group.awaits:
            raise self.fault(f"'{group.awaits}' needs something after it", position)
        if not group.alternatives[-1]:
            raise self.fault("there is nothing between the parentheses", position)
        return group.node()

    def add(self, node: Node) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise UsageError(f"the query has more than {MAX_TERMS} terms")
        self.append(_negate(node) if self.negated else node)
        self.negated = False

    def append(self, node: Node) -> None:
        self.groups[-1].alternatives[-1].append(node)
        self.groups[-1].awaits = ""

    def term(self, field: str, value: str, position: int, *, is_quoted: bool = False) -> Node:
        field = field or self.groups[-1].field
        if field in _SPECIAL:
            return self.special(field, value.strip(), position)
        if value == "*" and not is_quoted and not field:
            return All()
        is_prefix = value.endswith("*") and not is_quoted
        return Words(value.rstrip("*") if is_prefix else value, field, is_quoted, is_prefix)

    def special(self, field: str, value: str, position: int) -> Node:
        word = value.lower()
        if field == "date":
            return parse_range(value, self.now)
        if field in ("before", "after") and ".." not in value:
            start = parse_range(value, self.now).start
            return DateRange(None, start) if field == "before" else DateRange(start, None)
        if field in ("mid", "id"):
            return MessageId(value.removeprefix("<").removesuffix(">"))
        if field == "has" and word in ("attachment", "attachments"):
            return HasAttachment()
        if field == "is" and word in FLAGS:
            return Is(FLAGS[word])
        if field == "is" and word in NEGATED_FLAGS:
            return Not(Is(NEGATED_FLAGS[word]))
        if field in ("larger", "smaller") and (size := _size().fullmatch(word)):
            octets = int(size[1]) * _UNITS[size[2]]
            return Size(larger=octets) if field == "larger" else Size(smaller=octets)
        raise self.fault(f"'{field}:' does not know {value!r}", position, hint=_hint(field))

    def fault(self, what: str, position: int, hint: str | None = None) -> UsageError:
        return UsageError(what, where=f"character {position + 1} of the query", hint=hint)


def _hint(field: str) -> str:
    if field == "is":
        return f"It knows {', '.join((*FLAGS, *NEGATED_FLAGS))}."
    if field in ("before", "after"):
        return "Write one date, as 2024, 2024-01-31, today or 2w; date: takes a range."
    return "It knows attachment." if field == "has" else "Write a number of octets, as 500, 20k or 5M."


def _negate(node: Node) -> Node:
    return node.node if isinstance(node, Not) else Not(node)


@cache
def _tokens() -> re.Pattern[str]:
    fields = "|".join((*TEXT_FIELDS, *_SPECIAL))
    return possessive(
        rf"""(?ix)
          (?P<open> (?:(?:{"|".join(TEXT_FIELDS)}):)? \( )
        | (?P<close> \) )
        | (?P<quoted> (?P<qfield>(?:(?:{fields}):)?) "(?P<inner>[^"]*+)" )
        | (?P<unfinished> (?:(?:{fields}):)? " )
        | (?P<minus> (?: - | !(?!!) ) (?=[^\s)]) )
        | (?P<word> (?:mid|id):(?:[^\s()]|\([^\s()]*+\))++ | [^\s()"]++ )
        """
    )


@cache
def _size() -> re.Pattern[str]:
    return re.compile(r"([0-9]{1,15})(|[bkmg])(?:i?b)?")
