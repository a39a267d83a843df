"""Charset labels, and octets turned into text without losing any (RFC 2046 §4.1.2, WHATWG Encoding).

A label reaches only the codecs listed here: every one of them maps octets to text, and none of them is loaded
by a name that a message chose. Octets that no codec can read become the lone surrogates U+DC80 to U+DCFF, as
PEP 383 has it, so that they can be written again.
"""

import codecs
import re
from encodings.aliases import aliases as _python_aliases
from functools import cache, lru_cache
from typing import Final, NamedTuple

MAX_LABEL = 64  # octets; the longest names of the IANA registry have 45

RECOVER: Final = "blaze.recover"
"""The error handler for decoding: octets of 0x80 and above as surrogateescape, those below as ASCII."""

# The codecs that a label may name. EBCDIC is left out: mail has none, and its letters are not those of ASCII.
_CODECS = frozenset(
    """
    ascii big5 big5hkscs cp1125 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437
    cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866
    cp869 cp874 cp932 cp949 cp950 euc_jis_2004 euc_jisx0213 euc_jp euc_kr gb18030 gb2312 gbk hp_roman8
    hz iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
    iso8859_10 iso8859_11 iso8859_13 iso8859_14 iso8859_15 iso8859_16 iso8859_2 iso8859_3 iso8859_4
    iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 johab koi8_r koi8_t koi8_u kz1048 latin_1
    mac_cyrillic mac_greek mac_iceland mac_latin2 mac_roman mac_turkish ptcp154 shift_jis shift_jis_2004
    shift_jisx0213 tis_620 utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le utf_7 utf_8
    """.split()  # noqa: SIM905 - a list of strings would take a hundred lines
)

# Labels of real mail that Python does not know, letters and digits only.
_LABELS = {
    "ansix341968": "ascii",
    "ansix341986": "ascii",
    "iso646irv1991": "ascii",
    "usascii7": "ascii",
    "unicode11utf7": "utf_7",
    "unicode20utf7": "utf_7",
    "xunicode20utf7": "utf_7",
    "unicode11utf8": "utf_8",
    "unicode20utf8": "utf_8",
    "xunicode20utf8": "utf_8",
    "utf8mb4": "utf_8",
    "utf8n": "utf_8",
    "utf": "utf_8",
    "al32utf8": "utf_8",
    "utf8strict": "utf_8",
    "iso10646": "utf_16",
    "iso10646ucs2": "utf_16_be",
    "ucs2": "utf_16",
    "unicode": "utf_16",
    "unicodefeff": "utf_16_le",
    "unicodefffe": "utf_16_be",
    "iso88598i": "iso8859_8",
    "iso88598e": "iso8859_8",
    "logical": "iso8859_8",
    "visual": "iso8859_8",
    "iso88596i": "iso8859_6",
    "iso88596e": "iso8859_6",
    "iso885915fin": "iso8859_15",
    "isolatin9": "iso8859_15",
    "latin9": "iso8859_15",
    "iso88591windows31latin1": "cp1252",
    "ansi": "cp1252",
    "cswindows1252": "cp1252",
    "gb231280": "gb18030",
    "csgb2312": "gb18030",
    "euccn": "gb18030",
    "gb": "gb18030",
    "hzgb2312": "hz",
    "big5eten": "big5",
    "big5hkscs2004": "big5hkscs",
    "cnbig5": "big5",
    "cnbig5hkscs": "big5hkscs",
    "cngb": "gb18030",
    "sjis": "shift_jis",
    "mskanji": "shift_jis",
    "windows31j": "cp932",
    "windows932": "cp932",
    "eucjpms": "euc_jp",
    "eucjpwin": "euc_jp",
    "eucjapanese": "euc_jp",
    "iso2022jpms": "iso2022_jp",
    "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp",
    "cp50222": "iso2022_jp",
    "ksc5601": "euc_kr",
    "ksc56011987": "euc_kr",
    "ksc56011989": "euc_kr",
    "ksc56011992": "euc_kr",
    "ksx1001": "euc_kr",
    "windows949": "cp949",
    "windows936": "gb18030",
    "windows950": "cp950",
    "eucks": "euc_kr",
    "koi8": "koi8_r",
    "koi8ru": "koi8_u",
    "koi": "koi8_r",
    "win1250": "cp1250",
    "win1251": "cp1251",
    "win1252": "cp1252",
    "winlatin1": "cp1252",
    "windows874": "cp874",
    "dos874": "cp874",
    "thai": "tis_620",
    "macintosh": "mac_roman",
    "mac": "mac_roman",
    "macce": "mac_latin2",
    "maccentraleurroman": "mac_latin2",
    "maccentraleurope": "mac_latin2",
    "macukrainian": "mac_cyrillic",
}

