"""Keys: reading, making and using them, and the DNS records that publish them (RFC 6376 §3.6, RFC 8463).

The only door to `cryptography`, beside TLS.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from blaze.core.auth import tags
from blaze.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256

MIN_RSA_BITS = 1024  # RFC 8301 §3.2
MAX_RSA_BITS = 16384  # what OpenSSL verifies with (OPENSSL_RSA_MAX_MODULUS_BITS)
MAX_STRING = 255  # octets of one character-string of a TXT record, RFC 1035 §3.3
ED25519_OCTETS = 32  # RFC 8463 §4
_ED25519_PRIME = 2**255 - 19  # RFC 8032 §5.1
_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
# y of the points whose order divides 8: as keys they fit forged signatures.
_SMALL_ORDER = frozenset((0, 1, _ED25519_PRIME - 1, _Y8, _ED25519_PRIME - _Y8))


class KeyType(StrEnum):
    """The kinds of key a signature may be made with: the values of a record's `k=`."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key; `bits` is the length of an RSA modulus, 256 for Ed25519."""

    type: KeyType
    bits: int
    _key: "RSAPublicKey | Ed25519PublicKey" = field(repr=False, compare=False)
    _der: bytes = field(repr=False)

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """True when `signature` was made over this SHA-256 digest (RFC 8017 §8.2; RFC 8463 §3)."""
        scheme = _scheme()
        try:
            if self.type is KeyType.RSA:
                self._key.verify(signature, digest, scheme.padding, scheme.hash)  # type: ignore[call-arg]
            else:
                self._key.verify(signature, digest)  # type: ignore[call-arg]
        except scheme.failures:
            return False
        return True

    def signed_digest(self, signature: bytes) -> bytes | None:
        """The SHA-256 digest that an RSA signature was made over (RFC 8017 §8.2.2, the inverse of §8.2.1).

        None when no signature of this key can be `signature`; and for Ed25519, which does not give it away.
        """
        scheme = _scheme()
        if self.type is not KeyType.RSA:
            return None
        try:
            return self._key.recover_data_from_signature(  # type: ignore[union-attr]
                signature, scheme.padding, scheme.plain_hash
            )
        except scheme.failures:
            return None

    def to_bytes(self) -> bytes:
        """The octets that a record's `p=` holds in base64: SubjectPublicKeyInfo, or raw Ed25519."""
        return self._der if self.type is KeyType.RSA else self._der[-ED25519_OCTETS:]

    def to_pem(self) -> bytes:
        """The key as PEM (SubjectPublicKeyInfo)."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key; it never shows in a representation."""

    type: KeyType
    bits: int
    _key: "RSAPrivateKey | Ed25519PrivateKey" = field(repr=False, compare=False)

    def sign(self, digest: bytes) -> bytes:
        """The signature over a SHA-256 digest: PKCS#1 v1.5, or Ed25519 of the digest (RFC 8463 §3)."""
        if self.type is KeyType.RSA:
            scheme = _scheme()
            return self._key.sign(digest, scheme.padding, scheme.hash)  # type: ignore[call-arg]
        return self._key.sign(digest)  # type: ignore[call-arg]

    @property
    def signature_octets(self) -> int:
        """The length of every signature made with this key."""
        return (self.bits + 7) // 8 if self.type is KeyType.RSA else 64

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return _wrap_public(self._key.public_key())

    def to_pem(self) -> bytes:
        """The key as unencrypted PEM (PKCS#8)."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True)
class Record:
    """A key record (RFC 6376 §3.6.1).

    `public` is None for a revoked key (an empty `p=`); `hashes` are the words of `h=`, None when any will do;
    `services` those of `s=`, `flags` those of `t=`; `notes` is `n=` as it stands.
    """

    public: PublicKey | None
    type: KeyType = KeyType.RSA
    hashes: tuple[str, ...] | None = None
    services: tuple[str, ...] = ("*",)
    flags: tuple[str, ...] = ()
    notes: str = ""

    @property
    def revoked(self) -> bool:
        """True when the owner has withdrawn the key."""
        return self.public is None

    @property
    def testing(self) -> bool:
        """True when the domain says that it is only trying DKIM out (`t=y`)."""
        return "y" in self.flags

    @property
    def strict(self) -> bool:
        """True when `i=` may not name a subdomain of `d=` (`t=s`)."""
        return "s" in self.flags

    def to_bytes(self) -> bytes:
        """The record's text: ``v=DKIM1; k=rsa; p=...``."""
        import binascii

        parts = ["v=DKIM1", f"k={self.type}"]
        if self.hashes is not None:
            parts.append("h=" + ":".join(self.hashes))
        if self.services != ("*",):
            parts.append("s=" + ":".join(self.services))
        if self.flags:
            parts.append("t=" + ":".join(self.flags))
        if self.notes:
            parts.append(f"n={self.notes}")
        octets = self.public.to_bytes() if self.public else b""
        parts.append("p=" + binascii.b2a_base64(octets, newline=False).decode())
        return "; ".join(parts).encode()


