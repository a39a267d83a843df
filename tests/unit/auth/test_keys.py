"""Private and public keys, and key records (RFC 6376 §3.6, RFC 8463)."""

import base64
from pathlib import Path

import pytest

from blaze.core.auth import keys
from blaze.core.auth.keys import KeyType, Record
from blaze.core.errors import DataError, UsageError

DATA = Path(__file__).parents[2] / "data" / "dkim"
DIGEST = bytes(range(32))


def read(name: str) -> bytes:
    return (DATA / name).read_bytes()


def p_of(name: str) -> str:
    return base64.b64encode(keys.parse_private(read(name)).public.to_bytes()).decode()


@pytest.mark.parametrize(
    ("name", "key_type", "bits"),
    [
        ("rsa2048-pkcs1.pem", KeyType.RSA, 2048),
        ("rsa2048-pkcs8.pem", KeyType.RSA, 2048),
        ("rsa1024.pem", KeyType.RSA, 1024),
        ("ed25519.pem", KeyType.ED25519, 256),
        ("rfc8463-ed25519.txt", KeyType.ED25519, 256),
    ],
)
def test_private_key_signs_and_its_public_half_verifies(name: str, key_type: KeyType, bits: int) -> None:
    key = keys.parse_private(read(name))
    signature = key.sign(DIGEST)
    assert (key.type, key.bits, key.signature_octets) == (key_type, bits, len(signature))
    assert key.public.verifies(signature, DIGEST)
    assert not key.public.verifies(signature, bytes(32))
    assert not key.public.verifies(signature[:-1], DIGEST)
    assert not key.public.verifies(b"", DIGEST)
    assert keys.parse_private(key.to_pem()).public == key.public
    assert keys.parse_public(key.public.to_pem()) == key.public
    assert keys.parse_public(base64.b64encode(key.public.to_bytes())) == key.public


def test_signed_digest_of_an_rsa_signature_is_what_was_signed() -> None:
    key = keys.parse_private(read("rsa2048-pkcs8.pem"))
    other = keys.parse_private(read("rsa1024.pem"))
    signature = key.sign(DIGEST)
    assert key.public.signed_digest(signature) == DIGEST
    assert other.public.signed_digest(signature) is None
    for damaged in (signature[:-1], bytes(256), b"\xff" * 256, b"", signature + b"x"):
        assert key.public.signed_digest(damaged) is None
    ed25519 = keys.parse_private(read("ed25519.pem"))
    assert ed25519.public.signed_digest(ed25519.sign(DIGEST)) is None


def test_all_forms_of_one_key_are_one_key() -> None:
    names = ("rsa2048-pkcs1.pem", "rsa2048-pkcs8.pem")
    assert len({keys.parse_private(read(name)).public.to_bytes() for name in names}) == 1
    assert keys.parse_public(read("rsa2048-public.pem")) == keys.parse_private(read(names[0])).public
    assert keys.parse_public(read("rsa2048-pkcs1.pem")) == keys.parse_private(read(names[0])).public


@pytest.mark.parametrize("name", ["rsa2048-encrypted.pem", "rsa2048-pkcs1-encrypted.pem"])
def test_encrypted_private_key(name: str) -> None:
    assert (
        keys.parse_private(read(name), lambda: b"secret").public.to_bytes()
        == keys.parse_private(read("rsa2048-pkcs8.pem")).public.to_bytes()
    )
    with pytest.raises(DataError, match="does not open"):
        keys.parse_private(read(name), lambda: b"wrong")
    with pytest.raises(DataError, match="encrypted"):
        keys.parse_private(read(name))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"AAAA",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n",
        b"\xff\xfe",
        read("ec.pem"),
        read("rsa2048-public.pem"),
    ],
)
def test_parse_private_refuses(data: bytes) -> None:
    with pytest.raises(DataError):
        keys.parse_private(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"!",
        base64.b64encode(bytes(31)),
        base64.b64encode(b"\x30\x82\xff\xff" + bytes(60)),
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ],
)
def test_parse_public_refuses(data: bytes) -> None:
    with pytest.raises(DataError):
        keys.parse_public(data)


def test_representation_hides_the_private_key() -> None:
    key = keys.parse_private(read("ed25519.pem"))
    assert repr(key) == "PrivateKey(type=<KeyType.ED25519: 'ed25519'>, bits=256)"


def test_points_of_small_order_are_those_of_the_curve() -> None:
    prime, small = keys._ED25519_PRIME, keys._SMALL_ORDER
    d = -121665 * pow(121666, -1, prime) % prime  # RFC 8032 §5.1
    eighth = {y for y in small if (d * y**4 + 2 * y * y - 1) % prime == 0}  # twice the point has y = 0
    assert len(small) == 5
    assert small - eighth == {0, 1, prime - 1}
    assert len(eighth) == 2


