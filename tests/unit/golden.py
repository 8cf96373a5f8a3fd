#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes golden_vectors.h: request and reply bytes of every command, computed here anew with exact
fractions from the wire facts, so that an error in the C table or codec cannot hide in both.

    python3 tests/unit/golden.py >tests/unit/golden_vectors.h
"""
import random
from fractions import Fraction
from math import floor

CIB, DIG = Fraction("52.08"), Fraction("7.8125")
# name, CMD, fields as (symbol, wire format, q, rating, min, max); q None: the raw value itself
MODE = [("mode", "H", "hex", 0, 0, 0)]
SET_B = [("cvb", "H", 14, 48, 32, 62), ("drb", "H", 13, 1, 0, "3.999")]
SET_G = [("dvg", "H", 14, 380, 260, 390), ("drg", "H", 13, 1, 0, "3.999")]
DEAD = [("pdz", "H", 14, 380, 0, 57), ("mdz", "H", 14, 380, 0, 57)]
PROT = [("cib", "H", 13, CIB, 0, "56.77"), ("dig", "H", 13, DIG, 0, "8.5162"),
        ("ubv", "H", 14, 48, 32, 68), ("ugv", "H", 14, 380, 260, 425),
        ("obv", "H", 14, 48, 32, 68), ("ogv", "H", 14, 380, 260, 425)]
SETUP = [("bcf", "H", "hex", 0, 0, 0), ("cvb", "H", 14, 48, 32, 62), ("dlb", "H", 14, 48, 32, 64),
         ("cdb", "H", 14, 48, 0, 12), ("ddb", "H", 14, 48, 0, 12)]
RECO = [("ccr", "H", 14, 48, 0, 12), ("ddr", "H", 14, 48, 0, 12)]


def plain(names, wire):
    return [(name, wire, None, 1, 0, 0) for name in names.split()]


METER = [("vg", "h", 14, 380, 0, 0), ("ig", "h", 13, DIG, 0, 0), ("vb", "h", 14, 48, 0, 0),
         ("ib", "h", 13, CIB, 0, 0), ("wg", "h", 11, 2500, 0, 0), ("wb", "h", 11, 2500, 0, 0),
         ("ic", "h", None, 1, 0, 0), ("tmp", "h", 7, 1, 0, 0)]
AUX = plain("ts tp", "h") + [("v5s", "h", 10, 1, 0, 0)] + plain("fan1 fan2 fan3 fan4 fan5", "h")
HEX = [(n, "H", "hex", 0, 0, 0) for n in ("alm1", "alm2", "alm3")]
STATUS = [("cst", "H", "cst", 0, 0, 0), ("ext", "H", "hex", 0, 0, 0)]
VERSION = plain("min maj", "B")
COMMANDS = [
    ("1-1", 0x00, [], MODE), ("1-4", 0x00, MODE, MODE), ("2-1", 0x01, [], STATUS),
    ("3-1", 0x18, [], SET_B), ("3-4", 0x18, SET_B, SET_B),
    ("4-1", 0x1A, [], SET_G), ("4-4", 0x1A, SET_G, SET_G),
    ("5-1", 0x17, [], DEAD), ("5-4", 0x17, DEAD, DEAD),
    ("6-1", 0x1C, [], PROT), ("6-4", 0x1C, PROT, PROT),
    ("7-1", 0x1D, [], SETUP), ("7-4", 0x1D, SETUP, SETUP),
    ("8-1", 0x16, [], RECO), ("8-4", 0x16, RECO, RECO),
    ("9-1", 0x12, [], HEX), ("9-4", 0x12, plain("d0 d1", "B"), plain("d0 d1", "B")),
    ("10-1", 0x09, [], METER), ("11-1", 0x0A, [], AUX),
    ("12-1", 0x0D, [], plain("vgq igq vbq ibq wgq wbq icq tmpq", "H")),
    ("13-1", 0x0E, [], plain("tsq tpq v5q fn1q fn2q fn3q fn4q fn5q", "H")),
    ("14-1", 0x11, [], plain("vgn vgnq ign ignq vbn vbnq ibn ibnq wn wnq", "H")),
    ("15-1", 0x1E, [], VERSION), ("16-1", 0x1F, [], VERSION),
]
WIDTH = {"H": 2, "h": 2, "B": 1}


def frame(start, cmd, data):
    body = bytes([0, 16, cmd]) + data
    return bytes([start, len(data)]) + body + (sum(body) & 0xFFFF).to_bytes(2, "little")


def shown(field, raw):
    _, wire, q, rating, _, _ = field
    if q in ("hex", "cst"):
        return "0x%04x" % raw
    value = raw - 0x10000 if wire == "h" and raw >= 0x8000 else raw
    number = float(Fraction(value) * Fraction(rating) / 2 ** (q or 0))
    return repr(int(number)) if number == int(number) else repr(number)


def draw(rng, field):
    """A raw value for a reply, and for writable fields a text whose truncation it is."""
    name, wire, q, rating, low, high = field
    if name == "mode":
        return rng.choice([(0, "0x0000"), (2, "0x0002"), (0x14, "0x0014"), (0x41, "0x0041")])
    if q == "cst":
        raw = rng.choice([0, 1, 2, 4, 5, 9])
        return raw, "0x%04x" % raw
    if q is None or q == "hex" or (low, high) == (0, 0):
        raw = rng.randrange(256 ** WIDTH[wire])
        return raw, "0x%04x" % raw if q == "hex" else str(raw)
    span = Fraction(high) - low
    text = "%.6f" % float(low + span * rng.randrange(1000001) / 1000000)
    return floor(Fraction(text) * 2 ** q / Fraction(rating)), text


def pack(fields, raws):
    return b"".join(raw.to_bytes(WIDTH[f[1]], "little") for f, raw in zip(fields, raws))


def c_bytes(data):
    return "{" + ", ".join("0x%02x" % b for b in data) + "}, %d" % len(data)


def c_texts(texts):
    return "{" + ", ".join('"%s"' % t for t in texts) + "}"


def main():
    rng = random.Random(20485)
    print("/* SPDX-License-Identifier: Apache-2.0 */\n/* Written by golden.py; do not edit. */")
    print("/* clang-format off */")
    print("static const struct golden golden_vectors[] = {")
    for name, cmd, request, reply in COMMANDS:
        for _ in range(3):
            drawn = [draw(rng, f) for f in (request or reply)]
            raws = [raw for raw, _ in drawn]
            asked = [text for _, text in drawn] if request else []
            data = pack(reply, raws)
            texts = [shown(f, raw) for f, raw in zip(reply, raws)]
            print('    {"%s", %s,\n     %s,\n     %s,\n     %s},' % (
                name, c_texts(asked) if asked else "{0}",
                c_bytes(frame(5, cmd, data if request else b"")),
                c_bytes(frame(2, cmd, data)), c_texts(texts)))
    print("};\n/* clang-format on */")


if __name__ == "__main__":
    main()
