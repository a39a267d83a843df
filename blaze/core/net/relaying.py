"""Messages brought to mail exchangers, with the safety that the recipients' domains ask for."""

from dataclasses import replace
from typing import NamedTuple

from blaze.core.auth.resolver import Resolver
from blaze.core.errors import BlazeError, DataError, SMTPReplyError, TemporaryError, UnavailableError
from blaze.core.mail.address import to_ascii_domain
from blaze.core.mail.relay import Outgoing
from blaze.core.net import dane, mx, sts
from blaze.core.net.delivery import Delivery, DeliveryOptions, HostCourier, Target, undelivered
from blaze.core.net.smtp import Envelope, Following
from blaze.core.net.stscache import PolicyCache
from blaze.core.net.transaction import REQUIRETLS_NOT_OFFERED

MAX_SESSIONS = 10  # ours: connections kept open at once
MAX_ATTEMPTS = 5  # hosts tried for one recipient

_INSECURE_WAY = "REQUIRETLS, but nothing proves that this host takes mail for {domain}"
_NAME_THE_HOST = (
    "Neither DNSSEC nor an MTA-STS policy names it. Give the host as MX if you know it to be the right one."
)


class _Guard(NamedTuple):
    """How to talk to one host for one domain. `policy` names what asks for TLS there, or is None.

    `named` says that the domain's MTA-STS policy names the host.
    """

    options: DeliveryOptions
    policy: str | None = None
    named: bool = False


class _Way(NamedTuple):
    """A host with its addresses, and how to talk to it.

    `is_secure` says that nobody can have put the host in the place of the domain's own (RFC 8689 §4.2.1).
    """

    target: Target
    options: DeliveryOptions
    policy: str | None
    is_secure: bool


