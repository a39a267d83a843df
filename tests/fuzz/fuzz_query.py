"""Queries and messages: any text is a query or wrong usage, and any message is matched or not."""

from contextlib import suppress
from datetime import UTC, datetime

from blaze.core.errors import UsageError
from blaze.core.query import parse
from blaze.core.query.match import facts_of, matches


def fuzz_query(data: bytes) -> None:
    query, _, octets = data.partition(b"\n")
    with suppress(UsageError):
        node = parse(query.decode("utf-8", "replace"), now=datetime(2026, 1, 1))  # noqa: DTZ001
        assert matches(node, facts_of(octets), zone=UTC) in (True, False)
