"""Queries in an index: the tree of a query as SQL, ranked by BM25 or by date."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

from blaze.core.errors import NoInputError
from blaze.core.query import languages, words
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
from blaze.core.query.terms import COLUMNS, columns_of, is_open_ended, is_stemmed
from blaze.core.search.places import restored, source_names

Order: TypeAlias = Literal["relevance", "newest", "oldest"]

WEIGHTS = {
    "from": 3.0,
    "to": 1.5,
    "cc": 1.0,
    "bcc": 1.0,
    "subject": 5.0,
    "body": 1.0,
    "quoted": 0.25,
    "attachment": 3.0,
    "list": 1.0,
}
"""How much a word counts in each column, for BM25."""

MAX_FORMS = 200
"""Forms of one word that are looked for."""

_SHOWN = "m.id, m.name, m.path, m.date, m.sender, m.subject, m.message_id"
_HAS_WORDS = "m.id IN (SELECT rowid FROM words WHERE words MATCH ?)"
_RANKED = (
    f"(SELECT rowid, bm25(words, {', '.join(str(WEIGHTS[column]) for column in COLUMNS)}) AS score"  # noqa: S608
    " FROM words WHERE words MATCH ?) r"
)
_ORDERS = {"newest": "m.date IS NULL, m.date DESC, m.id", "oldest": "m.date IS NULL, m.date, m.id"}


class Hit(NamedTuple):
    """A message that was found. `name` opens it again, `path` is the file it is in.

    `date` is in seconds since 1970 UTC or None; `score` is larger for better hits, 0 where no word ranks it.
    """

    id: int
    name: str
    path: str
    date: int | None
    sender: str
    subject: str
    message_id: str
    score: float

    @property
    def when(self) -> datetime | None:
        """The date, in UTC."""
        return None if self.date is None else utc(self.date)


class Search:
    """A query made ready for one index, and for the messages of `source` alone where one is given.

    Raises:
        NoInputError: the index knows no such source.
    """

    def __init__(self, connection: sqlite3.Connection, node: Node, *, source: str | None = None) -> None:
        self.connection = connection
        compiler = _Compiler(connection)
        node = _without_stop_words(node)
        textual: list[Node] = []
        others: list[Node] = []
        for part in node.nodes if isinstance(node, And) else (node,):
            (textual if _is_textual(part) else others).append(part)
        # The words that every message must have, in one question to the index of words.
        self._words = compiler.full_text(And(tuple(textual)), negated=False) if textual else None
        required = len(compiler.ranking)
        conditions = [compiler.condition(part) for part in others]
        if source is not None:
            conditions.append(f"m.source IN ({', '.join(map(str, _source_ids(connection, source)))})")
        self._conditions = " AND ".join(conditions) or "1"
        self._values = compiler.values
        self.forms = compiler.forms
        # The words that rank, where those are not the required ones alone.
        self._ranking = " OR ".join(compiler.ranking) if len(compiler.ranking) > required else None

    def count(self) -> int:
        """How many messages there are."""
        where, values = self._where()
        row = self.connection.execute(f"SELECT count(*) FROM message m WHERE {where}", values)  # noqa: S608
        return int(row.fetchone()[0])

    def iter_ids(self) -> Iterator[int]:
        """The numbers of the messages in the index, in no order."""
        where, values = self._where()
        rows = self.connection.execute(f"SELECT m.id FROM message m WHERE {where}", values)  # noqa: S608
        return (row[0] for row in rows)

    def iter_hits(self, order: Order = "relevance", *, limit: int = -1, offset: int = 0) -> Iterator[Hit]:
        """The messages, the best first, `offset` of them left out; all where `limit` is negative."""
        tables, score, ordered = "message m", "0.0", _ORDERS.get(order, _ORDERS["newest"])
        where, values = self._where()
        if order == "relevance" and self._ranking is not None:
            tables = f"message m LEFT JOIN {_RANKED} ON r.rowid = m.id"
            values = [self._ranking, *values]
            score, ordered = "-coalesce(r.score, 0.0)", f"coalesce(r.score, 0.0), {ordered}"
        elif order == "relevance" and self._words is not None:
            tables = f"{_RANKED} CROSS JOIN message m ON m.id = r.rowid"
            where, values = self._conditions, [self._words, *self._values]
            score, ordered = "-r.score", f"r.score, {ordered}"
        rows = self.connection.execute(
            f"SELECT {_SHOWN}, {score} FROM {tables} WHERE {where}"  # noqa: S608
            f" ORDER BY {ordered} LIMIT ? OFFSET ?",
            [*values, limit, offset],
        )
        return (Hit(row[0], restored(row[1]), restored(row[2]), *row[3:]) for row in rows)

    def _where(self) -> tuple[str, list[object]]:
        """The condition on `message m`, and its values."""
        if self._words is None:
            return self._conditions, self._values
        return f"{_HAS_WORDS} AND {self._conditions}", [self._words, *self._values]


class _Compiler:
    """Turns a query into an SQL condition on `message m`; the depth is bounded by the grammar's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.values: list[object] = []
        self.ranking: list[str] = []
        self.forms: list[str] = []
        self._languages: list[str] | None = None

    def condition(self, node: Node, *, negated: bool = False) -> str:
        if (text := self.full_text(node, negated=negated)) is not None:
            self.values.append(text)
            return _HAS_WORDS
        match node:
            case And(nodes) | Or(nodes):
                operator = " AND " if isinstance(node, And) else " OR "
                return f"({operator.join(self.condition(part, negated=negated) for part in nodes)})"
            case Not(part):
                return f"NOT {self.condition(part, negated=not negated)}"
            case DateRange(start, end):
                return self.between("m.date", ">=", _timestamp(start), "<", _timestamp(end))
            case Size(larger, smaller):
                return self.between("m.size", ">", larger, "<", smaller)
            case HasAttachment():
                return "m.has_attachment"
            case Is(flag):
                self.values.append(flag)
                return "instr(m.flags, ?) > 0"
            case MessageId(identifier):
                self.values.append(identifier)
                return "m.message_id = ?"
            case Words() | All():
                return "1"

    def between(self, column: str, lower: str, low: object, upper: str, high: object) -> str:
        conditions = [f"{column} IS NOT NULL"]
        for operator, value in ((lower, low), (upper, high)):
            if value is not None:
                conditions.append(f"{column} {operator} ?")
                self.values.append(value)
        return f"({' AND '.join(conditions)})"

    def full_text(self, node: Node, *, negated: bool) -> str | None:
        """The query in the language of FTS5, or None where that cannot say it."""
        if isinstance(node, Words):
            return self.words(node, negated=negated)
        if not _is_textual(node):
            return None
        assert isinstance(node, And | Or)
        parts = [self.full_text(part, negated=negated) for part in node.nodes]
        operator = " AND " if isinstance(node, And) else " OR "
        return "(" + operator.join(part for part in parts if part) + ")"

    def words(self, node: Words, *, negated: bool) -> str | None:
        wanted = words.phrase(node.text)
        if not wanted:
            return None
        is_prefix = is_open_ended(node, wanted)
        if len(wanted) == 1 and not is_prefix and is_stemmed(node) and not words.is_unspaced(wanted[0]):
            forms = self.forms_of(wanted[0])
        else:
            forms = [" ".join(wanted)]
        text = " OR ".join(f'"{form}"' for form in forms) + (" *" if is_prefix else "")
        columns = " ".join(f'"{column}"' for column in columns_of(node.field))
        text = f"({{{columns}}} : ({text}))" if node.field else f"({text})"
        if not negated:
            self.ranking.append(text)
            self.forms += forms if len(wanted) == 1 else wanted
        return text

    def forms_of(self, word: str) -> list[str]:
        """All words of the index that have the same stem in one of its languages, and the word itself."""
        if self._languages is None:
            self._languages = [row[0] for row in self.connection.execute("SELECT name FROM language")]
        stems = {languages.stem([word], language)[0] for language in self._languages}
        forms = {word: None} | dict.fromkeys(sorted(stems))
        marks = ", ".join("?" * len(stems))
        rows = self.connection.execute(
            f"SELECT word FROM stem WHERE stem IN ({marks}) LIMIT {MAX_FORMS}",  # noqa: S608
            sorted(stems),
        )
        return list(forms | {row[0]: None for row in rows})


