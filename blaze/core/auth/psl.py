"""The Public Suffix List, which RFC 7489 used to find organizational domains; RFC 9989 does without."""

from dataclasses import dataclass

from blaze.core.errors import DataError
from blaze.core.mail.address import to_ascii_domain

MAX_LABELS = 128  # a domain name has no more, RFC 1035 §2.3.4


@dataclass(frozen=True, slots=True)
class PublicSuffixes:
    """The rules of a list, in A-labels: suffixes, ``*.`` wildcards without that label, and exceptions."""

    suffixes: frozenset[str]
    wildcards: frozenset[str]
    exceptions: frozenset[str]

    def organizational_domain(self, domain: str) -> str:
        """The suffix that prevails and one label more (RFC 7489 §3.2); a public suffix itself comes back as
        it is.

        `domain` is in A-labels and lower case. A name under no rule has the last label as its suffix.
        """
        labels = domain.split(".")[-MAX_LABELS:]
        names = [".".join(labels[start:]) for start in range(len(labels))]
        for start, name in enumerate(names):
            if name in self.exceptions:
                return name
            above = names[start + 1] if start + 1 < len(names) else ""
            if name in self.suffixes or above in self.wildcards:
                return names[max(start - 1, 0)]
        return names[max(len(names) - 2, 0)]


def parse(data: bytes) -> PublicSuffixes:
    """Read a list in the format of publicsuffix.org, private domains with it (RFC 7489 §3.2 makes no
    difference).

    Raises:
        DataError: it is not UTF-8, or holds no rule.
    """
    suffixes, wildcards, exceptions = set(), set(), set()
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError("not a public suffix list: not UTF-8", where=f"octet {error.start}") from None
    for line in lines:
        rule = line.split()[0] if line.strip() and not line.startswith("//") else ""
        if rule.startswith("!"):
            exceptions.add(_to_ascii(rule[1:]))
        elif rule.startswith("*."):
            wildcards.add(_to_ascii(rule[2:]))
        elif rule:
            suffixes.add(_to_ascii(rule))
    if not suffixes:
        raise DataError("not a public suffix list: it holds no rule")
    return PublicSuffixes(frozenset(suffixes), frozenset(wildcards), frozenset(exceptions))


def _to_ascii(name: str) -> str:
    if name.isascii():
        return name.lower()
    try:
        return to_ascii_domain(name).lower()
    except DataError:
        return name