class MXCourier:
    """Brings messages to the mail exchangers of their recipients' domains, each domain's in turn.

    TLSA records (DANE) of the hosts are obeyed, and where there are none the domain's MTA-STS policy, which
    `offline` forbids to fetch; `cache` keeps it. A host they rule out is passed over, and its recipients wait
    (status 75). A message with REQUIRETLS, for which `options` must insist on certificates, goes only to
    hosts that were found by a secure look-up.
    """

    def __init__(
        self,
        resolver: Resolver,
        options: DeliveryOptions,
        port: int = 25,
        *,
        offline: bool = False,
        cache: PolicyCache | None = None,
    ) -> None:
        self._resolver = resolver
        self._options = options
        self._port = port
        self._offline = offline
        self._cache = cache
        self._routes: dict[str, mx.Route | BlazeError] = {}
        self._policies: dict[str, sts.Policy | None] = {}
        self._ways: dict[tuple[str, str], _Way | BlazeError] = {}
        self._couriers: dict[tuple[str, str], HostCourier] = {}

    def deliver(
        self,
        envelope: Envelope,
        message: Outgoing,
        following: Following | None = None,  # noqa: ARG002 - it may go elsewhere
    ) -> list[Delivery]:
        """See `Courier.deliver`. Recipients of one domain share a transaction."""
        domains: dict[str, list[str]] = {}
        for recipient in dict.fromkeys(envelope.recipients):
            domains.setdefault(domain_of(recipient), []).append(recipient)
        told: dict[str, Delivery] = {}
        for domain, recipients in domains.items():
            told |= self._deliver_to(domain, replace(envelope, recipients=recipients), message)
        return [told[recipient] for recipient in dict.fromkeys(envelope.recipients)]

    def _deliver_to(self, domain: str, envelope: Envelope, message: Outgoing) -> dict[str, Delivery]:
        route = self._route(domain)
        if isinstance(route, BlazeError):
            return {one: undelivered(one, route, domain) for one in envelope.recipients}
        told: dict[str, Delivery] = {}
        waiting = list(envelope.recipients)
        for host in route.hosts[:MAX_ATTEMPTS]:
            if told:
                self._options.inform(f"{told[waiting[0]].error}; trying {host}")
            courier = self._courier(route, host, must_be_secure="REQUIRETLS" in envelope.options)
            deliveries = self._attempt(courier, host, replace(envelope, recipients=waiting), message)
            told |= {one.recipient: _final(told.get(one.recipient), one) for one in deliveries}
            waiting = [one for one in waiting if _may_go_elsewhere(told[one])]
            if not waiting:
                break
        return told

    def _attempt(
        self, courier: HostCourier | BlazeError, host: str, envelope: Envelope, message: Outgoing
    ) -> list[Delivery]:
        if not isinstance(courier, BlazeError):
            try:
                return courier.deliver(envelope, message)
            except DataError as error:
                # It is of this domain's recipients alone: others may have the message by now.
                courier = error
        return [undelivered(one, courier, host) for one in envelope.recipients]

    def _route(self, domain: str) -> mx.Route | BlazeError:
        if domain not in self._routes:
            try:
                self._routes[domain] = mx.find_route(domain, self._resolver)
            except BlazeError as error:
                self._routes[domain] = error
        return self._routes[domain]

    def _courier(self, route: mx.Route, host: str, *, must_be_secure: bool) -> HostCourier | BlazeError:
        """The courier for `host`; domains that ask for nothing of their own share it."""
        way = self._way(route, host)
        if isinstance(way, BlazeError):
            return way
        if must_be_secure and not way.is_secure:
            return UnavailableError(
                _INSECURE_WAY.format(domain=route.domain), where=host, hint=_NAME_THE_HOST
            )
        key = (host, route.domain if way.policy else "")
        courier = self._couriers.pop(key, None) or HostCourier(way.target, way.options, way.policy)
        self._couriers[key] = courier  # the last used is the last in the dictionary
        if len(self._couriers) > MAX_SESSIONS:
            self._couriers.pop(next(iter(self._couriers))).close()
        return courier

    def _way(self, route: mx.Route, host: str) -> _Way | BlazeError:
        key = (host, route.domain)
        if key not in self._ways:
            try:
                self._ways[key] = self._find_way(route, host)
            except BlazeError as error:
                self._ways[key] = error
        return self._ways[key]

    def _find_way(self, route: mx.Route, host: str) -> _Way:
        found = mx.find_addresses(host, self._resolver)
        guard = _Guard(self._options)
        if self._options.tls != "none" and not host.startswith("["):
            secure = route.authenticated and found.authenticated
            guard = (self._dane_guard(route, host) if secure else None) or self._sts_guard(route, host)
        is_secure = guard.named or route.authenticated or not route.explicit
        return _Way(target_of(host, self._port, found), guard.options, guard.policy, is_secure)

    # What the domain asks for.

    def _dane_guard(self, route: mx.Route, host: str) -> _Guard | None:
        records, published, base = dane.find_associations(host, self._port, self._resolver)
        if not published:
            return None
        options = replace(self._options, tls="starttls")
        if usable := tuple(record for record in records if record.usage == dane.DANE_EE or dane.HAS_CHAIN):
            check = dane.DANECheck(usable, (base, host, route.domain))
            trust = replace(options.tls_options, check=check, server_name=base)
            return _Guard(replace(options, insist=True, tls_options=trust), "DANE")
        # RFC 7672 §2.2: TLS is still needed, though nothing says which certificate is right.
        options.inform(f"no TLSA record of {host} can be used here")
        if options.insist:
            return _Guard(options, "DANE")
        trust = replace(options.tls_options, verify=False)
        return _Guard(replace(options, tls_options=trust, warn=options.inform), "DANE")

    def _sts_guard(self, route: mx.Route, host: str) -> _Guard:
        policy = self._policy(route.domain)
        if policy is None or policy.mode == "none":
            return _Guard(self._options)
        named = policy.allows(host)
        if policy.mode == "testing":
            if not named:
                self._options.inform(f"the MTA-STS policy of {route.domain} (testing) does not name {host}")
            return _Guard(self._options, named=named)
        if not named:
            raise TemporaryError(f"the MTA-STS policy of {route.domain} does not name the host", where=host)
        return _Guard(replace(self._options, tls="starttls", insist=True), "MTA-STS", named=True)

    def _policy(self, domain: str) -> sts.Policy | None:
        if self._offline:
            return None
        if domain not in self._policies:
            self._policies[domain] = self._find_policy(domain)
        return self._policies[domain]

    def _find_policy(self, domain: str) -> sts.Policy | None:
        """The policy announced; where it cannot be had, the one kept from before (RFC 8461 §5.1)."""
        options = self._options
        kept = self._cache.find(domain) if self._cache else None
        announced = sts.find_announcement(domain, self._resolver)
        if announced is None or (kept and kept.id == announced):
            return kept.policy if kept else None
        try:
            policy = sts.fetch_policy(domain, self._resolver, options.dial, options.tls_options)
        except BlazeError as error:
            going_on = "with the kept" if kept else "without the"
            options.warn(f"{error}; going on {going_on} MTA-STS policy of {domain}")
            return kept.policy if kept else None
        if self._cache:
            try:
                self._cache.keep(domain, policy, announced)
            except BlazeError as error:
                options.inform(f"the MTA-STS policy of {domain} is not kept: {error}")
        return policy

    def close(self) -> None:
        """End all sessions."""
        for courier in self._couriers.values():
            courier.close()
        self._couriers.clear()


def target_of(host: str, port: int, found: mx.HostAddresses) -> Target:
    """A mail exchanger to connect to; an address literal goes by its address, as in its certificate."""
    return Target(str(found.addresses[0]) if host.startswith("[") else host, port, found.addresses)


def domain_of(recipient: str) -> str:
    """The domain of an address, in ASCII and lower case; an address literal as it is, in lower case."""
    domain = recipient.rpartition("@")[2]
    return domain.lower() if domain.startswith("[") else to_ascii_domain(domain).lower()


def _final(before: Delivery | None, now: Delivery) -> Delivery:
    """What counts of two hosts: a host that failed for now, where the next says nothing definite."""
    waits = before is not None and before.status == "deferred"
    return before if before and waits and _may_go_elsewhere(now) else now


def _may_go_elsewhere(delivery: Delivery) -> bool:
    """Whether another host may do better: not after a definite answer about sender, recipient or message.

    Nor where this host may have the message: it must not come twice.
    """
    error = delivery.error
    if delivery.in_doubt:
        return False
    if not isinstance(error, SMTPReplyError):
        return error is not None and not isinstance(error, DataError)
    if error.enhanced == REQUIRETLS_NOT_OFFERED:
        return True  # RFC 8689 §4.2.1
    return not (error.permanent and error.command in ("MAIL", "RCPT", "DATA"))
