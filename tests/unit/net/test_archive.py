"""Where archives are, what git's complaints mean, and the newlines of what is fetched."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import NoInputError, UsageError
from blaze.core.net.archive import Archive, ArchiveFetch, Epoch, Place, locate
from blaze.core.net.fetch import FetchOptions, Watcher, _digest, to_lf
from blaze.core.net.git import Blob, Change, Repository, _environment, _failure
from blaze.core.store.intake import Intake
from blaze.core.store.landing import FileLanding
from blaze.core.store.ledger import Ledger


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("git://example.org/inbox/", Place("git://example.org/inbox", "git")),
        ("HTTPS://example.org/inbox", Place("https://example.org/inbox", "https")),
        ("ssh://me@example.org:22/inbox", Place("ssh://me@example.org:22/inbox", "ssh")),
        ("me@example.org:inbox", Place("me@example.org:inbox", "ssh")),
        ("example.org:/srv/inbox", Place("example.org:/srv/inbox", "ssh")),
        ("git://[::1]/inbox", Place("git://[::1]/inbox", "git")),
    ],
)
def test_locate_a_remote_archive(uri: str, place: Place) -> None:
    assert locate(uri) == place


def test_locate_a_folder(tmp_path: Path) -> None:
    (tmp_path / "host:x").mkdir()
    for uri in (str(tmp_path / "host:x"), f"file://{tmp_path}/host:x", f"{tmp_path}/./host:x/"):
        assert locate(uri) == Place(str(tmp_path / "host:x"), None)


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.org/x",
        "ext::sh -c id://x",
        "ssh://-oProxyCommand=id/x",
        "ssh://me@-oProxyCommand=id/x",
        "git://",
        "git://h\x00/x",
        "git://h/a b",
        "git://h/\nx",
        "imap://h",
    ],
)
def test_locate_refuses_other_uris(uri: str) -> None:
    with pytest.raises(UsageError):
        locate(uri)


@pytest.mark.parametrize(
    "uri", ["-oProxyCommand=id:x", "-x", "a/b:c", "nothing", "ext::id", "h:a b", "file:///nonexistent"]
)
def test_locate_finds_nothing(uri: str) -> None:
    with pytest.raises(NoInputError):
        locate(uri)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"fatal: unable to access 'https://h/': Could not resolve host: h", 68),
        (
            b"ssh: Could not resolve hostname h: Name or service not known\nfatal: Could not read",
            68,
        ),
        (b"me@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", 77),
        (b"fatal: repository 'https://h/x/' not found", 69),
        (b"fatal: unable to access 'https://h/x/': The requested URL returned error: 403", 69),
        (b"fatal: remote error: access denied or repository not exported: /x", 69),
        (b"fatal: unable to connect to h:\nh[0: 127.0.0.1]: errno=Connection refused", 75),
        (b"fatal: the remote end hung up unexpectedly", 75),
        (b"", 75),
    ],
)
def test_failure_tells_never_from_later(said: bytes, status: int) -> None:
    assert _failure(said, "h").status == status


def test_environment_leaves_out_what_belongs_to_another_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext")
    found = _environment("git")
    assert found["GIT_ALLOW_PROTOCOL"] == "git"
    assert not {"GIT_DIR", "GIT_CONFIG_COUNT"} & found.keys()


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"x", b""]), max_size=20))
def test_to_lf_is_the_same_however_it_is_cut(chunks: list[bytes]) -> None:
    assert b"".join(to_lf(chunks)) == b"".join(chunks).replace(b"\r\n", b"\n")


@given(st.binary(max_size=60), st.integers(1, 7))
def test_digest_is_of_the_header_however_it_is_cut(body: bytes, size: int) -> None:
    head = b"Subject: x\r\nStatus: RO\r\n\r\n"
    whole = head + body
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert _digest(pieces) == _digest([head]) == _digest([b"Subject: x\r\n\r\n"])


class Messages(Repository):
    """A repository with a commit for each of these messages, which are named by their octets."""

    def __init__(self, *messages: str) -> None:
        super().__init__("memory")
        self.messages = messages

    def resolve(self, name: str) -> str | None:
        return self.messages[-1]

    def iter_changes(self, new: str, old: str | None = None) -> Iterator[Change]:
        begin = self.messages.index(old) + 1 if old else 0
        return (Change("A", "", message, "m") for message in self.messages[begin:])

    def iter_blobs(self, names: Iterable[str]) -> Iterator[Blob]:
        return (Blob(name, len(name), io.BytesIO(name.encode())) for name in names)

    def is_ancestor(self, old: str, new: str) -> bool:
        return True


class Epochs(Archive):
    def __init__(self, *epochs: Messages) -> None:
        self._epochs = [Epoch(str(number), messages, "HEAD") for number, messages in enumerate(epochs)]

    def epochs(self) -> list[Epoch]:
        return self._epochs


def test_message_that_is_too_large_does_not_keep_later_epochs_away(tmp_path: Path) -> None:
    archive = Epochs(Messages("a", "larger", "b"), Messages("c", "d"), Messages("e"))

    def run(options: FetchOptions) -> list[str]:
        uids: list[str] = []
        with Ledger(f"{tmp_path}/state/ledger", sync=False) as ledger:
            landing = FileLanding(f"{tmp_path}/%s", sync=False)
            intake = Intake(ledger, landing, lambda landed: uids.append(landed.uid))
            ArchiveFetch(archive, intake, options, Watcher()).run()
        return uids

    assert [run(FetchOptions(max_size=1, limit=1)) for _ in "abc"] == [["a"], ["b"], ["c"]]
    assert run(FetchOptions(max_size=1)) == ["d", "e"]
    assert run(FetchOptions(max_size=1)) == []
    assert run(FetchOptions()) == ["larger"]
    assert run(FetchOptions()) == []
