#!/usr/bin/env python3
"""Writes documents.json: a vector for every byte string of docs/PROTOCOL.md
that is hashed, MACed, derived from, sealed or signed about documents.

Independent of the C code: written from docs/PROTOCOL.md alone, with Python's
hashlib and hmac, AES from the package `cryptography`, and its own P-256 and
P-384 (signatures are those of RFC 6979, so a second run gives the same file).

    python3 tests/vectors/make_documents.py        write documents.json
    python3 tests/vectors/make_documents.py check  compare, write nothing
"""
import base64
import hashlib
import hmac
import json
import os
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap


# ---- small tools ----

def b64(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def H(b):
    return hashlib.sha256(b).digest()


def hm(key, b, name="sha256"):
    return hmac.new(key, b, name).digest()


def hkdf(ikm, info, length=32, salt=b"", name="sha256"):
    size = hashlib.new(name).digest_size
    prk = hm(salt or bytes(size), ikm, name)
    out, t, n = b"", b"", 1
    while len(out) < length:
        t = hm(prk, t + info + bytes([n]), name)
        out, n = out + t, n + 1
    return out[:length]


def u8(n):
    return n.to_bytes(1, "big")


def u16(n):
    return n.to_bytes(2, "big")


def u64(n):
    return n.to_bytes(8, "big")


def var(b):
    return u16(len(b)) + b


def E(domain, *members):
    """Members arrive encoded."""
    return var(domain.encode()) + b"".join(members)


def some(name, length=32):
    """Bytes that are fixed and look like any."""
    return hkdf(name.encode(), b"entente vectors", length)


# ---- elliptic curves ----

class Curve:
    def __init__(self, name, oid, p, b, n, gx, gy, hash_name):
        self.name, self.oid, self.p, self.b, self.n = name, oid, p, b, n
        self.g, self.hash_name = (gx, gy), hash_name
        self.size = (p.bit_length() + 7) // 8

    def add(self, a, b):
        if a is None:
            return b
        if b is None:
            return a
        p = self.p
        if a[0] == b[0]:
            if (a[1] + b[1]) % p == 0:
                return None
            s = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, p) % p
        else:
            s = (b[1] - a[1]) * pow(b[0] - a[0], -1, p) % p
        x = (s * s - a[0] - b[0]) % p
        return x, (s * (a[0] - x) - a[1]) % p

    def times(self, k, point=None):
        point, out = point or self.g, None
        while k:
            if k & 1:
                out = self.add(out, point)
            point, k = self.add(point, point), k >> 1
        return out


P256 = Curve(
    "P-256", bytes.fromhex("06082a8648ce3d030107"),
    0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff,
    0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
    0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
    0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
    0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5,
    "sha256")
P384 = Curve(
    "P-384", bytes.fromhex("06052b81040022"),
    0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff,
    0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef,
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
    0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7,
    0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f,
    "sha384")


class Key:
    def __init__(self, curve, name):
        self.curve = curve
        wide = some(f"key {name}", curve.size + 16)
        self.d = int.from_bytes(wide, "big") % (curve.n - 1) + 1
        x, y = curve.times(self.d)
        self.point = (b"\x04" + x.to_bytes(curve.size, "big") +
                      y.to_bytes(curve.size, "big"))
        alg = bytes.fromhex("06072a8648ce3d0201") + curve.oid
        alg = b"\x30" + u8(len(alg)) + alg
        bits = b"\x03" + u8(len(self.point) + 1) + b"\0" + self.point
        self.spki = b"\x30" + u8(len(alg + bits)) + alg + bits
        self.id = H(self.spki)
        self.point_id = H(self.point)

    def scalar(self):
        return self.d.to_bytes(self.curve.size, "big")

    def sign(self, message):
        """ECDSA, nonce by RFC 6979; raw r || s."""
        c, size = self.curve, self.curve.size
        h1 = hashlib.new(c.hash_name, message).digest()
        z = int.from_bytes(h1, "big")
        hlen = len(h1)
        seed = self.scalar() + (z % c.n).to_bytes(size, "big")
        v, k = b"\1" * hlen, b"\0" * hlen
        k = hm(k, v + b"\0" + seed, c.hash_name)
        v = hm(k, v, c.hash_name)
        k = hm(k, v + b"\1" + seed, c.hash_name)
        v = hm(k, v, c.hash_name)
        while True:
            v = hm(k, v, c.hash_name)
            n = int.from_bytes(v, "big")
            if 1 <= n < c.n:
                r = c.times(n)[0] % c.n
                s = pow(n, -1, c.n) * (z + r * self.d) % c.n
                if r and s:
                    break
            k = hm(k, v + b"\0", c.hash_name)
            v = hm(k, v, c.hash_name)
        raw = r.to_bytes(size, "big") + s.to_bytes(size, "big")
        # The package agrees, or there is no vector.
        named = ec.SECP256R1() if size == 32 else ec.SECP384R1()
        digest = hashes.SHA256() if size == 32 else hashes.SHA384()
        ec.EllipticCurvePublicKey.from_encoded_point(named, self.point).verify(
            utils.encode_dss_signature(r, s), message, ec.ECDSA(digest))
        return raw

    def ecdh(self, point):
        x = int.from_bytes(point[1:1 + self.curve.size], "big")
        y = int.from_bytes(point[1 + self.curve.size:], "big")
        out = self.curve.times(self.d, (x, y))
        return out[0].to_bytes(self.curve.size, "big")

    def row(self):
        return {"scalar": b64(self.scalar()), "spki": b64(self.spki),
                "id": b64(self.id)}