# A label names a subset, real mail uses the superset (WHATWG Encoding §4.2; Microsoft's code pages).
_SUPERSETS = {
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "cp950",
    "iso2022_jp": "iso2022_jp_ext",
}

# Tried when the first cannot read the octets.
_SECOND_CHOICE = {
    "cp950": "big5hkscs",
    "euc_jp": "euc_jisx0213",
    "iso2022_jp_ext": "iso2022_jp_3",
    "cp932": "shift_jisx0213",
}

_UNLABELLED = frozenset(
    (
        "unknown8bit",
        "unknown",
        "8bit",
        "7bit",
        "binary",
        "none",
        "null",
        "default",
        "charset",
        "defaultcharset",
    )
)

WIDE = frozenset(("utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le"))
"""Codecs whose newlines are no octets of their own.

Written as ASCII by every mail program that means them; a text without any NUL is not in one of them.
"""

# Charsets of nearly all mail in which octets below 0x80 are ASCII.
_ASCII_SUPERSETS = frozenset(
    ("ascii", "utf_8", "cp1250", "cp1251", "cp1252", "iso8859_15", "iso8859_2", "koi8_r")
)

_SURROGATES: Final = "[\ud800-\udfff]"


class Decoded(NamedTuple):
    """Text, the codec that gave it, and what was wrong with the label or the octets (short machine names).

    The names are `charset-unknown` (no codec has this label), `charset-mismatch` (the octets contradict the
    label and were read as UTF-8) and `undecodable-octets` (lone surrogates stand for some octets).
    """

    text: str
    charset: str
    defects: tuple[str, ...]


def lookup(label: str) -> str | None:
    """The codec for a charset label of a message, or None when there is none.

    Letter case and punctuation do not matter, nor a leading ``x-``; mislabels are mended: ``gb2312`` gives
    ``gb18030``, ``iso-8859-1`` gives ``cp1252``. Labels for octets of no known charset (``unknown-8bit`` of
    RFC 1428, ``x-unknown``) give ``utf_8``, since `decode` keeps what is not UTF-8. Never a codec that turns
    octets into octets or text into text. A label over `MAX_LABEL` characters has no codec.
    """
    return _lookup(label) if len(label) <= MAX_LABEL else None


@lru_cache(maxsize=256)
def _lookup(label: str) -> str | None:
    if not label.isascii():
        return None
    compact = "".join(filter(str.isalnum, label)).lower()
    for name in (compact, compact.removeprefix("x"), compact.removeprefix("cs")):
        if name in _UNLABELLED:
            return "utf_8"
        codec = _LABELS.get(name) or _python_names().get(name)
        if codec is not None:
            return _SUPERSETS.get(codec, codec)
    return None


def encoder(label: str) -> str | None:
    """The codec that writes the very charset `label` names, or None: unlike `lookup`, mends no mislabel."""
    if lookup(label) is None:
        return None
    try:
        return codecs.lookup(label).name
    except LookupError:
        return None


@cache
def _python_names() -> dict[str, str]:
    """Python's own aliases of the codecs in the list, without punctuation."""
    names = {name.replace("_", ""): codec for name, codec in _python_aliases.items() if codec in _CODECS}
    names.update((codec.replace("_", ""), codec) for codec in _CODECS)
    return names


def decode(data: bytes, label: str | None) -> Decoded:
    """Decode a whole body or value by its charset label; never raises, never loses an octet.

    Without a label, or labelled ASCII, 8-bit octets are UTF-8 where they can be, lone surrogates elsewhere.
    Where the octets contradict the label and the whole is UTF-8, it is UTF-8. For charsets of one octet a
    character, for ASCII and UTF-8, ``text.encode(charset, "surrogateescape")`` gives `data` back; charsets
    with two codes for one character (cp932, cp949, cp950) and with shift states (ISO 2022, HZ, UTF-7) give
    octets of the same meaning. Linear in time and space.
    """
    codec = lookup(label) if label else "ascii"
    if codec in _ASCII_SUPERSETS and data.isascii():
        return Decoded(data.decode("ascii"), codec, ())
    if codec not in (None, "ascii", "utf_8"):
        return _decode_labelled(data, codec)
    text = data.decode("utf-8", "surrogateescape")
    defects = _undecodable(text)
    if codec is None:
        defects = ("charset-unknown", *defects)
    elif codec == "ascii" and label:
        defects = ("charset-mismatch", *defects)
    return Decoded(text, "utf_8", defects)


