"""A domain's SPF policy drawn as a tree: every include and redirect, with the look-ups each costs.

No message is involved, so macros that need one stay unresolved; and the limit of ten does not stop the
drawing, it is only marked where it is passed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from blaze.core.auth import spf_record
from blaze.core.auth.resolver import Answer, Question, RecordType, Resolver
from blaze.core.auth.spf import MAX_LOOKUPS, find_record, is_checkable
from blaze.core.auth.spf_macro import Macro, MacroString
from blaze.core.auth.spf_record import ASKING, Kind, Mechanism, Modifier, Record, RecordError

MAX_RECORDS = 200  # records fetched for one tree
MAX_NODES = 2000  # nodes drawn: a record included twice is drawn twice
MAX_OCTETS = 1 << 20  # of the records drawn, for the same reason


@dataclass(slots=True)
class Branch:
    """A term of a record. `number` is its place among the terms that ask the DNS, in the order of evaluation,
    from 1; 0 for a term that asks nothing. `target` is what an include or redirect leads to, None for other
    terms and where only a message could tell.
    """

    text: str
    number: int = 0
    target: "Node | None" = None

    @property
    def over_limit(self) -> bool:
        """True when an evaluation that comes here ends with permerror (RFC 7208 §4.6.4)."""
        return self.number > MAX_LOOKUPS


@dataclass(slots=True)
class Node:
    """A domain and its record. `problem` says why there is none that can be used, or why the drawing stops
    here.

    `lookups` counts the terms that ask the DNS in this record and all below it.
    """

    domain: str
    record: str | None = None
    problem: str | None = None
    lookups: int = 0
    branches: list[Branch] = field(default_factory=list)


def draw(domain: str, *, resolver: Resolver) -> Node:
    """The tree of `domain`'s policy (RFC 7208 §5.2, §6.1).

    Records of one level are asked for together. At most `MAX_RECORDS` records are fetched, and `MAX_NODES`
    nodes with `MAX_OCTETS` of records followed; what is left out says so in its `problem`. Raises nothing for
    what the DNS says.
    """
    return _Drawing(domain, _fetch(domain, resolver)).node(domain, ())


def iter_nodes(root: Node) -> Iterator[Node]:
    """Every node of a tree, from the root on."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [branch.target for branch in node.branches if branch.target]


def _fetch(domain: str, resolver: Resolver) -> dict[str, Record | str]:
    """Every record reachable, or what is wrong with it, by domain in lower case."""
    found: dict[str, Record | str] = {}
    level = [domain.lower()]
    while level:
        questions = [Question(name, RecordType.TXT) for name in level if is_checkable(name)]
        answers = {answer.question.name: answer for answer in resolver.query(questions)}
        for name in level:
            found[name] = _read(answers[name]) if name in answers else "no domain name that can have a policy"
        following = {
            target.lower(): None
            for name in level
            if isinstance(record := found[name], Record)
            for _, target in _iter_targets(record, name, domain)
            if target
        }
        level = [name for name in following if name not in found][: MAX_RECORDS - len(found)]
    return found


def _read(answer: Answer) -> Record | str:
    if answer.failed:
        return f"cannot be looked up now: {answer}"
    try:
        text = find_record(answer)
        return "no SPF record" if text is None else spf_record.parse(text)
    except RecordError as error:
        return str(error)


def _iter_targets(
    record: Record, domain: str, root: str
) -> Iterator[tuple[Mechanism | Modifier, str | None]]:
    for mechanism in record.mechanisms:
        if mechanism.kind is Kind.INCLUDE and mechanism.domain:
            yield mechanism, _expand(mechanism.domain, domain, root)
    if record.redirect and not record.has_all:
        yield record.redirect, _expand(record.redirect.value, domain, root)


def _expand(parts: MacroString, domain: str, root: str) -> str | None:
    """The domain that a domain-spec names, None when it depends on the message."""
    known = {"d": domain, "o": root}
    texts = []
    for part in parts:
        if isinstance(part, Macro):
            if part.letter not in known or part.reverse or part.kept or part.delimiters != ".":
                return None
            texts.append(known[part.letter])
        else:
            texts.append(part)
    return "".join(texts).removesuffix(".")


class _Drawing:
    def __init__(self, root: str, records: dict[str, Record | str]) -> None:
        self._root = root
        self._records = records
        self._lookups = 0
        self._nodes = 0
        self._octets = 0

    def node(self, domain: str, path: Sequence[str]) -> Node:
        """The node of `domain`, reached over the domains in `path`; no deeper than `MAX_RECORDS`."""
        self._nodes += 1
        record = self._records.get(domain.lower())
        if not isinstance(record, Record):
            return Node(domain, problem=record or f"not followed: more than {MAX_RECORDS} records")
        self._octets += len(record.text)
        if self._octets > MAX_OCTETS:
            return Node(domain, problem=f"not followed: more than {MAX_OCTETS:,} octets of records")
        if domain.lower() in path:
            return Node(domain, record.text, "a loop: this record is being evaluated already")
        if self._nodes > MAX_NODES:
            return Node(domain, record.text, f"not followed: more than {MAX_NODES} terms")
        node = Node(domain, record.text)
        before = self._lookups
        for mechanism in record.mechanisms:
            node.branches.append(self._branch(mechanism, domain, path))
        if record.redirect and not record.has_all:
            node.branches.append(self._branch(record.redirect, domain, path))
        node.lookups = self._lookups - before
        return node

    def _branch(self, term: Mechanism | Modifier, domain: str, path: Sequence[str]) -> Branch:
        branch = Branch(term.text)
        if isinstance(term, Modifier) or term.kind in ASKING:
            self._lookups += 1
            branch.number = self._lookups
        if isinstance(term, Modifier) or term.kind is Kind.INCLUDE:
            spec = term.value if isinstance(term, Modifier) else term.domain
            target = _expand(spec or (), domain, self._root)
            if target is not None:
                branch.target = self.node(target, (*path, domain.lower()))
        return branch
