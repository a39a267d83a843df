"""Any text is an SPF record, evaluated and drawn; any value is a Received-SPF field."""

from datetime import UTC, datetime
from ipaddress import ip_address

from blaze.core.auth import spf, spf_received, spf_tree
from blaze.core.net.dns_static import StaticResolver

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def fuzz_spf(data: bytes) -> None:
    spf_received.parse(data)
    text = b"txt:v=spf1 " + data.replace(b"\n", b" ")
    resolver = StaticResolver({"example.org": text, "a.test": b"a:192.0.2.1\nmx:a.test:10"})
    spf_tree.draw("example.org", resolver=resolver)
    sender = data[:60].decode("utf-8", "surrogateescape") + "@example.org"
    for ip in (ip_address("192.0.2.1"), ip_address("2001:db8::1")):
        result = spf.check(ip, sender, helo="example.org", resolver=resolver, now=NOW)
        spf_received.build_field(result, ip, sender, helo=result.reason, receiver=result.explanation or "x")