class Encryptor(Protocol):
    """A cipher under way: plain octets in, encrypted octets out."""

    def update(self, data: bytes, /) -> bytes:
        """Encrypt the next octets; for a block cipher, what completes blocks comes out."""
        ...


def parse_private(data: bytes, password: Callable[[], bytes] | None = None) -> PrivateKey:
    """Read a private key: PEM (PKCS#1 or PKCS#8, encrypted or not), or 32 octets of Ed25519 in base64.

    `password` is called when the key is encrypted.

    Raises:
        DataError: this is no RSA or Ed25519 private key, or the password does not open it.
    """
    if b"-----BEGIN" not in data:
        return _parse_seed(data)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(data, None)
    except TypeError:
        if password is None:
            raise DataError("the private key is encrypted", hint="Give its password.") from None
        try:
            key = load_pem_private_key(data, password())
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise DataError("the password does not open the private key") from None
    except (ValueError, UnsupportedAlgorithm):
        hint = "A public key only verifies; give the private one." if b"PUBLIC KEY-----" in data else None
        raise DataError("no private key in PEM form", hint=hint) from None
    return _wrap_private(key)


def parse_public(data: bytes) -> PublicKey:
    """Read a public key: PEM (public or private), or base64 as in a record's `p=`.

    The base64 holds RSA as SubjectPublicKeyInfo or PKCS#1, Ed25519 as SubjectPublicKeyInfo or 32 raw octets.

    Raises:
        DataError: this is no RSA or Ed25519 key.
    """
    if b"PRIVATE KEY-----" in data:
        return parse_private(data).public
    if b"-----BEGIN" not in data:
        return _parse_public_der(tags.decode_base64(data))
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return _wrap_public(load_pem_public_key(data))
    except (ValueError, UnsupportedAlgorithm):
        raise DataError("no public key in PEM form") from None


@lru_cache(maxsize=128)
def parse_record(text: bytes) -> Record:
    """Read a key record, the strings of its TXT joined (RFC 6376 §3.6.1, RFC 8463 §4).

    Unknown tags are ignored, as are unknown words of `h=`, `s=` and `t=`.

    Raises:
        DataError: the record is malformed, of another version or of an unknown key type, or `p=` is missing
            or holds no key of the type that `k=` says.
    """
    if b"\\;" in text or text.startswith(b'"'):  # not undone: other verifiers would not either
        what = "quotation marks" if text.startswith(b'"') else "backslashes"
        raise DataError(f"the key record was published with {what}, which belong to the zone file alone")
    listed = tags.parse(text)
    if listed.duplicates:
        raise DataError(f"tag {listed.duplicates[0].decode()}= occurs twice in the key record")
    version = listed.get(b"v")
    if version is not None and (version != b"DKIM1" or next(iter(listed)).name != b"v"):
        raise DataError("v= of the key record is not DKIM1, or not its first tag")
    word = (listed.get(b"k") or b"rsa").decode("utf-8", "replace")
    try:
        key_type = KeyType(word)
    except ValueError:
        raise DataError(f"k={word} is an unknown key type") from None
    octets = listed.get(b"p")
    if octets is None:
        raise DataError("the key record has no p=")
    return Record(
        public=_parse_p(octets, key_type) if octets else None,
        type=key_type,
        hashes=_words(listed, b"h"),
        services=_words(listed, b"s") or ("*",),
        flags=_words(listed, b"t") or (),
        notes=(listed.get(b"n") or b"").decode("utf-8", "replace"),
    )


