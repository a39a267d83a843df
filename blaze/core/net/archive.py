"""A public-inbox archive (v1 or v2) brought to disk: each message once, in order, new ones on the next run.

Version 1 is one repository with a file for each message, at `xx/` and 38 more hexadecimal digits. Version 2
has a repository for each epoch, numbered from 0; each commit has one message in the file `m`, or takes one
away in the file `d` (public-inbox-v1-format(5), public-inbox-v2-format(5)).
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from blaze.core.errors import NoInputError, UnavailableError, UsageError
from blaze.core.net.fetch import BEGUN, FetchOptions, Watcher
from blaze.core.net.git import HEAD, Blob, Repository, is_repository
from blaze.core.store import atomic
from blaze.core.store.delivery import of_octets
from blaze.core.store.intake import Intake
from blaze.core.store.ledger import DONE, file_name
from blaze.core.wire import iter_crlf

PROTOCOLS = ("git", "https", "ssh")
MAX_EPOCHS = 1000  # ours: the largest archives have some twenty
_V1_PATH = re.compile(r"[0-9a-f]{2}/[0-9a-f]{38}")
_SCP = re.compile(r"(?:[A-Za-z0-9._+-]+@)?(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):(?!:)\S+")
_HOST = re.compile(r"[a-z]+://(?:[^/@\s]*@)?[A-Za-z0-9\[][^/@\s]*(?:/\S*)?")
_SINGLE = "repository"


class Place(NamedTuple):
    """Where an archive is: `protocol` is None for a folder of this machine."""

    uri: str
    protocol: str | None


class Epoch(NamedTuple):
    """One repository of an archive, and the reference to read."""

    name: str
    repository: Repository
    reference: str


def locate(uri: str) -> Place:
    """What `uri` names: an URL, `[USER@]HOST:PATH` for ssh, or a folder.

    Raises:
        UsageError: it is none of them.
        NoInputError: there is no such folder.
    """
    scheme, separator, rest = uri.partition("://")
    if separator:
        if scheme.lower() == "file":
            return locate(rest)
        if scheme.lower() not in PROTOCOLS or not _HOST.fullmatch(uri.lower()) or _has_controls(uri):
            hint = "Use pop3://, pop3s://, git://, https://, ssh:// or the path of an archive."
            raise UsageError("not the URI of a maildrop or an archive", where=uri, hint=hint)
        return Place(f"{scheme.lower()}://{rest.rstrip('/')}", scheme.lower())
    if os.path.isdir(uri):
        return Place(os.path.realpath(uri), None)
    if _SCP.fullmatch(uri) and "/" not in uri.partition(":")[0]:
        return Place(uri, "ssh")
    hint = "A maildrop is named as pop3s://USER@HOST."
    raise NoInputError("there is no such archive", where=uri, hint=hint)


def _has_controls(text: str) -> bool:
    return any(not character.isprintable() for character in text)


class Archive:
    """The archive at `place`; a remote one is mirrored below the folder `mirrors`."""

    def __init__(
        self, place: Place, mirrors: str, *, inform: Callable[[str], object] = lambda _: None
    ) -> None:
        self.place = place
        self._mirror = os.path.join(mirrors, file_name(place.uri).removesuffix(".jsonl"))
        self._inform = inform

    def epochs(self) -> list[Epoch]:
        """Its repositories, the oldest first; those of a remote archive are brought up to date.

        Raises:
            NoInputError: the folder is no archive.
            BlazeError: what stood in the way of git.
        """
        if self.place.protocol is None:
            return _local_epochs(self.place.uri)
        single = Repository(f"{self._mirror}/{_SINGLE}.git")
        if not Repository(f"{self._mirror}/0.git").exists and self._try(single, [self.place.uri]):
            return [Epoch(_SINGLE, single, HEAD)]
        return list(self._remote_epochs(self.place.uri))

    def _remote_epochs(self, uri: str) -> Iterator[Epoch]:
        for number in range(MAX_EPOCHS):
            repository = Repository(f"{self._mirror}/{number}.git")
            following = Repository(f"{self._mirror}/{number + 1}.git")
            is_closed = following.exists  # only the last epoch still grows
            if not is_closed and not self._try(repository, [f"{uri}/{number}", f"{uri}/git/{number}.git"]):
                if number == 0:
                    raise UnavailableError("there is no archive", where=uri)
                return
            yield Epoch(str(number), repository, HEAD)

    def _try(self, repository: Repository, urls: list[str]) -> bool:
        """Fetch from the first URL that has a repository; False when none ever had."""
        assert self.place.protocol
        is_known = repository.resolve(HEAD) is not None
        refusal: UnavailableError | None = None
        for url in urls:
            try:
                repository.fetch(url, self.place.protocol)
            except UnavailableError as error:
                self._inform(str(error))
                refusal = refusal or error
            else:
                self._inform(f"mirrored {url}")
                return True
        if is_known and refusal:
            raise refusal
        repository.remove()
        return False


def _local_epochs(path: str) -> list[Epoch]:
    folder = os.path.join(path, "git")
    if os.path.isdir(folder):
        names = [name.removesuffix(".git") for name in os.listdir(folder) if name.endswith(".git")]
        numbers = sorted(int(name) for name in names if name.isascii() and name.isdigit())
        if numbers:
            return [Epoch(str(n), Repository(f"{folder}/{n}.git"), "HEAD") for n in numbers]
    for candidate in (path, os.path.join(path, ".git")):
        if is_repository(candidate):
            return [Epoch(_SINGLE, Repository(candidate), "HEAD")]
    raise NoInputError("this folder is no public-inbox archive", where=path)


class ArchiveFetch:
    """One run over an archive: see `run`."""

    def __init__(self, archive: Archive, intake: Intake, options: FetchOptions, watcher: Watcher) -> None:
        self._archive = archive
        self._intake = intake
        self._ledger = intake.ledger
        self._options = options
        self._watcher = watcher
        self._left = options.limit
        self._complete = True

    def run(self) -> None:
        """Fetch every message that was not fetched before.

        A message that was taken away again before it was fetched does not come. Where history was rewritten,
        all of it is looked through, and what is known by its octets is passed over.

        Raises:
            BlazeError: git failed, or nothing more can be written; what came before is safe.
        """
        self._intake.recover()
        epochs = self._archive.epochs()
        is_first = self._ledger.value(BEGUN) is None
        passes_over = is_first and self._options.only_new
        if is_first and not passes_over:
            self._begin()
        for epoch in epochs:
            tip = epoch.repository.resolve(epoch.reference)
            if tip is None:
                continue
            self._complete = True
            if not passes_over:
                self._fetch_epoch(epoch, tip)
            if self._complete and self._ledger.value(_tip_name(epoch)) != tip:
                self._ledger.set_value(_tip_name(epoch), tip)
            if not self._complete and self._left == 0:
                return
        if passes_over:
            self._begin()  # only now: a run killed before is no first run

    def _begin(self) -> None:
        self._ledger.set_value(BEGUN, str(int(time.time())))

    def _fetch_epoch(self, epoch: Epoch, tip: str) -> None:
        names = self._choose(self._new_blobs(epoch, tip))
        self._watcher.planned(len(names) if self._left is None else min(len(names), self._left), 0)
        try:
            for blob in epoch.repository.iter_blobs(names):
                if self._left == 0:
                    self._complete = False
                    break
                self._take(blob)
                self._watcher.fetched()
        finally:
            self._intake.flush()

    def _new_blobs(self, epoch: Epoch, tip: str) -> Iterable[str]:
        """The messages that the commits since the last run brought, in order, without those taken away."""
        old = self._ledger.value(_tip_name(epoch))
        if old == tip:
            return ()
        if old is not None and not epoch.repository.is_ancestor(old, tip):
            self._watcher.inform(
                f"the history of {epoch.repository.path} was rewritten; looking through it all"
            )
            old = None
        found: dict[str, None] = {}
        for change in epoch.repository.iter_changes(tip, old):
            if change.path == "m" or _V1_PATH.fullmatch(change.path):
                if change.status in "AM":
                    found[change.new] = None
                elif change.path != "m":
                    found.pop(change.old, None)
            elif change.path == "d" and change.status in "AM":
                found.pop(change.new, None)
        return found

    def _choose(self, names: Iterable[str]) -> list[str]:
        wanted = []
        for name in names:
            mark = self._ledger.marks.get(name)
            if not (mark and mark.state == DONE) and name not in self._options.exclude:
                wanted.append(name)
        return wanted

    def _take(self, blob: Blob) -> None:
        most = self._options.max_size
        if most is not None and blob.size > most:
            self._watcher.inform(f"left in the archive, {blob.size} octets: {blob.name}")
            self._complete = False
            return
        buffer = atomic.spool(self._counted(self._converted(blob.iter_octets())))
        delivery = of_octets(b"", date_ns=time.time_ns())._replace(buffer=buffer, end=len(buffer))
        self._intake.add(blob.name, delivery)
        if self._left is not None:
            self._left -= 1

    def _converted(self, chunks: Iterable[bytes]) -> Iterable[bytes]:
        return iter_crlf(chunks) if self._options.newline == "crlf" else chunks

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._watcher.received(len(chunk))
            yield chunk


def _tip_name(epoch: Epoch) -> str:
    return f"tip {epoch.name}"
