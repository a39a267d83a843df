"""git as a subprocess: fixed argument lists, no shell, no prompt, and only the one protocol that is wanted.

Only plumbing is called, so that no configuration of a repository can make git run anything: no hooks, no
external diffs, no lazy fetching.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import IO, NamedTuple

from blaze.core.errors import (
    AuthenticationError,
    BlazeError,
    ConfigurationError,
    DataError,
    InputOutputError,
    NoHostError,
    TemporaryError,
    TLSError,
    UnavailableError,
)

HEAD = "refs/blaze/head"
"""The reference in a mirror of ours that stands for the remote's HEAD."""

_LOCAL_VARIABLES = (  # what git itself says belongs to one repository: git rev-parse --local-env-vars
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
_AHEAD = 64  # object names written before the first is read: they fit into any pipe
_CHUNK = 1 << 16  # octets
_OBJECT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REASONS: tuple[tuple[re.Pattern[str], type[BlazeError]], ...] = (
    (
        re.compile(r"could not resolve|unknown host|unable to look up|name or service", re.IGNORECASE),
        NoHostError,
    ),
    (
        re.compile(r"authentication failed|permission denied|could not read username", re.IGNORECASE),
        AuthenticationError,
    ),
    (re.compile(r"certificate|ssl|gnutls|handshake", re.IGNORECASE), TLSError),
    (re.compile(r"transport '.*' not allowed", re.IGNORECASE), UnavailableError),
    (
        re.compile(
            r"not found|does not exist|not appear to be a git|not exported|no such|access denied"
            r"|returned error: 4",
            re.IGNORECASE,
        ),
        UnavailableError,
    ),
)


class Change(NamedTuple):
    """What a commit did to a file: `status` is a letter of git (A, M, D), `old` and `new` object names."""

    status: str
    old: str
    new: str
    path: str


class Blob:
    """A blob as it comes: its name, its octets' number, and the octets, which can be taken once."""

    def __init__(self, name: str, size: int, stream: IO[bytes]) -> None:
        self.name = name
        self.size = size
        self._left = size
        self._stream = stream

    def iter_octets(self) -> Iterator[bytes]:
        """The octets that were not taken yet."""
        while self._left:
            chunk = self._stream.read(min(self._left, _CHUNK))
            if not chunk:
                raise InputOutputError("git ended before the end of an object", where=self.name)
            self._left -= len(chunk)
            yield chunk


class Repository:
    """A repository by the path of its git folder. Nothing in it is written but by `fetch`."""

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether there is a repository."""
        return is_repository(self.path)

    def fetch(self, url: str, protocol: str) -> None:
        """Bring the remote's HEAD to `HEAD` here; the repository is made if need be.

        A remote without any commit leaves things as they are.

        Raises:
            UnavailableError: there is no such repository.
            NoHostError, AuthenticationError, TemporaryError: it cannot be reached.
        """
        if not self.exists:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            _run(["init", "--quiet", "--bare", "--template=", "--", self.path])
        refspec = f"+HEAD:{HEAD}"
        options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-gc"]
        try:
            _run([f"--git-dir={self.path}", "fetch", *options, "--", url, refspec], protocol, where=url)
        except BlazeError as error:
            if "couldn't find remote ref" not in error.what.lower():
                raise

    def remove(self) -> None:
        """Remove it, where nothing came into it."""
        if self.exists and self.resolve(HEAD) is None:
            shutil.rmtree(self.path, ignore_errors=True)

    def resolve(self, name: str) -> str | None:
        """The commit that a reference stands for, or None."""
        arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
        done = _call([f"--git-dir={self.path}", *arguments])
        found = done.stdout.decode("ascii", "replace").strip()
        return found if done.returncode == 0 and _OBJECT.fullmatch(found) else None

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether the commit `old` is in the history of `new`."""
        if not _OBJECT.fullmatch(old):
            return False
        return _call([f"--git-dir={self.path}", "merge-base", "--is-ancestor", old, new]).returncode == 0

    def iter_changes(self, new: str, old: str | None = None) -> Iterator[Change]:
        """What the commits up to `new` changed, the oldest first; those up to `old` are left out.

        Raises:
            InputOutputError: git failed.
        """
        span = [new, f"^{old}"] if old else [new]
        listing = ["rev-list", "--reverse", "--topo-order", *span, "--"]
        options = [
            "--stdin",
            "-r",
            "--root",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
        ]
        with (
            _started([f"--git-dir={self.path}", *listing]) as commits,
            _started([f"--git-dir={self.path}", "diff-tree", *options], stdin=commits.stdout) as changes,
        ):
            assert commits.stdout and changes.stdout
            commits.stdout.close()
            for line in changes.stdout:
                if line.startswith(b":"):
                    yield _change(line)

    def iter_blobs(self, names: Iterable[str]) -> Iterator[Blob]:
        """Read blobs, in the order of their names.

        Raises:
            DataError: there is no such blob.
            InputOutputError: git failed.
        """
        source = iter(names)
        with _started([f"--git-dir={self.path}", "cat-file", "--batch"], stdin=subprocess.PIPE) as process:
            assert process.stdin and process.stdout
            batch = list(islice(source, _AHEAD))
            while batch:
                process.stdin.write("".join(f"{name}\n" for name in batch).encode("ascii"))
                process.stdin.flush()
                for name in batch:
                    blob = _blob(name, process.stdout)
                    yield blob
                    for _ in blob.iter_octets():
                        pass
                    process.stdout.read(1)
                batch = list(islice(source, _AHEAD))
            process.stdin.close()


def is_repository(path: str) -> bool:
    """Whether `path` looks like a git folder."""
    return os.path.isfile(f"{path}/HEAD") and os.path.isdir(f"{path}/objects")


def _change(line: bytes) -> Change:
    fields, _, path = line.decode("utf-8", "surrogateescape").rstrip("\n").partition("\t")
    words = fields.split(" ")
    if len(words) != 5:
        raise InputOutputError("git says something unexpected", where=repr(line[:80]))
    return Change(words[4][:1], words[2], words[3], path)


def _blob(name: str, stream: IO[bytes]) -> Blob:
    words = stream.readline().decode("ascii", "replace").split()
    if len(words) != 3 or words[1] != "blob" or not words[2].isdigit():
        raise DataError("the archive lacks an object", where=name)
    return Blob(words[0], int(words[2]), stream)


def _environment(protocol: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}
    return {
        **kept,
        "GIT_ALLOW_PROTOCOL": protocol,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }


def _program() -> str:
    found = shutil.which("git")
    if found is None:
        raise ConfigurationError("git is not installed", hint="Archives are fetched by git.")
    return found


def _call(arguments: Sequence[str], protocol: str = "none") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [_program(), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=_environment(protocol),
        check=False,
    )


def _run(arguments: Sequence[str], protocol: str = "none", where: str | None = None) -> None:
    done = _call(arguments, protocol)
    if done.returncode:
        raise _failure(done.stderr, where)


@contextmanager
def _started(
    arguments: Sequence[str], stdin: int | IO[bytes] | None = subprocess.DEVNULL
) -> "Iterator[subprocess.Popen[bytes]]":
    """A git that is read from; InputOutputError when it fails."""
    process = subprocess.Popen(
        [_program(), *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment("none"),
    )
    try:
        yield process
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
    if process.wait():
        raise InputOutputError(f"git {arguments[1]} failed", where=arguments[0].removeprefix("--git-dir="))


def _failure(stderr: bytes, where: str | None) -> BlazeError:
    """What git's complaint is to the user: its last line, and whether it may work later."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = next(
        (line for line in lines if line.lower().startswith(("fatal:", "error:"))), lines[-1] if lines else ""
    )
    text = "; ".join(lines)
    kind = next((kind for pattern, kind in _REASONS if pattern.search(text)), TemporaryError)
    return kind(f"git says: {said}", where=where)
