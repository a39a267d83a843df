"""DomainKeys Identified Mail: `sign` and `verify` (RFC 6376, RFC 8301, RFC 8463, RFC 8616).

Both take a `Signable`, made of a message's octets once and shared by all signatures, DKIM's and ARC's.
"""

from blaze.core.auth.dkim_sign import Options, compute, sign
from blaze.core.auth.dkim_signable import Signable
from blaze.core.auth.dkim_signature import Signature, Status, key_name
from blaze.core.auth.dkim_verify import MAX_SIGNATURES, Result, note_defects, verify

__all__ = [
    "MAX_SIGNATURES",
    "Options",
    "Result",
    "Signable",
    "Signature",
    "Status",
    "compute",
    "key_name",
    "note_defects",
    "sign",
    "verify",
]
