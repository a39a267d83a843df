"""Which transfer encoding octets need, found in one pass over them (RFC 2045 §6)."""

from collections.abc import Iterable
from dataclasses import dataclass

from blaze.core.mail.build import MAX_LINE

_ASCII = bytes(range(0x80))
_PLAIN = bytes(octet for octet in range(0x20, 0x7F) if octet != ord("=")) + b"\t\n"


@dataclass(slots=True)
class Survey:
    """What a body holds, counted in octets. A line ends with LF; CR is counted as what it is."""

    size: int = 0
    lines: int = 0
    longest_line: int = 0
    eight_bit: int = 0
    escaped: int = 0
    nul: int = 0
    cr: int = 0

    def is_lines(self) -> bool:
        """True when it can stand as lines of a message, 7bit or 8bit (RFC 2045 §2.7, §2.8)."""
        return not self.nul and not self.cr and self.longest_line <= MAX_LINE

    def is_7bit(self) -> bool:
        """True when it can stand as lines of ASCII."""
        return not self.eight_bit and self.is_lines()

    def shorter_encoding(self, *, is_text: bool) -> str:
        """`quoted-printable` or `base64`, whichever makes it shorter; the former when they are level."""
        quoted = self.size + 2 * (self.escaped if is_text else self.escaped + self.lines)
        quoted += quoted // 75 * 2  # soft line breaks
        base64 = (self.size + 2) // 3 * 4
        return "quoted-printable" if quoted <= base64 + base64 // 76 else "base64"


def survey(chunks: Iterable[bytes]) -> Survey:
    """Count what `chunks` hold. Linear, one chunk in memory."""
    found = Survey()
    line = 0  # octets since the last newline
    for chunk in chunks:
        found.size += len(chunk)
        found.escaped += len(chunk.translate(None, _PLAIN))
        found.nul += chunk.count(0)
        found.cr += chunk.count(b"\r")
        found.eight_bit += 0 if chunk.isascii() else len(chunk.translate(None, _ASCII))
        first, newline, rest = chunk.partition(b"\n")
        line += len(first)
        if newline:
            found.lines += chunk.count(b"\n")
            found.longest_line = max(found.longest_line, line, max(map(len, rest.split(b"\n"))))
            line = len(chunk) - chunk.rfind(b"\n") - 1
    found.longest_line = max(found.longest_line, line)
    return found
