import codecs
import itertools
import time

import pytest
from hypothesis import given, strategies as st

from blaze.core.mail import charset

LABELS = [
    ("utf-8", "utf_8"),
    ("UTF8", "utf_8"),
    ("unicode-1-1-utf-8", "utf_8"),
    ("iso-8859-1", "cp1252"),
    ("ISO_8859-1:1987", "cp1252"),
    ("latin1", "cp1252"),
    ("iso-8859-9", "cp1254"),
    ("iso-8859-15", "iso8859_15"),
    ("iso-8859-8-i", "iso8859_8"),
    ("gb2312", "gb18030"),
    ("x-gbk", "gb18030"),
    ("GB_2312-80", "gb18030"),
    ("hz-gb-2312", "hz"),
    ("ks_c_5601-1987", "cp949"),
    ("EUC-KR", "cp949"),
    ("x-windows-949", "cp949"),
    ("x-sjis", "cp932"),
    ("Shift_JIS", "cp932"),
    ("windows-31j", "cp932"),
    ("big5", "cp950"),
    ("big5-hkscs", "big5hkscs"),
    ("iso-2022-jp", "iso2022_jp_ext"),
    ("csISO2022JP", "iso2022_jp_ext"),
    ("x-euc-jp", "euc_jp"),
    ("tis-620", "cp874"),
    ("cp-850", "cp850"),
    ("ibm850", "cp850"),
    ("x-cp1251", "cp1251"),
    ("win-1251", "cp1251"),
    ("koi8-r", "koi8_r"),
    ("KOI8-U", "koi8_u"),
    ("x-mac-roman", "mac_roman"),
    ("macintosh", "mac_roman"),
    ("x-mac-cyrillic", "mac_cyrillic"),
    ("us-ascii", "ascii"),
    ("ansi_x3.4-1968", "ascii"),
    ("ANSI_X3.4-1986", "ascii"),
    ("646", "ascii"),
    ("utf-7", "utf_7"),
    ("unicode-1-1-utf-7", "utf_7"),
    ("utf-16le", "utf_16_le"),
    ("x-unknown", "utf_8"),
    ("unknown-8bit", "utf_8"),
    ("8bit", "utf_8"),
]

NO_TEXT_CODECS = [
    *("rot13", "rot_13", "base64", "base_64", "base64_codec", "zlib", "zip", "bz2", "hex", "uu", "quopri"),
    *("quoted-printable", "idna", "punycode", "unicode_escape", "unicode-escape", "raw_unicode_escape"),
    *(
        "string_escape",
        "mbcs",
        "oem",
        "dbcs",
        "undefined",
        "cp037",
        "ebcdic-cp-us",
        "../os",
        "os",
        "blaze.recover",
    ),
]


@pytest.mark.parametrize(("label", "codec"), LABELS)
def test_lookup_label_of_real_mail(label: str, codec: str) -> None:
    assert charset.lookup(label) == codec
    assert codecs.lookup(codec)


@pytest.mark.parametrize(
    "label", [*NO_TEXT_CODECS, "", " ", "-", "x-", "klingon", "é", "\udce9", "\0", "u" * 10_000]
)
def test_lookup_no_charset(label: str) -> None:
    assert charset.lookup(label) is None
    assert charset.encoder(label) is None


@given(st.text(max_size=30))
def test_lookup_reaches_only_text_codecs(label: str) -> None:
    codec = charset.lookup(label)
    if codec is not None:
        assert codecs.lookup(codec)
        assert isinstance(b"a".decode(codec, charset.RECOVER), str)


def test_lookup_every_listed_codec_exists() -> None:
    for codec in charset._CODECS:
        assert codecs.lookup(codec).incrementaldecoder is not None
        assert charset.lookup(codec) is not None
    for codec in {*charset._LABELS.values(), *charset._SUPERSETS.values(), *charset._SECOND_CHOICE.values()}:
        assert codec in charset._CODECS


def test_encoder_mends_nothing() -> None:
    assert "\u20ac".encode(charset.encoder("windows-1252") or "") == b"\x80"
    with pytest.raises(UnicodeEncodeError):
        "\u20ac".encode(charset.encoder("iso-8859-1") or "")


