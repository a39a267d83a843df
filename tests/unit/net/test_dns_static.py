"""Static DNS trees: the file format, lookups through aliases, and recording."""

import logging
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth.resolver import (
    Answer,
    Association,
    MailExchanger,
    Question,
    Rcode,
    Record,
    RecordType,
    ask,
)
from blaze.core.errors import CannotCreateError, NoInputError
from blaze.core.net.dns_static import (
    MAX_ALIASES,
    Recorder,
    StaticName,
    StaticResolver,
    StaticTree,
    file_name,
    parse,
)

A, AAAA, CNAME, MX, PTR, TLSA, TXT = RecordType


@pytest.mark.parametrize(
    ("text", "kind", "records"),
    [
        ("txt:v=spf1 -all", TXT, (b"v=spf1 -all",)),
        ("txt:one\ntxt:two", TXT, (b"one", b"two")),
        ("txt: kept as it is \r\n", TXT, (b" kept as it is ",)),
        ("txt:", TXT, (b"",)),
        ("txt:a:b", TXT, (b"a:b",)),
        ("a:192.0.2.1 192.0.2.2", A, (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"))),
        ("a:192.0.2.1\na:192.0.2.2", A, (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"))),
        ("aaaa:2001:db8::1", AAAA, (IPv6Address("2001:db8::1"),)),
        ("mx:mx1.test:10 mx2.test.:20", MX, (MailExchanger(10, "mx1.test"), MailExchanger(20, "mx2.test"))),
        ("mx:.:0", MX, (MailExchanger(0, "."),)),
        ("ptr:a.example b.example.", PTR, ("a.example", "b.example")),
        ("cname:c.example", CNAME, ("c.example",)),
        ("tlsa:3 1 1 00ff", TLSA, (Association(3, 1, 1, b"\x00\xff"),)),
        ("\n\na:192.0.2.1\n\n", A, (IPv4Address("192.0.2.1"),)),
    ],
)  # fmt: skip
def test_parse_reads_records(text: str, kind: RecordType, records: tuple[Record, ...]) -> None:
    assert parse(text.encode()) == StaticName({kind: records})


@pytest.mark.parametrize(
    ("text", "kind", "rcode"),
    [
        ("nxdomain", A, Rcode.NXDOMAIN),
        ("nodata", A, Rcode.NOERROR),
        ("servfail", A, Rcode.SERVFAIL),
        ("timeout", A, Rcode.TIMEOUT),
        ("servfail a", A, Rcode.SERVFAIL),
        ("servfail txt", A, Rcode.NOERROR),
        ("timeout txt\nservfail", TXT, Rcode.TIMEOUT),
        ("servfail\nnodata a", A, Rcode.NOERROR),
        ("txt:x\nnxdomain", A, Rcode.NXDOMAIN),
        ("txt:x", A, Rcode.NOERROR),
        ("", A, Rcode.NOERROR),
    ],
)
def test_answer_follows_outcomes(text: str, kind: RecordType, rcode: Rcode) -> None:
    answer = parse(text.encode()).answer(Question("example.org", kind))
    assert (answer.rcode, answer.records) == (rcode, ())


def test_answer_prefers_records_to_what_is_said_of_the_name() -> None:
    assert parse(b"txt:x\nnxdomain").answer(Question("n", TXT)).records == (b"x",)


@pytest.mark.parametrize(
    "line",
    [
        "a:", "a:192.0.2.256", "a:example.org", "aaaa:192.0.2.1", "mx:", "mx:host", "mx:host:65536",
        "mx:host:-1", "mx::10", "mx:host:x", "ptr:", "tlsa:3 1 1", "tlsa:3 1 1 0", "tlsa:256 1 1 00", "spf:x",
        "rubbish", "A:192.0.2.1", "nodata spf", "nxdomain a", "servfail a b", "ad x", ":x", "\ufffd:x",
    ],
)  # fmt: skip
def test_parse_numbers_lines_that_mean_nothing(line: str) -> None:
    held = parse(f"txt:before\n{line}\ntxt:after".encode())
    assert held.faults == (2,)
    assert held == StaticName({TXT: (b"before", b"after")})


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("google._domainkey.Example.org.", "google._domainkey.example.org.dns"),
        ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd.dns"),
        ("..", "..dns"),
        ("a\0b", "a%00b.dns"),
        ("100%.example", "100%25.example.dns"),
        ("münchen.de", "m%C3%BCnchen.de.dns"),
        ("\udcff", "%FF.dns"),
        ("a" * 251, "a" * 251 + ".dns"),
        ("a" * 252, None),
        ("~user", "%7Euser.dns"),
    ],
)
def test_file_name(domain: str, name: str | None) -> None:
    assert file_name(domain) == name


@given(st.text(st.characters(codec="utf-8", categories=None) | st.sampled_from("./\\%~\0\n:"), max_size=80))
def test_file_name_never_leaves_the_folder(domain: str) -> None:
    name = file_name(domain)
    assert name is None or (
        "/" not in name and name not in (".", "..") and name.isascii() and name.isprintable()
    )


names = st.from_regex(r"[a-z0-9_-]{1,20}(\.[a-z0-9_-]{1,20}){0,3}", fullmatch=True)
records_by_kind = {
    A: st.ip_addresses(v=4),
    AAAA: st.ip_addresses(v=6),
    CNAME: names,
    MX: st.builds(MailExchanger, st.integers(0, 65535), names),
    PTR: names,
    TLSA: st.builds(
        Association, st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(min_size=1)
    ),
    TXT: st.binary().filter(lambda text: b"\n" not in text and not text.endswith(b"\r")),
}
record_sets = st.fixed_dictionaries(
    {},
    optional={
        kind: st.lists(one, min_size=1, max_size=4).map(tuple) for kind, one in records_by_kind.items()
    },
)
outcomes = st.dictionaries(
    st.sampled_from(RecordType), st.sampled_from([Rcode.NOERROR, Rcode.SERVFAIL, Rcode.TIMEOUT])
) | st.just({None: Rcode.NXDOMAIN})


@given(st.builds(StaticName, record_sets, outcomes, st.booleans()))
def test_parse_undoes_to_bytes(held: StaticName) -> None:
    assert parse(held.to_bytes()) == held
    assert parse(held.to_bytes()).faults == ()
    assert parse(held.to_bytes().replace(b"\n", b"\r\n")) == held


@pytest.mark.parametrize("record", [b"two\nlines", b"ends in\r", "a name", "", MailExchanger(1, "a b")])
def test_to_bytes_refuses_what_would_be_another_line(record: Record) -> None:
    kind = TXT if isinstance(record, bytes) else PTR
    with pytest.raises(ValueError, match="no line can hold"):
        StaticName({kind: (record,)}).to_bytes()


def test_resolver_follows_aliases_inside_the_tree() -> None:
    resolver = StaticResolver(
        {
            "one.example": "ad\ncname:two.example",
            "two.example": "ad\ncname:three.example",
            "three.example": "ad\na:192.0.2.3\ntxt:x",
            "plain.example": "cname:three.example",
            "loose.example": "cname:nowhere.example",
        }
    )
    told = ask(resolver, "ONE.example.", A)
    assert (told.question.name, told.addresses, told.authenticated) == (
        "ONE.example.",
        (IPv4Address("192.0.2.3"),),
        True,
    )
    assert ask(resolver, "one.example", CNAME).names == ("two.example",)
    assert ask(resolver, "one.example", MX).void
    assert not ask(resolver, "plain.example", TXT).authenticated
    assert ask(resolver, "loose.example", A).rcode is Rcode.NXDOMAIN


def test_resolver_ends_a_loop_of_aliases() -> None:
    chain = {f"n{i}": f"cname:n{i + 1}" for i in range(MAX_ALIASES)} | {f"n{MAX_ALIASES}": "a:192.0.2.1"}
    assert ask(StaticResolver({"a": "cname:b", "b": "cname:a"}), "a", A).rcode is Rcode.SERVFAIL
    assert ask(StaticResolver(chain), "n0", A).rcode is Rcode.SERVFAIL
    assert ask(StaticResolver(chain), "n1", A).addresses


def test_resolver_knows_no_impossible_name() -> None:
    assert ask(StaticResolver({}), "a..b", A).rcode is Rcode.NXDOMAIN


def test_tree_of_a_folder_reads_files_and_warns_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "example.org.dns").write_text("a:192.0.2.1\nwhat is this\n")
    tree = StaticTree.of_folder(tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            found = tree.find(Question("example.org", A))
    assert found.answer is not None
    assert found.answer.addresses == (IPv4Address("192.0.2.1"),)
    assert caplog.messages == [f"{tmp_path}/example.org.dns: line 2 is no record and is passed over"]
    assert tree.find(Question("other.example", A)).answer is None
    assert tree.find(Question("x" * 300, A)).answer is None


def test_tree_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NoInputError):
        StaticTree.of_folder(tmp_path / "file")


def answers() -> list[Answer]:
    return [
        Answer(Question("a.example", TXT), records=(b"one", b"two"), authenticated=True),
        Answer(Question("a.example", A), Rcode.NOERROR, authenticated=True),
        Answer(Question("b.example", MX), Rcode.SERVFAIL),
        Answer(Question("b.example", A), Rcode.TIMEOUT),
        Answer(Question("b.example", TXT), records=(b"x",)),
        Answer(Question("c.example", TXT), Rcode.NXDOMAIN),
        Answer(Question("../c", AAAA), records=(IPv6Address("::1"),)),
    ]


def test_recorder_writes_what_a_tree_replays(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new" / "folder")
    for answer in answers():
        recorder.record(answer)
    tree = StaticTree.of_folder(tmp_path / "new" / "folder")
    for answer in answers():
        replayed = tree.find(answer.question).answer
        assert replayed is not None
        assert (replayed.rcode, replayed.records, replayed.authenticated) == (
            answer.rcode,
            answer.records,
            answer.authenticated,
        )
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "..%2Fc.dns",
        "a.example.dns",
        "b.example.dns",
        "c.example.dns",
    ]


def test_recorder_completes_a_tree_and_replaces_what_changed(tmp_path: Path) -> None:
    Recorder(tmp_path).record(Answer(Question("n.example", A), records=(IPv4Address("192.0.2.1"),)))
    Recorder(tmp_path).record(Answer(Question("n.example", TXT), records=(b"old",)))
    Recorder(tmp_path).record(Answer(Question("n.example", TXT), records=(b"new",)))
    assert (tmp_path / "n.example.dns").read_bytes() == b"a:192.0.2.1\ntxt:new\n"


def test_recorder_counts_a_name_authenticated_only_when_all_of_it_is(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.record(Answer(Question("n", A), authenticated=True))
    assert (tmp_path / "n.dns").read_bytes() == b"ad\nnodata a\n"
    recorder.record(Answer(Question("n", MX), authenticated=False))
    recorder.record(Answer(Question("n", TXT), authenticated=True))
    assert (tmp_path / "n.dns").read_bytes() == b"nodata a\nnodata mx\nnodata txt\n"


def test_recorder_lets_no_text_forge_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Recorder(tmp_path).record(Answer(Question("n", TXT), records=(b"v=DKIM1\nad\na:192.0.2.66",)))
    assert (tmp_path / "n.dns").read_bytes() == b"servfail txt\n"
    assert "cannot be written in a static tree" in caplog.text


def test_recorder_leaves_out_a_name_too_long(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Recorder(tmp_path).record(Answer(Question("a" * 300, TXT), records=(b"x",)))
    assert list(tmp_path.iterdir()) == []
    assert "too long for a file name" in caplog.text


def test_recorder_needs_a_folder_it_can_make(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreateError):
        Recorder(tmp_path / "file" / "sub")
