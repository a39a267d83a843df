"""Possessive groups match the same on every Python; on one before 3.11.5 all tests are tests of it."""

import ast
import re
from pathlib import Path

import pytest

from blaze.core.mail.regex import _compile_mended, possessive

PACKAGE = Path(__file__).parents[3] / "blaze"
A_POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{+[^}]*\}+)\+")


@pytest.mark.parametrize(
    ("pattern", "text", "matched"),
    [
        (r"(?:[^?=]++|\?(?!=)|=(?!\?(?!=)))*+\?=", "a=C3?b?=c", "a=C3?b?="),
        (r"(?:\.[a-z]++)*+\.@", ".a.b.@", ".a.b.@"),
        (r"(?:<[^>]++>)++.", "<a><b", "<a><"),
        (r"(?:a,?+){2,}+!", "a,a!", "a,a!"),
        (r"(?:x++y)?+xz", "xz", "xz"),
        (r"(?:(?:a|b)++c)*+.", "acbcbd", "acbcb"),
        (r"(?:a|b)*+b", "abab", None),
        (r"((?:> ?)*+)>", "> > ", None),
    ],
)
def test_possessive_groups_match_and_give_nothing_back(pattern: str, text: str, matched: str | None) -> None:
    for compiled in (possessive(pattern), _compile_mended(pattern, 0)):
        found = compiled.match(text)
        assert (found and found[0]) == matched
    found_octets = _compile_mended(pattern.encode(), re.DOTALL).match(text.encode())
    assert (found_octets and found_octets[0].decode()) == matched


def test_mended_patterns_keep_flags_and_groups() -> None:
    compiled = _compile_mended("(?i)(?P<word>(?:a+x|b)*+)  # comment", re.VERBOSE)
    found = compiled.match("AXBaaC")
    assert found
    assert found["word"] == "AXB"
    assert compiled.groupindex == {"word": 1}


def test_a_long_run_of_turns_matches() -> None:
    text = " x\n" * 300_000
    found = _compile_mended(r"(?:[ \t][^\n]*+\n?)*+", 0).match(text)
    assert found
    assert found.end() == len(text)


def test_no_possessive_group_is_compiled_by_re() -> None:
    calls = [
        (path, ast.get_source_segment(text, node) or "")
        for path in PACKAGE.rglob("*.py")
        for text in (path.read_text("utf-8"),)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")
    ]
    assert len(calls) > 50
    assert [call for call in calls if A_POSSESSIVE_GROUP.search(call[1])] == []
