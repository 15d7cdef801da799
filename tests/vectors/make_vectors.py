#!/usr/bin/env python3
"""Writes crypto.json: a vector for every MAC, derivation, associated data and
wrapped key of Entente's first version.

An independent second reading of docs/PROTOCOL.md: it shares no code and no
table with the C sources, and builds HPKE, SIV, HKDF and key wrap from AES,
CMAC, HMAC and ECDH alone.  Each construction is first held against a vector
of its RFC.  Everything is fixed, so the file comes out the same each time:

    python3 tests/vectors/make_vectors.py        write crypto.json
    python3 tests/vectors/make_vectors.py check  compare, write nothing

Needs the Python package `cryptography`.  All bytes are lower-case hex.
"""
import hashlib
import hmac
import json
import os
import sys

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import (Encoding,
                                                          PublicFormat)

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- encoding E ----

def u8(n):
    return n.to_bytes(1, "big")


def u16(n):
    return n.to_bytes(2, "big")


def u32(n):
    return n.to_bytes(4, "big")


def u64(n):
    return n.to_bytes(8, "big")


def var(b):
    return u16(len(b)) + b


def E(domain, *members):
    return var(domain.encode()) + b"".join(members)


def pattern(first, length):
    """Bytes that no two members share: first, first + 1, ..."""
    return bytes((first + i) % 256 for i in range(length))


# ---- constructions ----

def hkdf_extract(hash_name, salt, ikm):
    if not salt:
        salt = bytes(hashlib.new(hash_name).digest_size)
    return hmac.new(salt, ikm, hash_name).digest()


def hkdf_expand(hash_name, prk, info, length):
    out, t, i = b"", b"", 1
    while len(out) < length:
        t = hmac.new(prk, t + info + u8(i), hash_name).digest()
        out += t
        i += 1
    return out[:length]


def hkdf(ikm, salt, info, length=32):
    return hkdf_expand("sha256", hkdf_extract("sha256", salt, ikm), info,
                       length)