@pytest.mark.parametrize("exponent", [0, 1, 2])
def test_parse_record_refuses_an_rsa_key_with_which_anybody_can_sign(exponent: int) -> None:
    modulus = keys.parse_private(read("rsa1024.pem")).public._key.public_numbers().n  # type: ignore[union-attr]

    def integer(number: int) -> bytes:
        octets = number.to_bytes(number.bit_length() // 8 + 1, "big")
        return b"\x02" + (b"\x81" if len(octets) > 127 else b"") + bytes([len(octets)]) + octets

    numbers = integer(modulus) + integer(exponent)
    octets = b"\x30\x81" + bytes([len(numbers)]) + numbers
    with pytest.raises(DataError, match="no public key"):
        keys.parse_record(b"p=" + base64.b64encode(octets))
    assert integer(3) == b"\x02\x01\x03"


def test_record_with_every_tag() -> None:
    text = f"v=DKIM1; h=sha1:sha256; k=rsa; n=a note; p={p_of('rsa1024.pem')}; s=email:*; t=y:s; other=1"
    record = keys.parse_record(text.encode())
    assert record.public == keys.parse_private(read("rsa1024.pem")).public
    assert (record.hashes, record.services, record.flags, record.notes) == (
        ("sha1", "sha256"),
        ("email", "*"),
        ("y", "s"),
        "a note",
    )
    assert record.testing
    assert record.strict
    assert not record.revoked
    assert keys.parse_record(record.to_bytes()) == record


def test_record_defaults_and_white_space_in_the_key() -> None:
    octets = p_of("rsa1024.pem")
    record = keys.parse_record(f"p={octets[:50]} {octets[50:]} ".encode())
    assert record.public == keys.parse_private(read("rsa1024.pem")).public
    assert (record.type, record.hashes, record.services, record.flags) == (KeyType.RSA, None, ("*",), ())


def test_record_of_an_rsa_key_as_pkcs1() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key = load_pem_private_key(read("rsa2048-pkcs1.pem"), None).public_key()
    octets = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    record = keys.parse_record(b"p=" + base64.b64encode(octets))
    assert record.public == keys.parse_public(read("rsa2048-public.pem"))


@pytest.mark.parametrize("p", [b"p=", b"v=DKIM1; p=; k=rsa", b"k=ed25519; p="])
def test_record_of_a_revoked_key(p: bytes) -> None:
    record = keys.parse_record(p)
    assert record.revoked
    assert keys.parse_record(record.to_bytes()).revoked


ED25519_P = p_of("ed25519.pem")
BAD_RECORDS = [
    ("", "no p="),
    ("v=DKIM1; k=rsa", "no p="),
    (f"v=DKIM1; k=rsa; p={p_of('rsa2048-pkcs8.pem')}"[:255], "it is cut: 177 octets of 294"),
    (f"v=DKIM1; k=rsa; p={p_of('rsa2048-pkcs8.pem')}"[:252], "it is cut: "),
    (f"v=DKIM1\\; k=rsa\\; p={p_of('rsa1024.pem')}", "published with backslashes"),
    (f'"v=DKIM1; k=rsa; p={p_of("rsa1024.pem")}"', "published with quotation marks"),
    ("rubbish", "malformed"),
    (f"v=DKIM2; p={p_of('rsa1024.pem')}", "not DKIM1"),
    (f"v=dkim1; p={p_of('rsa1024.pem')}", "not DKIM1"),
    (f"k=rsa; v=DKIM1; p={p_of('rsa1024.pem')}", "not its first tag"),
    (f"v=DKIM1; k=dsa; p={ED25519_P}", "k=dsa"),
    (f"v=DKIM1; k=rsa; p={ED25519_P}", "holds an ed25519 key"),
    (f"v=DKIM1; k=ed25519; p={p_of('rsa1024.pem')}", "holds an rsa key"),
    ("v=DKIM1; p=not_base_64", "not base64"),
    ("v=DKIM1; p=" + base64.b64encode(bytes(100)).decode(), "no RSA or Ed25519"),
    (f"p={ED25519_P}; p=", "twice"),
]


@pytest.mark.parametrize(("text", "reason"), BAD_RECORDS)
def test_parse_record_refuses(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        keys.parse_record(text.encode())


def test_split_strings_joins_to_the_whole() -> None:
    text = keys.Record(keys.parse_public(read("rsa2048-public.pem"))).to_bytes()
    parts = keys.split_strings(text)
    assert [len(part) for part in parts] == [255, len(text) - 255]
    assert b"".join(parts) == text


def test_generate() -> None:
    for key in (keys.generate(KeyType.RSA, 1024), keys.generate(KeyType.ED25519)):
        assert key.public.verifies(key.sign(DIGEST), DIGEST)
        assert keys.parse_record(Record(key.public, key.type).to_bytes()).public == key.public
    assert keys.generate(KeyType.ED25519).public != keys.generate(KeyType.ED25519).public


@pytest.mark.parametrize("bits", [0, 512, 1023, 16385])
def test_generate_refuses_other_lengths(bits: int) -> None:
    with pytest.raises(UsageError):
        keys.generate(KeyType.RSA, bits)


def test_aes256_of_the_standard() -> None:
    # FIPS 197, appendix C.3
    encryptor = keys.aes256_ecb(bytes(range(32)))
    assert encryptor.update(bytes.fromhex("00112233445566778899aabbccddeeff")).hex() == (
        "8ea2b7ca516745bfeafc49904b496089"
    )
    with pytest.raises(UsageError):
        keys.aes256_ecb(bytes(16))