def _decode_labelled(data: bytes, codec: str) -> Decoded:
    wide_but_narrow = codec in WIDE and b"\0" not in data and not data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not wide_but_narrow:
        for candidate in (codec, _SECOND_CHOICE.get(codec)):
            try:
                if candidate:
                    return Decoded(_without_surrogates(data.decode(candidate), candidate), candidate, ())
            except UnicodeDecodeError:
                continue
    try:
        return Decoded(data.decode("utf-8"), "utf_8", ("charset-mismatch",))
    except UnicodeDecodeError:
        text = _without_surrogates(data.decode(codec, RECOVER), codec)
        return Decoded(text, codec, ("undecodable-octets",))


def _undecodable(text: str) -> tuple[str, ...]:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return ("undecodable-octets",)
    return ()


def _without_surrogates(text: str, codec: str) -> str:
    """Replace the surrogates that UTF-7 can spell out: they stand for no octet and are no UTF-8."""
    return re.sub(_SURROGATES, "\ufffd", text) if codec == "utf_7" else text


def recover(error: UnicodeError) -> tuple[str, int]:
    """The error handler registered as `RECOVER`: one octet of the broken sequence, then decoding goes on.

    Raises:
        UnicodeError: the same, when it comes from encoding.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    end = error.end if error.encoding.startswith(("utf-16", "utf-32", "utf16", "utf32")) else error.start + 1
    broken = error.object[error.start : end]
    return "".join(chr(octet if octet < 0x80 else 0xDC00 + octet) for octet in broken), end


codecs.register_error(RECOVER, recover)


class Decoder:
    """Decode a stream in chunks of any size, in constant memory.

    It reads as `decode` does, but cannot look ahead and takes the label's word: octets that contradict it
    become lone surrogates, where `decode` may find that the whole is UTF-8.
    """

    __slots__ = ("_decoder", "_head", "charset")

    def __init__(self, label: str | None) -> None:
        codec = (lookup(label) if label else None) or "utf_8"
        self.charset = "utf_8" if codec == "ascii" else codec
        self._head = b""
        self._decoder = None if self.charset in _BYTE_ORDER_MARKS else _incremental_decoder(self.charset)

    def decode(self, chunk: bytes, *, final: bool = False) -> str:
        """The text that `chunk` completes; with `final`, what was left incomplete too."""
        if self._decoder is None:
            chunk = self._head + chunk
            self._head = chunk[:4]
            if len(chunk) < 4 and not final:
                return ""
            marked = chunk.startswith(_BYTE_ORDER_MARKS[self.charset])
            self._decoder = _incremental_decoder(self.charset if marked else self.charset + "_le")
        if self.charset.startswith("iso2022"):
            return self._decode_escapes(self._decoder, self._head + chunk, final)
        return _without_surrogates(self._decoder.decode(chunk, final), self.charset)

    def _decode_escapes(self, decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool) -> str:
        """Keep false escapes from the codec: it waits for their end with a buffer that is too small."""
        opened = None if final else _open_escape().search(chunk)
        end = opened.start() if opened else len(chunk)
        self._head = chunk[end:]
        pieces = _false_escape().split(chunk[:end])
        texts = [decoder.decode(piece) for piece in pieces]
        return "\x1b".join(texts) + decoder.decode(b"", final)


@cache
def _open_escape() -> re.Pattern[bytes]:
    return re.compile(rb"\x1b[ -/]{0,3}\Z")


@cache
def _false_escape() -> re.Pattern[bytes]:
    return re.compile(rb"\x1b(?![ -/]{0,3}[@-Z])")  # an escape sequence of ISO 2022 ends like this


# Python's own streams want the mark; text without one is little-endian in practice (WHATWG Encoding §14.4).
_BYTE_ORDER_MARKS = {
    "utf_16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf_32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}


def _incremental_decoder(codec: str) -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder(codec)("surrogateescape" if codec == "utf_8" else RECOVER)
