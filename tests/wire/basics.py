"""What all of Hearthlight's wire is made of: hashes, signatures and CBOR (section 2 of docs/protocol.md), and
the seal to a card (R-20). Named and used by second.py.

HPKE is written out, since the library's own takes no associated data.
"""

import hashlib
import hmac
import io

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

NONE = bytes(32)  # stands where no circle is meant


class Refused(Exception):
    """What a peer does not take."""


# All that a library says of what was changed, and what is refused here.
REFUSALS = (Refused, CryptoError, InvalidTag, cbor2.CBORDecodeError)


def check(fits, why):
    if not fits:
        raise Refused(why)


# --- Section 2: hashes, signatures, derivation.


def labelled(label, circle, *parts):
    whole = hashlib.sha256()
    for part in (b"hearthlight/1/" + label.encode(), circle, *parts):
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.digest()


def public(seed):
    return bytes(SigningKey(seed).verify_key)


def sign(seed, label, circle, *parts):
    return SigningKey(seed).sign(labelled(label, circle, *parts)).signature


def verify(key, signature, label, circle, *parts):
    VerifyKey(key).verify(labelled(label, circle, *parts), signature)


def extract(salt, secret):
    return hmac.digest(salt, secret, "sha256")


def expand(secret, info, length):
    return HKDFExpand(hashes.SHA256(), length, info).derive(secret)


def derive(secret, label, circle, *parts):
    return expand(extract(b"", secret), labelled(label, circle, *parts), 32)


def member_id(key):
    return labelled("member", NONE, key)


# --- Section 2: CBOR. A shape is a function that gives back what fits it, and refuses anything else.


def encode(value):
    return cbor2.dumps(value, canonical=True)


def decode(data, shape):
    rest = io.BytesIO(data)
    value = cbor2.load(rest)
    check(rest.tell() == len(data), "something stands behind it")
    return shape(value)


def of(kind, fits=lambda value: True):
    def shape(value):
        check(type(value) is kind and fits(value), f"no such {kind.__name__}")
        return value

    return shape


def size(least, most=None):  # a byte string
    return of(bytes, lambda value: least <= len(value) <= (most or least))


def text(least, most=2**32):  # .size of a text counts bytes
    return of(str, lambda value: least <= len(value.encode()) <= most)


def uint(below):
    return of(int, lambda value: 0 <= value < below)


def optional(shape):
    return lambda value: None if value is None else shape(value)


def many(shape, most=2**32, least=0):
    return lambda value: [shape(one) for one in of(list, lambda all: least <= len(all) <= most)(value)]


def struct(*shapes):  # what is missing at the end is absent; what is more is skipped
    def shape(value):
        value = of(list)(value)
        value = value + [None] * (len(shapes) - len(value))
        return [one(field) for one, field in zip(shapes, value)]

    return shape


def keyed(fields):  # a struct marked "map"
    def shape(value):
        value = of(dict)(value)
        return {key: one(value.get(key)) for key, one in fields.items()}

    return shape


def enum(variants):
    def shape(value):
        number, fields = struct(of(int), of(list))(value)
        check(number in variants, "an unknown number")
        return [number, struct(*variants[number])(fields)]

    return shape


ANY, FLAG, B8, B16, B32, SIG = size(0, 2**32), of(bool), size(8), size(16), size(32), size(64)
U8, U16, U32, U64 = uint(2**8), uint(2**16), uint(2**32), uint(2**64)
SIGNED = struct(ANY, SIG)


def take(signed, shape, key, label, circle):
    """The content of a `signed`, verified."""
    verify(key, signed[1], label, circle, signed[0])
    return decode(signed[0], shape)


def give(content, seed, label, circle):
    """A `signed` of this content, which is encoded here once and for all."""
    content = encode(without_absent(content))
    return [content, sign(seed, label, circle, content)]


def without_absent(value):
    """Absent fields have no entry in a map."""
    if isinstance(value, dict):
        return {key: without_absent(one) for key, one in value.items() if one is not None}
    return value


