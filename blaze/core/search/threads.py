"""Threads: which message answers which, by References and In-Reply-To (RFC 5322 §3.6.4).

No step is recursive, and each takes linear time, whatever the fields hold.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from blaze.core.mail.regex import possessive


class Letter(NamedTuple):
    """What is known of a message for its place in a thread.

    `name` opens it; `references` ends with its parent; `date` is in seconds since 1970 UTC or None.
    """

    name: str
    message_id: str
    references: tuple[str, ...]
    in_reply_to: tuple[str, ...]
    date: int | None = None
    sender: str = ""
    subject: str = ""


def of_row(name: str, message_id: str, references: str, in_reply_to: str, *rest: Any) -> Letter:
    """The letter in a row of a database; `rest` is its date, sender and subject."""
    return Letter(name, message_id, tuple(references.split()), tuple(in_reply_to.split()), *rest)


class Row(NamedTuple):
    """A line of a thread: a message, or None where one is missing; its Message-ID; and how deep it stands.

    `why` names what made it an answer: `References`, `In-Reply-To`, `References of <ID>` where a later
    message tells it, `Subject`, or nothing for what begins a thread. `is_last` says that no sibling follows.
    """

    letter: Letter | None
    message_id: str
    depth: int
    why: str
    is_last: bool


class _Node:
    __slots__ = ("children", "date", "explicit", "id", "letters", "parent", "why")

    def __init__(self, id: str) -> None:  # noqa: A002
        self.id = id
        self.letters: list[Letter] = []
        self.parent: _Node | None = None
        self.children: list[_Node] = []
        self.why = ""
        self.explicit = False  # the link is by the message's own field
        self.date = float("inf")


Thread = list[Row]
"""The rows of one thread, each answer below what it answers; deeper rows follow their parent."""


def iter_threads(letters: Iterable[Letter], *, by_subject: bool = False) -> Iterator[Thread]:
    """The threads that `letters` make, the oldest first.

    All messages that name a common message are one thread, also where that message is missing: then there
    is a row for it, unless it would stand alone above another missing one. A message's parent is the last of
    its References, else the last of its In-Reply-To; the order of References links messages that do not
    say so themselves. A link that would close a loop is left out. Copies of one Message-ID stand together.
    With `by_subject` a reply (`Re:`) that names no message joins the thread that has its subject.
    """
    nodes = _linked(letters)
    _break_loops(nodes.values())
    groups = _Groups(nodes)
    if by_subject:
        _link_subjects(nodes, groups)
    _prune(nodes)
    for node in nodes.values():
        if node.parent is not None:
            node.parent.children.append(node)
    _date(nodes.values())
    threads: dict[str, list[_Node]] = {}
    for node in nodes.values():
        if node.parent is None:
            threads.setdefault(groups.find(node.id), []).append(node)
    ordered = sorted(threads.values(), key=lambda roots: min(root.date for root in roots))
    for roots in ordered:
        rows = list(_rows(roots))
        if any(row.letter for row in rows):
            yield rows


def _linked(letters: Iterable[Letter]) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}
    for number, letter in enumerate(letters):
        node = _node(nodes, letter.message_id or f"\0{number}")
        node.letters.append(letter)
        chain = [_node(nodes, above) for above in letter.references if above != node.id]
        for parent, child in pairwise(chain):
            if child.parent is None and parent is not child:
                child.parent, child.why = parent, f"References of <{letter.message_id}>"
        own = [_node(nodes, above) for above in letter.in_reply_to if above != node.id]
        if node.explicit or not (chain or own):
            continue
        node.parent = chain[-1] if chain else own[-1]
        node.why = "References" if chain else "In-Reply-To"
        node.explicit = True
    return nodes


def _node(nodes: dict[str, _Node], id: str) -> _Node:  # noqa: A002
    node = nodes.get(id)
    if node is None:
        node = nodes[id] = _Node(id)
    return node


def _break_loops(nodes: Iterable[_Node]) -> None:
    """Take a link out of every loop: a node has one parent, so each is walked once."""
    walk_of: dict[str, int] = {}
    for walk, start in enumerate(nodes):
        node: _Node | None = start
        path = []
        while node is not None and node.id not in walk_of:
            walk_of[node.id] = walk
            path.append(node)
            node = node.parent
        if node is not None and walk_of[node.id] == walk:
            loop = path[path.index(node) :]
            # The link that is told least, of the oldest message: that is the likeliest beginning.
            first = min(loop, key=lambda member: (member.explicit, _oldest(member)))
            first.parent, first.why = None, ""


class _Groups:
    """Which messages belong to one thread: a union of sets, with path halving."""

    def __init__(self, nodes: dict[str, _Node]) -> None:
        self.leader = dict(zip(nodes, nodes, strict=True))
        for node in nodes.values():
            for letter in node.letters:
                for id in (*letter.references, *letter.in_reply_to):  # noqa: A001
                    self.join(node.id, id)

    def find(self, id: str) -> str:  # noqa: A002
        leader = self.leader
        while leader[id] != id:
            leader[id] = id = leader[leader[id]]  # noqa: A001
        return id

    def join(self, first: str, second: str) -> None:
        self.leader[self.find(second)] = self.find(first)


def _link_subjects(nodes: dict[str, _Node], groups: _Groups) -> None:
    """Link replies that name no message to the oldest message of their subject before them."""
    first: dict[str, _Node] = {}
    roots = [node for node in nodes.values() if node.letters and node.parent is None]
    for node in sorted(roots, key=_oldest):
        subject = node.letters[0].subject
        plain = base_subject(subject)
        if not plain:
            continue
        original = first.setdefault(plain, node)
        if original is not node and _reply().match(subject):
            node.parent, node.why = original, "Subject"
            groups.join(original.id, node.id)


def base_subject(subject: str) -> str:
    """A subject without `Re:`, `Fwd:` and the like and the labels in brackets before them, in small letters.

    >>> base_subject("RE: [dev] Re[2]: Fwd:  A  plan")
    'a plan'
    """
    text = " ".join(subject.lower().split())
    return _reply_mark().sub("", text)


@cache
def _reply() -> re.Pattern[str]:
    return possessive(r"(?i)\s*(?:\[[^][]*+\]\s*)*+(?:re|fwd?|aw|wg|sv|vs|tr|rif|antw?)(?:\[\d+\]|\^\d+)?:")


@cache
def _reply_mark() -> re.Pattern[str]:
    return possessive(r"^(?:(?:re|fwd?|aw|wg|sv|vs|tr|rif|antw?)(?:\[\d+\]|\^\d+)?: ?|\[[^][]*+\] ?)++")


def _prune(nodes: dict[str, _Node]) -> None:
    """Leave out missing messages that tell nothing: no answer, or another missing one as the only answer."""
    answers = dict.fromkeys(nodes, 0)
    for node in nodes.values():
        if node.parent is not None:
            answers[node.parent.id] += 1
    empty = [node for node in nodes.values() if not node.letters and not answers[node.id]]
    while empty:
        node = empty.pop()
        parent = node.parent
        del nodes[node.id]
        if parent is not None:
            answers[parent.id] -= 1
            if not answers[parent.id] and not parent.letters:
                empty.append(parent)
    useless = {
        node.parent.id
        for node in nodes.values()
        if not node.letters
        and node.parent is not None
        and not node.parent.letters
        and answers[node.parent.id] == 1
    }
    for node in nodes.values():
        if node.id in useless:
            continue
        while node.parent is not None and node.parent.id in useless:
            node.parent = node.parent.parent
            node.why = node.why if node.parent is not None else ""
    for id in useless:  # noqa: A001
        del nodes[id]


def _oldest(node: _Node) -> float:
    return min((letter.date for letter in node.letters if letter.date is not None), default=float("inf"))


def _date(nodes: Iterable[_Node]) -> None:
    """Date each node by its message, a missing one by the oldest below it; sort answers by that."""
    pending = [node for node in nodes if node.parent is None]
    order = []
    while pending:
        node = pending.pop()
        order.append(node)
        pending.extend(node.children)
    for node in reversed(order):
        node.date = _oldest(node)
        if not node.letters and node.children:
            node.date = min(child.date for child in node.children)
        node.children.sort(key=lambda child: child.date)


def _rows(roots: list[_Node]) -> Iterator[Row]:
    pending = [(root, 0, True) for root in sorted(roots, key=lambda root: root.date, reverse=True)]
    while pending:
        node, depth, is_last = pending.pop()
        shown = "" if node.id.startswith("\0") else node.id
        if not node.letters:
            yield Row(None, shown, depth, node.why, is_last)
        for number, letter in enumerate(node.letters, 1):
            yield Row(letter, shown, depth, node.why, is_last and number == len(node.letters))
        last = len(node.children) - 1
        pending.extend(
            (child, depth + 1, number == last) for number, child in reversed(list(enumerate(node.children)))
        )