def split_strings(text: bytes) -> list[bytes]:
    """The character-strings of at most 255 octets that a TXT record carries `text` in (RFC 1035 §3.3.14)."""
    return [text[start : start + MAX_STRING] for start in range(0, len(text), MAX_STRING)]


def generate(key_type: KeyType, bits: int = 2048) -> PrivateKey:
    """Make a new key from the system's randomness; `bits` is for RSA.

    Raises:
        UsageError: `bits` is not between 1024 (RFC 8301 §3.2) and 16384.
    """
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    if key_type is KeyType.ED25519:
        return _wrap_private(ed25519.Ed25519PrivateKey.generate())
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise UsageError(f"an RSA key has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, not {bits}")
    return _wrap_private(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def aes256_ecb(key: bytes) -> Encryptor:
    """AES-256 of single blocks (FIPS 197): 16 octets in, 16 out. For generators, not for messages.

    Raises:
        UsageError: the key is not 32 octets long.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES256
    from cryptography.hazmat.primitives.ciphers.modes import ECB

    if len(key) != 32:
        raise UsageError(f"a key of AES-256 has 32 octets, not {len(key)}")
    return Cipher(AES256(key), ECB()).encryptor()  # noqa: S305


def _words(listed: tags.TagList, name: bytes) -> tuple[str, ...] | None:
    value = listed.get(name)
    if value is None:
        return None
    return tuple(word.decode("utf-8", "replace") for word in tags.split_colons(value))


def _parse_p(value: bytes, key_type: KeyType) -> PublicKey:
    try:
        public = _parse_public_der(tags.decode_base64(value))
    except DataError as error:
        raise DataError(f"p= of the key record is no public key ({_cut(value) or error.what})") from None
    if public.type is not key_type:
        raise DataError(f"p= of the key record holds an {public.type} key, k= says {key_type}")
    return public


def _cut(value: bytes) -> str | None:
    """What to say of a `p=` that ends too early: what is left of long records published as one string."""
    compact = tags.without_white_space(value)
    try:
        octets = tags.decode_base64(compact[: len(compact) // 4 * 4])
    except DataError:
        return None
    if not octets.startswith(b"\x30\x82"):  # a SEQUENCE whose length stands in two octets, X.690 §8.1.3
        return None
    whole = 4 + int.from_bytes(octets[2:4], "big")
    if len(octets) >= whole:
        return None
    return (
        f"it is cut: {len(octets)} octets of {whole}; more than {MAX_STRING} characters need several strings"
    )


def _parse_public_der(octets: bytes) -> PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        if len(octets) == ED25519_OCTETS:
            return _wrap_public(Ed25519PublicKey.from_public_bytes(octets))
        return _wrap_public(load_der_public_key(octets))
    except (ValueError, UnsupportedAlgorithm):
        raise DataError("the octets are no RSA or Ed25519 public key") from None


def _parse_seed(data: bytes) -> PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        octets = tags.decode_base64(data)
        return _wrap_private(Ed25519PrivateKey.from_private_bytes(octets))
    except (DataError, ValueError):
        raise DataError("neither a private key in PEM form nor 32 octets of Ed25519 in base64") from None


def _wrap_public(key: object) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise DataError("the key is neither RSA nor Ed25519")
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if isinstance(key, RSAPublicKey):
        return PublicKey(KeyType.RSA, key.key_size, key, der)
    y = int.from_bytes(der[-ED25519_OCTETS:], "little") & (1 << 255) - 1
    if y % _ED25519_PRIME in _SMALL_ORDER:
        raise DataError("the Ed25519 key is a point of small order, for which anybody can sign")
    return PublicKey(KeyType.ED25519, 256, key, der)


def _wrap_private(key: object) -> PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(key, RSAPrivateKey):
        return PrivateKey(KeyType.RSA, key.key_size, key)
    if isinstance(key, Ed25519PrivateKey):
        return PrivateKey(KeyType.ED25519, 256, key)
    raise DataError("the private key is neither RSA nor Ed25519")


class _Scheme(NamedTuple):
    padding: "PKCS1v15"
    hash: "Prehashed"
    plain_hash: "SHA256"
    failures: tuple[type[Exception], ...]


@cache
def _scheme() -> _Scheme:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256

    return _Scheme(PKCS1v15(), Prehashed(SHA256()), SHA256(), (InvalidSignature, ValueError))
