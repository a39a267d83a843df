"""Any bytes are a static DNS file, and any name is looked up, without an exception."""

from blaze.core.auth.resolver import RecordType, ask
from blaze.core.net.dns_static import StaticResolver, parse


def fuzz_dns_static(data: bytes) -> None:
    held = parse(data)
    assert parse(held.to_bytes()) == held
    name = data[:300].decode("utf-8", "surrogateescape")
    for kind in RecordType:
        ask(StaticResolver({name: data}), name, kind)