def _source_ids(connection: sqlite3.Connection, source: str) -> list[int]:
    names = source_names(source)
    marks = ", ".join("?" * len(names))
    rows = connection.execute(f"SELECT id FROM source WHERE path IN ({marks})", names).fetchall()  # noqa: S608
    if not rows:
        hint = f"Run 'blaze index {source}', with the same --index if you name one."
        raise NoInputError("the index has no messages of this source", where=source, hint=hint)
    return [row[0] for row in rows]


def utc(seconds: int) -> datetime | None:
    """A moment in seconds since 1970 as a datetime; None for one before the year 1 or after 9999."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError):
        return None


def _is_textual(node: Node) -> bool:
    """True for words, and for what joins nothing but words."""
    if isinstance(node, Words):
        return bool(words.phrase(node.text))
    return isinstance(node, And | Or) and all(map(_is_textual, node.nodes))


def _without_stop_words(node: Node) -> Node:
    """The query without the words that say nothing, where others say something."""
    if not isinstance(node, And):
        return node
    plain = [part for part in node.nodes if isinstance(part, Words) and not part.field and is_stemmed(part)]
    typed = [part.text for part in plain]
    found = languages.detect(words.split(" ".join(typed))) if len(typed) > 2 else None
    language = found or languages.DEFAULT
    silent = {part for part in plain if words.fold(part.text) in languages.stop_words(language)}
    kept = tuple(part for part in node.nodes if part not in silent)
    if all(isinstance(part, Words) and not words.phrase(part.text) for part in kept):
        return node
    return And(kept) if len(kept) > 1 else kept[0]


def _timestamp(local: datetime | None) -> int | None:
    """A local time in seconds since 1970 UTC."""
    if local is None:
        return None
    try:
        return int(local.timestamp())
    except (OverflowError, ValueError):
        return int(local.replace(tzinfo=UTC).timestamp())