def aes_block(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def key_wrap(kek, key):
    """RFC 3394 s.2.2.1"""
    n = len(key) // 8
    a = b"\xa6" * 8
    r = [key[8 * i:8 * i + 8] for i in range(n)]
    for j in range(6):
        for i in range(n):
            b = aes_block(kek, a + r[i])
            a = (int.from_bytes(b[:8], "big") ^ (n * j + i + 1)).to_bytes(
                8, "big")
            r[i] = b[8:]
    return a + b"".join(r)


def cmac(key, data):
    c = CMAC(algorithms.AES(key))
    c.update(data)
    return c.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def double(block):
    n = int.from_bytes(block, "big") << 1
    if n >> 128:
        n = (n & (1 << 128) - 1) ^ 0x87
    return n.to_bytes(16, "big")


def siv(key, aad, plain):
    """RFC 5297 s.2.6 with one associated data; tag, then ciphertext"""
    half = len(key) // 2
    mac_key, ctr_key = key[:half], key[half:]
    d = xor(double(cmac(mac_key, bytes(16))), cmac(mac_key, aad))
    if len(plain) >= 16:
        t = plain[:-16] + xor(plain[-16:], d)
    else:
        t = xor(double(d), (plain + b"\x80").ljust(16, b"\0"))
    v = cmac(mac_key, t)
    q = bytearray(v)
    q[8] &= 0x7f
    q[12] &= 0x7f
    e = Cipher(algorithms.AES(ctr_key), modes.CTR(bytes(q))).encryptor()
    return v + e.update(plain) + e.finalize()


SUITES = {
    1: dict(kem=0x10, kdf=1, curve=ec.SECP256R1(), hash="sha256", n=32),
    2: dict(kem=0x11, kdf=2, curve=ec.SECP384R1(), hash="sha384", n=48),
}


def point(public):
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class Hpke:
    """RFC 9180 SetupBaseS with the ephemeral key given."""

    def __init__(self, suite, ephemeral, recipient, info):
        s = self.s = SUITES[suite]
        self.enc = point(ephemeral.public_key())
        dh = ephemeral.exchange(ec.ECDH(), recipient)
        kem_id = b"KEM" + u16(s["kem"])
        self.hpke_id = b"HPKE" + u16(s["kem"]) + u16(s["kdf"]) + u16(2)
        prk = self.extract(kem_id, b"", b"eae_prk", dh)
        self.shared = self.expand(kem_id, prk, b"shared_secret",
                                  self.enc + point(recipient), s["n"])
        context = (b"\0" + self.extract(self.hpke_id, b"", b"psk_id_hash",
                                        b"") +
                   self.extract(self.hpke_id, b"", b"info_hash", info))
        secret = self.extract(self.hpke_id, self.shared, b"secret", b"")
        self.key = self.expand(self.hpke_id, secret, b"key", context, 32)
        self.nonce = self.expand(self.hpke_id, secret, b"base_nonce", context,
                                 12)
        self.exporter = self.expand(self.hpke_id, secret, b"exp", context,
                                    s["n"])

    def extract(self, suite_id, salt, label, ikm):
        return hkdf_extract(self.s["hash"], salt,
                            b"HPKE-v1" + suite_id + label + ikm)

    def expand(self, suite_id, prk, label, info, length):
        return hkdf_expand(self.s["hash"], prk, u16(length) + b"HPKE-v1" +
                           suite_id + label + info, length)

    def export(self, context, length):
        return self.expand(self.hpke_id, self.exporter, b"sec", context,
                           length)

    def seal(self, seq, aad, plain):
        nonce = xor(self.nonce, seq.to_bytes(12, "big"))
        return AESGCM(self.key).encrypt(nonce, plain, aad)


def derive_key(suite, ikm):
    """RFC 9180 s.7.1.3"""
    s = SUITES[suite]
    kem_id = b"KEM" + u16(s["kem"])
    prk = hkdf_extract(s["hash"], b"", b"HPKE-v1" + kem_id + b"dkp_prk" + ikm)
    for i in range(256):
        scalar = hkdf_expand(s["hash"], prk, u16(s["n"]) + b"HPKE-v1" +
                             kem_id + b"candidate" + u8(i), s["n"])
        try:
            key = ec.derive_private_key(int.from_bytes(scalar, "big"),
                                        s["curve"])
        except ValueError:
            continue
        return scalar, key
    raise ValueError("no key")


# ---- the constructions against their RFCs ----

def prove_constructions():
    h = bytes.fromhex
    # RFC 5869 A.1
    assert hkdf(b"\x0b" * 22, pattern(0, 13), pattern(0xf0, 10), 42) == h(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        "34007208d5b887185865")
    # RFC 3394 s.4.6
    assert key_wrap(pattern(0, 32), h(
        "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"
    )) == h("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326"
            "cbc7f0e71a99f43bfb988b9b7a02dd21")
    # RFC 5297 A.1
    assert siv(h("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0"
                 "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"), pattern(0x10, 24),
               h("112233445566778899aabbccddee")) == h(
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c")
    # RFC 9180 A.3 has the KEM of suite 1; its AES-256-GCM variant is among
    # the published vectors: shared secret and exporter secret.
    _, ephemeral = derive_key(1, h(
        "a90d3417c3da9cb6c6ae19b4b5dd6cc9529a4cc24efb7ae0ace1f31887a8cd6c"))
    _, recipient = derive_key(1, h(
        "a0ce15d49e28bd47a18a97e147582d814b08cbe00109fed5ec27d1b4e9f6f5e3"))
    context = Hpke(1, ephemeral, recipient.public_key(),
                   b"Ode on a Grecian Urn")
    assert context.shared == h(
        "48893fecd82f7c3456af6a42d8f56325d21e08c10fa81299986aaff54cde7b49")
    assert context.exporter == h(
        "a8e9a7e62621879fdc89cea7da8e6153458f463e2851baaf009a7461d699cfb6")


# ---- the vectors ----

DOCUMENT = pattern(0x10, 16)
CONTENT_KEY = pattern(0x20, 32)
STORE_ID = pattern(0x40, 16)


def content_keys():
    info = {name: E("entente %s v1" % name, u16(1), DOCUMENT)
            for name in ("commitment", "segment key", "title key")}
    return dict(content_key=CONTENT_KEY, suite=1, document=DOCUMENT,
                commitment_info=info["commitment"],
                commitment=hkdf(CONTENT_KEY, b"", info["commitment"]),
                segment_key=hkdf(CONTENT_KEY, b"", info["segment key"]),
                title_key=hkdf(CONTENT_KEY, b"", info["title key"]))


COMMITMENT = content_keys()["commitment"]


def sealed(index, last):
    plain, nonce = b"a segment of content", pattern(0x60, 12)
    aad = E("entente segment v1", u16(1), DOCUMENT, COMMITMENT, u64(index),
            u8(last))
    return dict(index=index, last=last, nonce=nonce, plain=plain, aad=aad,
                sealed=nonce + AESGCM(content_keys()["segment_key"]).encrypt(
                    nonce, plain, aad))


def title():
    plain, nonce = b'{"title":"Plan"}', pattern(0x70, 12)
    aad = E("entente title v1", u16(1), DOCUMENT, COMMITMENT)
    return dict(nonce=nonce, plain=plain, aad=aad,
                sealed=nonce + AESGCM(content_keys()["title_key"]).encrypt(
                    nonce, plain, aad))


def slot():
    secret, number = pattern(0x80, 32), 7
    info = E("entente slot v1", u64(number), DOCUMENT, COMMITMENT)
    kek = hkdf(secret, STORE_ID, info)
    return dict(secret=secret, store_id=STORE_ID, slot=number,
                document=DOCUMENT, commitment=COMMITMENT, kek=kek,
                content_key=CONTENT_KEY, wrapped=key_wrap(kek, CONTENT_KEY))


def record():
    key, table = pattern(0x90, 32), b"documents"
    at, value = DOCUMENT, b"a value"
    mac = hmac.new(key, E("entente record v1", STORE_ID, var(table), var(at),
                          u32(len(value)) + value), "sha256").digest()[:16]
    return dict(mac_key=key, store_id=STORE_ID, table=table, key=at,
                value=value, mac=mac)


def audit():
    previous, body = pattern(0xa0, 32), b"a record"
    link = hashlib.sha256(E(
        "entente audit v1", STORE_ID, b"GBR" + u64(3), u64(41), previous,
        hashlib.sha256(body).digest())).digest()
    return dict(store_id=STORE_ID, nation=b"GBR", replica=3, number=41,
                previous=previous, record=body, link=link)


def nonce():
    key, key_id, number = pattern(0xb0, 32), pattern(0xc0, 32), 5900000
    mac = hmac.new(key, E("entente nonce v1", key_id, u64(number)),
                   "sha256").digest()[:16]
    return dict(key=key, key_id=key_id, slot=number, mac=mac)


def cursor(plain):
    key, reader = pattern(0xd0, 64), pattern(0x05, 32)
    aad = E("entente cursor v1", reader)
    return dict(key=key, reader=reader, aad=aad, plain=plain,
                sealed=siv(key, aad, plain))


def reference():
    key, aad = pattern(0xd0, 64), E("entente reference v1")
    plain = pattern(0x33, 72)
    return dict(key=key, aad=aad, plain=plain, sealed=siv(key, aad, plain))


def wrapped(suite, until):
    n = SUITES[suite]["n"]
    ikm_e, ikm_r = pattern(0xe0, n), pattern(0x01, n)
    ephemeral_scalar, ephemeral = derive_key(suite, ikm_e)
    recipient_scalar, recipient = derive_key(suite, ikm_r)
    context = Hpke(suite, ephemeral, recipient.public_key(),
                   b"entente key v1")
    to = hashlib.sha256(point(recipient.public_key())).digest()
    export = E("entente wrap v1", u16(suite), to, DOCUMENT, COMMITMENT,
               u64(until))
    kek = context.export(export, 32)
    return dict(suite=suite, ephemeral_ikm=ikm_e,
                ephemeral_scalar=ephemeral_scalar, recipient_ikm=ikm_r,
                recipient_scalar=recipient_scalar,
                recipient_point=point(recipient.public_key()), to=to,
                document=DOCUMENT, commitment=COMMITMENT, until=until,
                enc=context.enc, exporter_context=export, wrapping_key=kek,
                content_key=CONTENT_KEY, ct=key_wrap(kek, CONTENT_KEY),
                seal_aad=b"Count-1", seal_plain=b"Beauty is truth",
                seal_seq_1=context.seal(1, b"Count-1", b"Beauty is truth"))


# Every domain string, as docs/PROTOCOL.md and docs/STORAGE.md write them.
DOMAINS = ["entente %s v1" % name for name in (
    # ids, revisions, statements, seals, ticks
    "id", "leaf", "salted leaf", "group", "group salt", "group filler",
    "group place", "tick", "audit head",
    # certificates and records
    "replica", "root", "author", "receipt",
    # enrolment, invitation
    "enrol", "challenge", "enrol proof", "enrol request", "enrol answer",
    "token request", "token answer", "peer request", "peer answer",
    "invitation request", "invitation answer",
    # requests, pages, names
    "nonce", "page", "shelf", "policy",
    # content and its keys
    "key", "wrap", "commitment", "segment key", "title key", "segment",
    "title", "table",
    # at rest
    "slot", "ring", "record", "cursor", "reference", "audit", "ring key",
    "root key", "start file", "token secret", "device store",
    # without a guard
    "standing reference",
    # countersignatures
    "witness",
    # away from the store
    "backup")]


def domains():
    return [dict(domain=name, encoded=E(name)) for name in DOMAINS]


def vectors():
    return {
        "domain": domains(),
        "content_keys": [content_keys()],
        "segment": [sealed(0, 0), sealed(3, 1)],
        "title": [title()],
        "slot": [slot()],
        "record": [record()],
        "audit": [audit()],
        "nonce": [nonce()],
        "cursor": [cursor(pattern(0x44, n)) for n in (1, 15, 16, 17, 40)],
        "reference": [reference()],
        "wrapped": [wrapped(1, 0), wrapped(1, 1800000000), wrapped(2, 0)],
    }


def hexed(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k: hexed(v) for k, v in value.items()}
    if isinstance(value, list):
        return [hexed(v) for v in value]
    return value


def main():
    prove_constructions()
    text = json.dumps(hexed(vectors()), indent=1) + "\n"
    path = os.path.join(HERE, "crypto.json")
    if sys.argv[1:] == ["check"]:
        with open(path) as f:
            if f.read() != text:
                sys.exit("crypto.json is not what this script makes")
        return
    with open(path, "w") as f:
        f.write(text)


if __name__ == "__main__":
    main()