DECODED = [
    # octets, label, text, charset, defects
    (b"plain", None, "plain", "ascii", ()),
    (b"plain", "us-ascii", "plain", "ascii", ()),
    (b"plain", "klingon", "plain", "utf_8", ("charset-unknown",)),
    (b"caf\xc3\xa9", None, "café", "utf_8", ()),
    (b"caf\xe9", None, "caf\udce9", "utf_8", ("undecodable-octets",)),
    (b"caf\xc3\xa9", "us-ascii", "café", "utf_8", ("charset-mismatch",)),
    (b"caf\xe9", "us-ascii", "caf\udce9", "utf_8", ("charset-mismatch", "undecodable-octets")),
    (b"caf\xe9", "klingon", "caf\udce9", "utf_8", ("charset-unknown", "undecodable-octets")),
    (b"caf\xc3\xa9", "klingon", "café", "utf_8", ("charset-unknown",)),
    (b"caf\xe9", "unknown-8bit", "caf\udce9", "utf_8", ("undecodable-octets",)),
    (b"caf\xe9", "utf-8", "caf\udce9", "utf_8", ("undecodable-octets",)),
    (b"caf\xe9", "iso-8859-1", "café", "cp1252", ()),
    (b"\x93caf\xe9\x94 \x80", "iso-8859-1", "“café” €", "cp1252", ()),
    (b"\x81\xe9", "iso-8859-1", "\udc81é", "cp1252", ("undecodable-octets",)),
    (b"\xc3\x81rea", "iso-8859-1", "Área", "utf_8", ("charset-mismatch",)),
    (b"\xd0\x9f\xd1\x80", "gb2312", "袩褉", "gb18030", ()),
    (b"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e!", "gb2312", "日本語!", "utf_8", ("charset-mismatch",)),
    ("镕".encode("gbk"), "gb2312", "镕", "gb18030", ()),
    ("똠".encode("cp949"), "ks_c_5601-1987", "똠", "cp949", ()),
    (b"\x87\x40\x81\x60", "x-sjis", "①～", "cp932", ()),
    (b'\x1b$B$"\x1b(B \x1b(I1\x1b(B', "iso-2022-jp", "あ ｱ", "iso2022_jp_ext", ()),
    (b"\x1b$Bxx\xff", "iso-2022-jp", None, "iso2022_jp_ext", ("undecodable-octets",)),
    ("香港".encode("big5") + b"\x87\x40", "big5", "香港䏰", "big5hkscs", ()),
    (b"Hi Mom +Jjo-!", "utf-7", "Hi Mom ☺!", "utf_7", ()),
    (b"+2AA-", "utf-7", "\ufffd", "utf_7", ()),
    (b"a\0b\0", "utf-16le", "ab", "utf_16_le", ()),
    (b"plain text", "utf-16", "plain text", "utf_8", ("charset-mismatch",)),
    (b"\xa1\xa2", "tis-620", "กข", "cp874", ()),
    (b"\x82", "cp-850", "é", "cp850", ()),
    (b"\x8e", "x-mac-roman", "é", "mac_roman", ()),
    (b"\xe0", "iso-8859-8-i", "א", "iso8859_8", ()),
    (b"\xce\xd2", "koi8-r", "нр", "koi8_r", ()),
    (b"", "utf-8", "", "utf_8", ()),
]


@pytest.mark.parametrize(("octets", "label", "text", "codec", "defects"), DECODED)
def test_decode_label_and_octets(
    octets: bytes, label: str | None, text: str | None, codec: str, defects: tuple[str, ...]
) -> None:
    decoded = charset.decode(octets, label)
    assert text is None or decoded.text == text
    assert (decoded.charset, decoded.defects) == (codec, defects)


SINGLE_OCTET = [
    *(
        "utf-8",
        "us-ascii",
        "unknown-8bit",
        "iso-8859-1",
        "iso-8859-2",
        "iso-8859-15",
        "windows-1251",
        "koi8-r",
    ),
    *("cp850", "tis-620", "macintosh", "iso-8859-8-i", "windows-1255", "windows-1258"),
]
ALL = sorted({codec for _, codec in LABELS} | {"iso2022_kr", "johab", "utf_16", "utf_32"})


@given(st.binary(), st.sampled_from(SINGLE_OCTET))
def test_decode_octets_are_recoverable(octets: bytes, label: str) -> None:
    decoded = charset.decode(octets, label)
    assert decoded.text.encode(decoded.charset, "surrogateescape") == octets


@given(st.binary(), st.sampled_from(ALL))
def test_decode_any_octets(octets: bytes, label: str) -> None:
    decoded = charset.decode(octets, label)
    decoded.text.encode("utf-8", "surrogateescape")
    assert ("undecodable-octets" in decoded.defects) >= any(
        "\udc80" <= each <= "\udcff" for each in decoded.text
    )


@given(st.binary(max_size=60), st.sampled_from(ALL), st.lists(st.integers(0, 60)))
def test_decoder_chunks_make_no_difference(octets: bytes, label: str, cuts: list[int]) -> None:
    whole = charset.Decoder(label)
    expected = whole.decode(octets, final=True)
    decoder = charset.Decoder(label)
    edges = [0, *sorted(cut for cut in cuts if cut <= len(octets)), len(octets)]
    pieces = [decoder.decode(octets[a:b]) for a, b in itertools.pairwise(edges)]
    assert "".join(pieces) + decoder.decode(b"", final=True) == expected


@given(
    st.text(st.characters(codec="utf-8")), st.sampled_from(["utf-8", "gb18030", "utf-7", "utf-16", "utf-32"])
)
def test_decoder_reads_what_python_writes(text: str, label: str) -> None:
    assert charset.Decoder(label).decode(text.encode(label), final=True) == text


def test_recover_refuses_encoding() -> None:
    with pytest.raises(UnicodeEncodeError):
        "é".encode("ascii", charset.RECOVER)


@pytest.mark.parametrize("label", ["gb18030", "cp949", "iso-2022-jp", "utf-7", "utf-16", "cp932", "hz"])
def test_decode_broken_octets_in_linear_time(label: str) -> None:
    def seconds(octets: bytes) -> float:
        start = time.process_time()
        charset.decode(octets, label)
        return time.process_time() - start

    small = min(seconds(b"\xff\x1b\x80\xd8" * 20_000) for _ in range(3))
    large = min(seconds(b"\xff\x1b\x80\xd8" * 160_000) for _ in range(3))
    assert large < 32 * small
