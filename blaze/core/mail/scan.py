"""What a body holds, and the transfer encoding it needs (RFC 2045 §2.7-§2.9, §6)."""

from collections.abc import Iterable

MAX_LINE = 998  # octets without the line end, RFC 5322 §2.1.1

# What quoted-printable leaves as it is: tab, space and printable ASCII but for `=`.
_QP_PLAIN = bytes((9, *range(32, 61), *range(62, 127)))
_ASCII = bytes(range(128))


class Scan:
    """Counts over the octets of a body, taken chunk by chunk.

    `octets` counts all of them, `eight_bit` those above 127, `nul` the NULs, `crlf` the CRLF pairs,
    `bare_cr` and `bare_lf` those outside such pairs, `escaped` what quoted-printable must write in
    hexadecimal besides line ends; `longest_line` is the length of the longest line without its end, which
    is LF or CRLF.
    """

    __slots__ = (
        "_line",
        "_pending_cr",
        "bare_cr",
        "bare_lf",
        "crlf",
        "eight_bit",
        "escaped",
        "longest_line",
        "nul",
        "octets",
    )

    def __init__(self) -> None:
        self.octets = self.eight_bit = self.nul = self.crlf = self.bare_cr = self.bare_lf = self.escaped = 0
        self.longest_line = 0
        self._line = 0  # the length of the line so far
        self._pending_cr = False

    def update(self, chunk: bytes) -> None:
        """Count another chunk. A CR at its end is held back until the next octet is known."""
        if not chunk:
            return
        self.octets += len(chunk)
        text = b"\r" + chunk if self._pending_cr else chunk
        self._pending_cr = text.endswith(b"\r")
        self._count(text[:-1] if self._pending_cr else text)

    def finish(self) -> None:
        """Count what was held back."""
        if self._pending_cr:
            self._pending_cr = False
            self._count(b"\r")

    def _count(self, text: bytes) -> None:
        line_feeds = text.count(b"\n")
        pairs = text.count(b"\r\n")
        self.crlf += pairs
        self.bare_lf += line_feeds - pairs
        bare_cr = text.count(b"\r") - pairs
        self.bare_cr += bare_cr
        self.nul += text.count(b"\0")
        if not text.isascii():
            self.eight_bit += len(text.translate(None, _ASCII))
        self.escaped += len(text.translate(None, _QP_PLAIN)) - line_feeds - pairs
        lines = (text.replace(b"\r\n", b"\n") if pairs else text).split(b"\n")
        self._line += len(lines[0])
        self.longest_line = max(self.longest_line, self._line)
        if len(lines) > 1:
            self.longest_line = max(self.longest_line, *map(len, lines[1:]))
            self._line = len(lines[-1])

    @property
    def is_ascii(self) -> bool:
        """True when no octet is above 127."""
        return not self.eight_bit

    def fits_lines(self, *, is_text: bool) -> bool:
        """True when the content may be sent as lines: no NUL, no bare CR, no line over `MAX_LINE`.

        `is_text` says that LF and CRLF both are line ends that may be rewritten; of other content every
        octet must arrive, so it can have no line end at all.
        """
        line_ends = self.crlf + self.bare_lf
        return not (self.nul or self.bare_cr or self.longest_line > MAX_LINE or (line_ends and not is_text))

    def quoted_printable_size(self, *, is_text: bool) -> int:
        """About how many octets quoted-printable needs; trailing white space is not counted."""
        line_ends = self.crlf + self.bare_lf
        escaped = self.escaped + (0 if is_text else line_ends + self.crlf)
        size = self.octets + 2 * escaped
        if is_text and self.longest_line <= 76:
            return size + self.bare_lf  # which become CRLF
        return size + 3 * (size // 73)

    def base64_size(self) -> int:
        """How many octets base64 needs, with CRLF after each line."""
        groups = (self.octets + 2) // 3
        return 4 * groups + 2 * ((groups + 18) // 19)


def scan(chunks: Iterable[bytes]) -> Scan:
    """Count over all chunks; memory is that of the largest."""
    counted = Scan()
    for chunk in chunks:
        counted.update(chunk)
    counted.finish()
    return counted


def choose_encoding(counted: Scan, *, is_text: bool = True, allow_8bit: bool = False) -> str:
    """The transfer encoding for the content: `7bit` when it may be, `8bit` when allowed, else the shorter of
    `quoted-printable` and `base64` (RFC 2045 §6).

    `is_text` is that of `Scan.fits_lines`.
    """
    if counted.fits_lines(is_text=is_text):
        if counted.is_ascii:
            return "7bit"
        if allow_8bit:
            return "8bit"
    if counted.quoted_printable_size(is_text=is_text) <= counted.base64_size():
        return "quoted-printable"
    return "base64"
