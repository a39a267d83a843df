"""The Authenticated Received Chain: `verify` and `sign` (RFC 8617). An experiment on its way to historic.

Both take a `Signable`, made of a message's octets once and shared by all signatures, DKIM's and ARC's.
"""

from blaze.core.auth.arc_sign import Options, Sealed, sign
from blaze.core.auth.arc_verify import MAX_SETS, ChainStatus, Result, SetResult, verify

__all__ = ["MAX_SETS", "ChainStatus", "Options", "Result", "Sealed", "SetResult", "sign", "verify"]
