"""The MTA-STS policies that were fetched, kept until their max_age is over (RFC 8461 §3.2, §5.1)."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from blaze.core.errors import CannotCreateError
from blaze.core.net.sts import MODES, Policy
from blaze.core.store.atomic import write_file

MAX_AGE = 31557600  # seconds, RFC 8461 §3.2: about a year
MAX_FILE = 1 << 20  # octets, ours; the policies fetched longest ago make way
_SCHEMA = "blaze.mta-sts/1"


class Kept(NamedTuple):
    """A policy with the `id` that announced it, and when it was fetched, in seconds since 1970."""

    policy: Policy
    id: str
    fetched: float


class PolicyCache:
    """The policies in the file at `path`; `clock` gives the seconds since 1970.

    A file that cannot be read, or holds what makes no sense, is an empty one. Two processes that write at
    once leave the file of one of them.
    """

    def __init__(self, path: str, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock

    def find(self, domain: str) -> Kept | None:
        """The policy of `domain`, unless its time is over."""
        return self._read().get(domain)

    def keep(self, domain: str, policy: Policy, id_: str) -> None:
        """Write down the policy of `domain`, fetched just now.

        Raises:
            CannotCreateError, InputOutputError: the file cannot be written.
        """
        kept = self._read() | {domain: Kept(policy, id_, self._clock())}
        lines: list[bytes] = []
        size = 0
        for name, one in sorted(kept.items(), key=lambda item: -item[1].fetched):
            line = json.dumps(_entry(name, one)).encode() + b"\n"
            size += len(line)
            if size > MAX_FILE:
                break
            lines.append(line)
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        except OSError as error:
            raise CannotCreateError(
                f"cannot create the folder: {error.strerror}", where=os.path.dirname(self._path)
            ) from error
        write_file(self._path, lines, force=True, private=True, sync=False)

    def _read(self) -> dict[str, Kept]:
        try:
            with open(self._path, "rb") as file:
                octets = file.read(MAX_FILE)
        except OSError:
            return {}
        kept = {}
        for line in octets.splitlines():
            try:
                entry = json.loads(line)
                domain, one = str(entry["domain"]), _kept(entry)
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                continue
            if one.fetched <= self._clock() < one.fetched + min(one.policy.max_age, MAX_AGE):
                kept[domain] = one
        return kept


def _entry(domain: str, kept: Kept) -> dict[str, Any]:
    mode, mx, max_age = kept.policy.mode, kept.policy.mx, kept.policy.max_age
    told = {"mode": mode, "mx": mx, "max_age": max_age, "id": kept.id, "fetched": kept.fetched}
    return {"schema": _SCHEMA, "domain": domain, **told}


def _kept(entry: Mapping[str, Any]) -> Kept:
    """What an entry says; raises what `json` and `int` do when it makes no sense."""
    mode, mx = entry["mode"], tuple(entry["mx"])
    if entry["schema"] != _SCHEMA or mode not in MODES or not all(isinstance(name, str) for name in mx):
        raise ValueError(entry)
    return Kept(Policy(mode, mx, int(entry["max_age"])), str(entry["id"]), float(entry["fetched"]))