def uuid_text(b):
    h = b.hex()
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


def canonical(value):
    """RFC 8785 of what stands in payloads: ASCII names, integers below 2^53."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False).encode()


def jws(typ, payload, key):
    header = canonical({"alg": "ES256", "typ": typ})
    signing = b64(header).encode() + b"." + b64(payload).encode()
    sig = key.sign(signing)
    return signing, sig, signing.decode() + "." + b64(sig)


rows = {}

# ---- keys ----

root = Key(P384, "root")
new_root = Key(P384, "new root")
seal_key = Key(P384, "seal")
guard256 = Key(P256, "guard 256")
guard384 = Key(P384, "guard 384")
request_key = Key(P256, "request")
author = Key(P256, "author")
tls = Key(P256, "tls")
device = Key(P256, "wrapping")
keys = {"root": root, "new_root": new_root, "seal": seal_key,
        "guard_p256": guard256, "guard_p384": guard384,
        "request": request_key, "author": author, "tls": tls,
        "wrapping": device}

# ---- id ----

space, home = b"GBR/ops", b"GBR"
salt16 = some("salt", 16)
time_ms = 1767225600123
encoded = E("entente id v1", time_ms.to_bytes(6, "big"), home, var(space),
            author.id, salt16)
bits = int.from_bytes(H(encoded), "big") >> (256 - 74)
doc = ((time_ms << 80) | (7 << 76) | ((bits >> 62) << 64) | (2 << 62) |
       (bits & ((1 << 62) - 1))).to_bytes(16, "big")
rows["id"] = {"space": space.decode(), "home": "GBR", "author": b64(author.id),
              "salt": b64(salt16), "time_ms": time_ms, "encoded": b64(encoded),
              "id": uuid_text(doc),
              "opening": b64(var(space) + author.id + salt16)}

# ---- content: subkeys, segments, table, title ----

SUITE, SEGMENT = 1, 262144
content_key = some("content key")
commitment = hkdf(content_key, E("entente commitment v1", u16(SUITE), doc))
segment_key = hkdf(content_key, E("entente segment key v1", u16(SUITE), doc))
title_key = hkdf(content_key, E("entente title key v1", u16(SUITE), doc))
rows["subkeys"] = {"key": b64(content_key), "document": uuid_text(doc),
                   "commitment": b64(commitment), "segment": b64(segment_key),
                   "title": b64(title_key)}

plain = (b"The bridge at Arnhem is passable for wheeled vehicles. " * 5000)
plain = plain[:SEGMENT + 5]
nonces = [some("nonce 0", 12), some("nonce 1", 12)]
sealed, aads = [], []
for i in range(2):
    aad = E("entente segment v1", u16(SUITE), doc, commitment, u64(i),
            u8(i == 1))
    part = plain[i * SEGMENT:(i + 1) * SEGMENT]
    sealed.append(nonces[i] + AESGCM(segment_key).encrypt(nonces[i], part, aad))
    aads.append(aad)
rows["segment"] = {"key": b64(content_key), "document": uuid_text(doc),
                   "index": 1, "last": 1, "nonce": b64(nonces[1]),
                   "aad": b64(aads[1]), "plain": b64(plain[SEGMENT:]),
                   "sealed": b64(sealed[1]),
                   "first_digest": b64(H(sealed[0]))}
table = b"".join(H(s) + u8(0) for s in sealed)
table_encoded = E("entente table v1", u16(SUITE), u64(SEGMENT), u16(2), table)
table_digest = H(table_encoded)
rows["table"] = {"size": len(plain), "table": b64(table),
                 "encoded": b64(table_encoded), "digest": b64(table_digest)}
title_json = canonical({"title": "Bridges"})
title_nonce = some("title nonce", 12)
title_aad = E("entente title v1", u16(SUITE), doc, commitment)
title_sealed = title_nonce + AESGCM(title_key).encrypt(title_nonce, title_json,
                                                       title_aad)
rows["title"] = {"key": b64(content_key), "document": uuid_text(doc),
                 "nonce": b64(title_nonce), "aad": b64(title_aad),
                 "plain": title_json.decode(), "sealed": b64(title_sealed)}

# ---- manifests and statement ----

label = some("label digest")


def manifest(**change):
    m = {"author": b64(author.id), "ext": {}, "home": "GBR",
         "id": uuid_text(doc), "keys": [b64(commitment)], "label": b64(label),
         "parents": [], "priority": 1, "salt": b64(salt16),
         "sealed": b64(title_sealed), "serial": 1, "size": len(plain),
         "space": space.decode(), "statement": 1, "suite": SUITE,
         "table": b64(table_digest), "time": 1767225601}
    m.update(change)
    return {k: v for k, v in m.items() if v is not None}


def manifest_row(m):
    payload = canonical(m)
    signing, sig, text = jws("entente-manifest-v1", payload, author)
    return {"payload": payload.decode(), "signing_input": signing.decode(),
            "signature": b64(sig), "jws": text, "digest": b64(H(signing))}


rows["manifest"] = manifest_row(manifest())
first_digest = H(rows["manifest"]["signing_input"].encode())
parents = sorted([first_digest, some("another parent")])
rows["manifest_later"] = manifest_row(manifest(
    salt=None, parents=[b64(p) for p in parents], serial=2, statement=3,
    priority=3, sealed="", keys=[b64(commitment), b64(some("older key"))],
    ext={"entente.note": ["é", 5, True, None, {"a": "\n\"\\"}]}))
rows["manifest_unknown"] = manifest_row(manifest(ext={"!embargo": 5}))

statement_payload = canonical({
    "author": b64(author.id), "ext": {}, "heads": [b64(first_digest)],
    "home": "GBR", "id": uuid_text(doc), "kind": 1, "label": b64(label),
    "number": 2, "previous": [b64(first_digest)], "time": 1767225700})
signing, sig, text = jws("entente-statement-v1", statement_payload, author)
rows["statement"] = {"payload": statement_payload.decode(),
                     "signing_input": signing.decode(), "signature": b64(sig),
                     "jws": text, "digest": b64(H(signing))}
statement_digest = H(signing)
recall_payload = canonical({
    "author": b64(author.id), "ext": {}, "home": "GBR", "id": uuid_text(doc),
    "kind": 3, "number": 3, "previous": [b64(statement_digest)],
    "time": 1767225800})
signing, sig, text = jws("entente-statement-v1", recall_payload, author)
rows["statement_recall"] = {"payload": recall_payload.decode(),
                            "jws": text, "digest": b64(H(signing))}

# ---- leaf core, leaf, node ----

context = [(b"DEU", 1, [(1, 3), (5, 5)]), (b"GBR", 1, [(1, 4)]),
           (b"GBR", 2, [(7, 7)])]
context_encoded = u16(len(context)) + b"".join(
    n + u64(r) + u16(len(ranges)) +
    b"".join(u64(a) + u64(b) for a, b in ranges) for n, r, ranges in context)
statements = [1, 3]
lists = (u64(8) + u16(2) + b"".join(map(u64, statements)) + context_encoded)
core_encoded = E("entente leaf v1", u8(0), b"GBR", u64(2), doc, first_digest,
                 author.id, lists)
core = H(core_encoded)
rows["leaf_core"] = {
    "kind": 0, "nation": "GBR", "replica": 2, "document": uuid_text(doc),
    "digest": b64(first_digest), "author": b64(author.id), "counter": 8,
    "statements": statements,
    "context": [{"nation": n.decode(), "replica": r,
                 "ranges": [list(x) for x in ranges]}
                for n, r, ranges in context],
    "context_encoded": b64(context_encoded), "encoded": b64(core_encoded),
    "core": b64(core)}
core_statement_encoded = E("entente leaf v1", u8(1), b"GBR", u64(2), doc,
                           statement_digest, author.id, u64(0), u16(0), u16(0))
rows["leaf_core_statement"] = {"digest": b64(statement_digest),
                               "encoded": b64(core_statement_encoded),
                               "core": b64(H(core_statement_encoded))}


def leaf(salt, core):
    return H(b"\0" + E("entente salted leaf v1", salt, core))


def node(left, right):
    return H(b"\1" + left + right)


leaf_salt = some("leaf salt")
rows["leaf"] = {"salt": b64(leaf_salt), "core": b64(core),
                "leaf": b64(leaf(leaf_salt, core))}
rows["node"] = {"left": b64(core), "right": b64(label),
                "node": b64(node(core, label))}

# ---- group ----


def group(secret, cores):
    """Levels from the leaves up, and place and salt of every leaf."""
    def word(s, i):
        return hm(secret, E(s, u64(i)))
    order = sorted(range(256), key=lambda i: word("entente group place v1", i))
    place = {leaf_no: at for at, leaf_no in enumerate(order)}
    salts = [word("entente group salt v1", i) for i in range(256)]
    level = [None] * 256
    for i in range(256):
        c = cores[i] if i < len(cores) else word("entente group filler v1", i)
        level[place[i]] = leaf(salts[i], c)
    levels = [level]
    while len(level) > 1:
        level = [node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        levels.append(level)
    return levels, place, salts


group_time = 1767225660
for name, count in (("group", 3), ("group_full", 256)):
    secret = some("group secret " + name)
    cores = [core, H(core_statement_encoded)]
    cores = (cores + [some(f"core {i}") for i in range(2, 256)])[:count]
    levels, place, salts = group(secret, cores)
    group_root = levels[-1][0]
    tbs = E("entente group v1", b"GBR", u64(2), u64(group_time), group_root)
    rows[name] = {"secret": b64(secret), "nation": "GBR", "replica": 2,
                  "time": group_time, "cores": [b64(c) for c in cores],
                  "places": [place[i] for i in range(count)],
                  "salts": [b64(salts[i]) for i in range(count)],
                  "root": b64(group_root), "to_be_signed": b64(tbs),
                  "signature": b64(seal_key.sign(tbs))}
    if name == "group":
        first = (levels, place, salts, group_root, seal_key.sign(tbs))

levels, place, salts, group_root, group_sig = first
at, path = place[0], []
for level in levels[:-1]:
    path.append(level[at ^ 1])
    at //= 2
seal_blob = (u8(1) + b"GBR" + u64(2) + u64(group_time) + group_root +
             group_sig + u8(place[0]) + salts[0] + u8(8) + b"".join(path) +
             u8(0) + lists)
rows["seal"] = {"index": place[0], "salt": b64(salts[0]),
                "path": [b64(p) for p in path], "blob": b64(seal_blob)}

# ---- tick ----

tick_secret = some("tick secret")
group_roots = [some(f"group root {i}") for i in range(3)]


def tick_tree(secret, roots):
    """Root of 17 levels and the path of the first group: from the top down,
    so that it shares nothing with how others build it."""
    def word(s, n):
        return hm(secret, E(s, u64(n)))
    taken = {}
    for i, r in enumerate(roots):
        at = int.from_bytes(word("entente group place v1", i)[:4], "big") % 2**17
        while at in taken:
            at = (at + 1) % 2**17
        taken[at] = leaf(word("entente group salt v1", i), r)
        if i == 0:
            first = at

    def digest(n, low, width):
        if not any(low <= at < low + width for at in taken):
            return word("entente group filler v1", n)
        if width == 1:
            return taken[low]
        half = width // 2
        return node(digest(2 * n, low, half),
                    digest(2 * n + 1, low + half, half))
    if not roots:
        return digest(1, 0, 2**17), None, None, []
    path, n = [], 2**17 + first
    for level in range(17):
        other = n ^ 1
        width = 2**level
        path.append(digest(other, other * width - 2**17, width))
        n //= 2
    return (digest(1, 0, 2**17), first, word("entente group salt v1", 0), path)


groups_root, first_place, first_salt, tick_path = tick_tree(tick_secret,
                                                            group_roots)
link, audit_salt = some("audit link"), some("audit salt")
audit_head = H(E("entente audit head v1", audit_salt, link))
previous = some("previous tick")
minute = 1767225660 // 60
tick_tbs = E("entente tick v1", b"GBR", u64(2), u64(minute), previous,
             groups_root, audit_head)
rows["tick"] = {"secret": b64(tick_secret),
                "groups": [b64(r) for r in group_roots],
                "groups_root": b64(groups_root), "place": first_place,
                "salt": b64(first_salt), "path": [b64(p) for p in tick_path],
                "empty_root": b64(tick_tree(tick_secret, [])[0]),
                "audit_salt": b64(audit_salt), "link": b64(link),
                "audit": b64(audit_head), "nation": "GBR", "replica": 2,
                "minute": minute, "previous": b64(previous),
                "to_be_signed": b64(tick_tbs), "digest": b64(H(tick_tbs)),
                "blob": b64(tick_tbs + seal_key.sign(tick_tbs))}

witness_tbs = E("entente witness v1", b"GBR", u64(2), b"DEU", u64(1),
                u64(minute), H(tick_tbs), u64(1767225700))
rows["witness"] = {"nation": "GBR", "replica": 2, "of": "DEU", "of_replica": 1,
                   "minute": minute, "tick": b64(H(tick_tbs)),
                   "time": 1767225700, "to_be_signed": b64(witness_tbs),
                   "blob": b64(witness_tbs + seal_key.sign(witness_tbs))}

# ---- certificates and records ----

end_digest = some("end digest")
certificate_tbs = E(
    "entente replica v1", b"GBR", root.id, u64(2), u64(5), var(seal_key.spki),
    var(guard256.spki), var(guard384.spki), var(request_key.spki),
    u64(1767000000), u64(1798536000), u16(1), u64(1), u64(29453000),
    end_digest)
certificate = certificate_tbs + root.sign(certificate_tbs)
rows["replica"] = {"nation": "GBR", "replica": 2, "issue": 5,
                   "from": 1767000000, "to": 1798536000,
                   "ends": [{"replica": 1, "tick": 29453000,
                             "digest": b64(end_digest)}],
                   "to_be_signed": b64(certificate_tbs),
                   "blob": b64(certificate)}
succession_tbs = E("entente root v1", b"GBR", u64(1), var(new_root.spki),
                   u64(1767226000))
rows["root"] = {"nation": "GBR", "number": 1, "time": 1767226000,
                "to_be_signed": b64(succession_tbs),
                "blob": b64(succession_tbs + root.sign(succession_tbs))}
author_tbs = E("entente author v1", b"GBR", u64(2), var(author.spki),
               u64(1767225000))
rows["author"] = {"nation": "GBR", "replica": 2, "from": 1767225000,
                  "to_be_signed": b64(author_tbs),
                  "blob": b64(author_tbs + seal_key.sign(author_tbs))}
receipt_tbs = E("entente receipt v1", b"GBR", u64(2), doc, statement_digest,
                u8(1), u64(1769817600), u64(1767225900))
rows["receipt"] = {"nation": "GBR", "replica": 2, "document": uuid_text(doc),
                   "statement": b64(statement_digest), "kind": 1,
                   "backups_expire": 1769817600, "time": 1767225900,
                   "to_be_signed": b64(receipt_tbs),
                   "blob": b64(receipt_tbs + seal_key.sign(receipt_tbs))}

# ---- enrolment and invitation ----

token, secret = some("token", 16), some("token secret")
ca = some("CA certificate digest")
transcript_encoded = E("entente enrol v1", token, b"GBR", ca, root.id,
                       var(tls.spki), var(author.spki), var(device.point))
T = H(transcript_encoded)
Kq = hkdf(secret, E("entente token request v1", token))
Ka = hkdf(secret, E("entente token answer v1", token))
challenge = hm(Kq, E("entente challenge v1", T))
proof_tbs = E("entente enrol proof v1", T)
proof = author.sign(proof_tbs)
csr, attestation, issued = (some("csr", 300), some("attestation", 200),
                            some("certificate", 500))
request_mac = hm(Kq, E("entente enrol request v1", T, H(csr), H(attestation),
                       proof))
answer_mac = hm(Ka, E("entente enrol answer v1", request_mac, H(issued),
                      H(certificate)))
rows["enrolment"] = {
    "token": b64(token), "secret": b64(secret), "nation": "GBR",
    "ca": b64(ca), "encoded": b64(transcript_encoded), "transcript": b64(T),
    "request_key": b64(Kq), "answer_key": b64(Ka),
    "challenge": b64(challenge), "proof_to_be_signed": b64(proof_tbs),
    "proof": b64(proof), "csr": b64(csr), "attestation": b64(attestation),
    "certificate": b64(issued), "request_mac": b64(request_mac),
    "answer_mac": b64(answer_mac)}

invitation = some("invitation", 16)
invited_root, invited_ca = some("FRA root"), some("FRA CA")
invited_certificate = some("FRA certificate", 700)
ends = b"relay.gbr.example:8443", b"relay.fra.example:8443"
Kq = hkdf(secret, E("entente invitation request v1", invitation))
Ka = hkdf(secret, E("entente invitation answer v1", invitation))
m1_encoded = E("entente peer request v1", invitation, b"GBR", b"FRA", root.id,
               invited_root, ca, invited_ca, var(ends[0]), var(ends[1]),
               H(invited_certificate))
m1 = hm(Kq, m1_encoded)
m2_encoded = E("entente peer answer v1", m1, H(certificate))
rows["invitation"] = {
    "id": b64(invitation), "secret": b64(secret), "inviting": "GBR",
    "invited": "FRA", "inviting_root": b64(root.id),
    "invited_root": b64(invited_root), "inviting_ca": b64(ca),
    "invited_ca": b64(invited_ca), "inviting_endpoint": ends[0].decode(),
    "invited_endpoint": ends[1].decode(),
    "invited_certificate": b64(invited_certificate), "request_key": b64(Kq),
    "answer_key": b64(Ka), "m1_encoded": b64(m1_encoded), "m1": b64(m1),
    "m2_encoded": b64(m2_encoded), "m2": b64(hm(Ka, m2_encoded))}

# ---- requests: RFC 9421, their base and fields ----


def request(method, authority, path, query, fields, body):
    created, nonce = 1767226050, some("nonce", 24)
    digest = "sha-256=:%s:" % base64.b64encode(H(body)).decode()
    covered = [("@method", method), ("@authority", authority),
               ("@path", path), ("@query", "?" + query),
               ("content-digest", digest)] + fields
    params = "(%s);created=%d;keyid=\"%s\";nonce=\"%s\";tag=\"%s\"" % (
        " ".join('"%s"' % name for name, _ in covered), created,
        b64(author.id), b64(nonce), "entente-request-v1")
    base = "".join('"%s": %s\n' % line for line in covered)
    base += '"@signature-params": ' + params
    sig = author.sign(base.encode())
    return {"method": method, "authority": authority, "path": path,
            "query": query, "body": body.decode(),
            "fields": [{"name": n, "value": v} for n, v in fields],
            "created": created, "nonce": b64(nonce),
            "content_digest": digest, "base": base,
            "base_digest": b64(H(base.encode())),
            "signature_input": "sig1=" + params,
            "signature": "sig1=:%s:" % base64.b64encode(sig).decode()}


rows["request_read"] = request("GET", "relay.example:8443", "/v1/relay", "",
                               [], b"")
rows["request_write"] = request(
    "PUT", "relay.example", "/v1/documents/" + uuid_text(doc), "a=1&b=%20",
    [("if-match", '"%s"' % b64(some("etag"))), ("if-none-match", "*")],
    b'{"manifest":"m"}')

# ---- page, shelf, policy set ----

ask, since = some("ask", 16), b"cursor-of-before"
body, policy = b'{"cursor":"x","rows":[]}', some("policy digest")
page_tbs = E("entente page v1", b"GBR", u64(2), author.id, ask, H(since),
             H(body), policy, u64(1767226100))
rows["page"] = {"nation": "GBR", "replica": 2, "reader": b64(author.id),
                "ask": b64(ask), "since": since.decode(),
                "body": body.decode(), "policy": b64(policy),
                "time": 1767226100, "to_be_signed": b64(page_tbs),
                "signature": b64(request_key.sign(page_tbs))}
labels = sorted([label, some("other label")])
shelf_encoded = E("entente shelf v1", var(space), u16(2), *labels, u64(0))
rows["shelf"] = {"space": space.decode(), "labels": [b64(x) for x in labels],
                 "condition": 0, "encoded": b64(shelf_encoded),
                 "shelf": b64(H(shelf_encoded))}
files = [b"<governing/>", b"<one/>", b"<two/>"]
nationals = sorted(H(f) for f in files[1:])
policy_encoded = E("entente policy v1", u16(3), H(files[0]), *nationals)
rows["policy"] = {"files": [f.decode() for f in files],
                  "encoded": b64(policy_encoded),
                  "digest": b64(H(policy_encoded))}

# ---- wrapped keys: HPKE base mode by RFC 9180, export only ----


def hpke_exporter(suite, recipient, ephemeral, info):
    curve, kem, kdf, name = {1: (P256, 0x10, 1, "sha256"),
                             2: (P384, 0x11, 2, "sha384")}[suite]
    nh = hashlib.new(name).digest_size

    def extract(suite_id, salt, label, ikm):
        return hm(salt or bytes(nh), b"HPKE-v1" + suite_id + label + ikm, name)

    def expand(suite_id, prk, label, info, length):
        info = u16(length) + b"HPKE-v1" + suite_id + label + info
        out, t, n = b"", b"", 1
        while len(out) < length:
            t = hm(prk, t + info + bytes([n]), name)
            out, n = out + t, n + 1
        return out[:length]
    kem_id = b"KEM" + u16(kem)
    dh = ephemeral.ecdh(recipient.point)
    eae = extract(kem_id, b"", b"eae_prk", dh)
    shared = expand(kem_id, eae, b"shared_secret",
                    ephemeral.point + recipient.point, nh)
    hpke_id = b"HPKE" + u16(kem) + u16(kdf) + u16(2)
    psk = extract(hpke_id, b"", b"psk_id_hash", b"")
    info_hash = extract(hpke_id, b"", b"info_hash", info)
    secret = extract(hpke_id, shared, b"secret", b"")
    exporter = expand(hpke_id, secret, b"exp", b"\0" + psk + info_hash, nh)
    return lambda context, length: expand(hpke_id, exporter, b"sec", context,
                                          length)


for suite, recipient in ((1, device), (2, guard384)):
    ephemeral = Key(recipient.curve, f"ephemeral {suite}")
    until = 1767312000 if suite == 1 else 0
    wrap = E("entente wrap v1", u16(suite), recipient.point_id, doc,
             commitment, u64(until))
    kek = hpke_exporter(suite, recipient, ephemeral, b"entente key v1")(wrap,
                                                                       32)
    rows[f"wrapped_{suite}"] = {
        "recipient": "wrapping" if suite == 1 else "guard_p384",
        "ephemeral": b64(ephemeral.scalar()), "context": b64(wrap),
        "wrapping_key": b64(kek), "key": b64(content_key),
        "document": uuid_text(doc), "commitment": b64(commitment),
        "wrapped": {"ct": b64(aes_key_wrap(kek, content_key)),
                    "enc": b64(ephemeral.point), "suite": suite,
                    "to": b64(recipient.point_id), "until": until}}

where = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "documents.json")
text = json.dumps({"keys": {n: k.row() for n, k in keys.items()},
                   "rows": rows}, indent=1, sort_keys=True,
                  ensure_ascii=False) + "\n"
if sys.argv[1:] == ["check"]:
    with open(where, encoding="utf-8") as had:
        if had.read() != text:
            sys.exit("documents.json is not what this script makes")
else:
    with open(where, "w", encoding="utf-8") as out:
        out.write(text)