# --- HPKE (RFC 9180), base mode, single shot; the encapsulated key stands before the text.


class Suite:
    """2: DHKEM(X25519, HKDF-SHA-256). 1: X-Wing, ML-KEM-768 and X25519 in one."""

    def __init__(self, number):
        self.hybrid = number == 1
        self.kem = (0x647A if self.hybrid else 0x0020).to_bytes(2, "big")
        self.public_len, self.encapsulated_len = (1216, 1120) if self.hybrid else (32, 32)

    def halves(self, secret):
        """Private keys that grow from the 32 bytes of a card's seal secret."""
        if not self.hybrid:
            return None, X25519PrivateKey.from_private_bytes(secret)
        grown = hashlib.shake_256(secret).digest(96)
        x = X25519PrivateKey.from_private_bytes(grown[64:])
        return MLKEM768PrivateKey.from_seed_bytes(grown[:64]), x

    def public(self, secret):
        m, x = self.halves(secret)
        return (m.public_key().public_bytes_raw() if m else b"") + x.public_key().public_bytes_raw()

    def shared(self, m_secret, x_secret, x_encapsulated, x_public):
        if self.hybrid:
            parts = m_secret + x_secret + x_encapsulated + x_public + rb"\.//^" + b"\\"
            return hashlib.sha3_256(parts).digest()
        secret = extract(b"", b"HPKE-v1KEM" + self.kem + b"eae_prk" + x_secret)
        info = b"\x00\x20HPKE-v1KEM" + self.kem + b"shared_secret" + x_encapsulated + x_public
        return expand(secret, info, 32)

    def encapsulate(self, key):
        """Refuses keys that nobody can seal to (R-4)."""
        check(len(key) == self.public_len, "length of a seal key")
        mine = X25519PrivateKey.generate()
        x_encapsulated = mine.public_key().public_bytes_raw()
        m_secret = m_encapsulated = b""
        try:
            x_secret = mine.exchange(X25519PublicKey.from_public_bytes(key[-32:]))
            if self.hybrid:
                m_key = MLKEM768PublicKey.from_public_bytes(key[:-32])
                m_secret, m_encapsulated = m_key.encapsulate()
        except ValueError as why:
            raise Refused("a seal key that is none") from why
        shared = self.shared(m_secret, x_secret, x_encapsulated, key[-32:])
        return shared, m_encapsulated + x_encapsulated

    def decapsulate(self, secret, encapsulated):
        m, x = self.halves(secret)
        m_secret = m.decapsulate(encapsulated[:-32]) if m else b""
        x_secret = x.exchange(X25519PublicKey.from_public_bytes(encapsulated[-32:]))
        x_public = x.public_key().public_bytes_raw()
        return self.shared(m_secret, x_secret, encapsulated[-32:], x_public)

    def cipher(self, shared, info):
        suite = b"HPKE-v1HPKE" + self.kem + b"\x00\x01\x00\x03"  # HKDF-SHA-256, ChaCha20-Poly1305
        hashed = [
            extract(b"", suite + label + value)
            for label, value in ((b"psk_id_hash", b""), (b"info_hash", info))
        ]
        context = b"\x00" + b"".join(hashed)
        secret = extract(shared, suite + b"secret")
        key = expand(secret, b"\x00\x20" + suite + b"key" + context, 32)
        return ChaCha20Poly1305(key), expand(secret, b"\x00\x0c" + suite + b"base_nonce" + context, 12)

    def seal(self, key, info, associated, plain):
        shared, encapsulated = self.encapsulate(key)
        cipher, nonce = self.cipher(shared, info)
        return encapsulated + cipher.encrypt(nonce, plain, associated)

    def open(self, secret, info, associated, sealed):
        check(len(sealed) >= self.encapsulated_len + 16, "length of a sealed text")
        encapsulated, sealed = sealed[: self.encapsulated_len], sealed[self.encapsulated_len :]
        cipher, nonce = self.cipher(self.decapsulate(secret, encapsulated), info)
        return cipher.decrypt(nonce, sealed, associated)
