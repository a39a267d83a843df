"""The drawing of a policy."""

import pytest

from blaze.core.auth import spf_tree
from blaze.core.auth.spf_tree import Branch, Node
from blaze.core.net.dns_static import StaticResolver


def draw(**texts: str) -> Node:
    resolver = StaticResolver({name.replace("_", "."): text for name, text in texts.items()})
    return spf_tree.draw("example.org", resolver=resolver)


def shape(node: Node) -> object:
    """(domain, look-ups, problem, [(term, number, shape of the target)])."""
    return (
        node.domain,
        node.lookups,
        node.problem,
        [(b.text, b.number, b.target and shape(b.target)) for b in node.branches],
    )


def test_draw_follows_includes_and_the_redirect() -> None:
    tree = draw(
        example_org="txt:v=spf1 a include:b.test ip4:192.0.2.1 redirect=c.test",
        b_test="txt:v=spf1 mx include:%{d}.deep.test -all redirect=ignored.test",
        b_test_deep_test="txt:v=spf1 ptr ?all",
        c_test="txt:v=spf1 exists:%{i}.x.test -all",
    )
    deep = ("b.test.deep.test", 1, None, [("ptr", 5, None), ("?all", 0, None)])
    b = ("b.test", 3, None, [("mx", 3, None), ("include:%{d}.deep.test", 4, deep), ("-all", 0, None)])
    c = ("c.test", 1, None, [("exists:%{i}.x.test", 7, None), ("-all", 0, None)])
    assert shape(tree) == (
        "example.org",
        7,
        None,
        [("a", 1, None), ("include:b.test", 2, b), ("ip4:192.0.2.1", 0, None), ("redirect=c.test", 6, c)],
    )


def test_draw_goes_on_past_the_limit_and_marks_it() -> None:
    tree = draw(example_org="txt:v=spf1 " + "include:b.test " * 4 + "-all", b_test="txt:v=spf1 a mx ~all")
    numbers = [(branch.number, branch.over_limit) for branch in iter_branches(tree) if branch.number]
    assert numbers == [(number, number > 10) for number in range(1, 13)]
    assert tree.lookups == 12


def iter_branches(node: Node) -> list[Branch]:
    found = []
    for branch in node.branches:
        found.append(branch)
        if branch.target:
            found += iter_branches(branch.target)
    return found


def test_draw_says_what_is_wrong() -> None:
    tree = draw(
        example_org="txt:v=spf1 include:none.test include:two.test include:bad.test include:slow.test"
        " include:%{i}.test include:x..y.test -all",
        two_test="txt:v=spf1 -all\ntxt:v=spf1 +all",
        bad_test="txt:v=spf1 foo",
        slow_test="timeout",
    )
    problems = [branch.target.problem if branch.target else None for branch in tree.branches]
    assert problems == [
        "no SPF record",
        "2 SPF records: two.test",
        "unknown mechanism: foo",
        "cannot be looked up now: slow.test TXT: timeout (no reply, says the static tree)",
        None,
        "no domain name that can have a policy",
        None,
    ]


def test_draw_ends_at_loops() -> None:
    tree = draw(
        example_org="txt:v=spf1 include:B.test", b_test="txt:v=spf1 include:example.org redirect=b.test"
    )
    inner = tree.branches[0].target
    assert inner is not None
    assert [branch.target and branch.target.problem for branch in inner.branches] == [
        "a loop: this record is being evaluated already"
    ] * 2


def test_draw_is_bounded_for_wide_and_deep_policies() -> None:
    wide = {f"n{number}.test": "txt:v=spf1 " + f"include:n{number + 1}.test " * 3 for number in range(1000)}
    tree = spf_tree.draw("n0.test", resolver=StaticResolver(wide))
    branches = iter_branches(tree)
    assert len(branches) < spf_tree.MAX_NODES * 4
    assert any(branch.target and "not followed" in (branch.target.problem or "") for branch in branches)


@pytest.mark.parametrize("term", ["ip4:10.0.0.1 ", "x=" + "y" * 1000 + " ", "include:example.org "])
def test_draw_of_large_records_that_are_included_many_times_is_bounded(term: str) -> None:
    large = term * (60_000 // len(term))
    tree = draw(example_org="txt:v=spf1 " + "include:b.test " * 1500, b_test=f"txt:v=spf1 {large}")
    assert sum(len(node.record or "") for node in spf_tree.iter_nodes(tree)) <= spf_tree.MAX_OCTETS
    problems = {node.problem for node in spf_tree.iter_nodes(tree)}
    assert "not followed: more than 1,048,576 octets of records" in problems


def test_draw_of_nothing() -> None:
    assert shape(draw()) == ("example.org", 0, "no SPF record", [])
