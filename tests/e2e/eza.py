# SPDX-License-Identifier: Apache-2.0
"""The EZA2500's frames, read from the wire facts alone: what the tests hold the daemon to.

Shares nothing with the C code, so that an error there is not repeated here.
"""

import dataclasses
from fractions import Fraction

V380 = ("H", 14, Fraction(380))
V48 = ("H", 14, Fraction(48))
A52 = ("H", 13, Fraction("52.08"))
A7 = ("H", 13, Fraction("7.8125"))
RATIO = ("H", 13, Fraction(1))
WORD = ("H", None, None)
BYTE = ("B", None, None)


def signed(kind):
    return ("h",) + kind[1:]


def scaled(q, rating):
    return ("h", q, Fraction(rating))


COUNT = ("h", None, None)

MODE = {"mode": WORD}
BATTERY = {"cvb": V48, "drb": RATIO}
GRID = {"dvg": V380, "drg": RATIO}
DEAD_ZONE = {"pdz": V380, "mdz": V380}
PROTECTION = {"cib": A52, "dig": A7, "ubv": V48, "ugv": V380, "obv": V48, "ogv": V380}
SETUP = {"bcf": WORD, "cvb": V48, "dlb": V48, "cdb": V48, "ddb": V48}
RECOVERY = {"ccr": V48, "ddr": V48}
VERSION = {"min": BYTE, "maj": BYTE}
METERS = {
    "vg": signed(V380),
    "ig": signed(A7),
    "vb": signed(V48),
    "ib": signed(A52),
    "wg": scaled(11, 2500),
    "wb": scaled(11, 2500),
    "ic": COUNT,
    "tmp": scaled(7, 1),
}
FANS = {f"fan{n}": scaled(0, 1) for n in range(1, 6)}


def words(*names):
    return dict.fromkeys(names, WORD)


# number: (CMD, fields of the answer, fields of a write or None)
COMMANDS = {
    1: (0x00, MODE, MODE),
    2: (0x01, words("cst", "ext"), None),
    3: (0x18, BATTERY, BATTERY),
    4: (0x1A, GRID, GRID),
    5: (0x17, DEAD_ZONE, DEAD_ZONE),
    6: (0x1C, PROTECTION, PROTECTION),
    7: (0x1D, SETUP, SETUP),
    8: (0x16, RECOVERY, RECOVERY),
    9: (0x12, words("alm1", "alm2", "alm3"), {"d0": BYTE, "d1": BYTE}),
    10: (0x09, METERS, None),
    11: (0x0A, {"ts": COUNT, "tp": COUNT, "v5s": scaled(10, 1), **FANS}, None),
    12: (0x0D, words("vgq", "igq", "vbq", "ibq", "wgq", "wbq", "icq", "tmpq"), None),
    13: (0x0E, words("tsq", "tpq", "v5q", "fn1q", "fn2q", "fn3q", "fn4q", "fn5q"), None),
    14: (
        0x11,
        words("vgn", "vgnq", "ign", "ignq", "vbn", "vbnq", "ibn", "ibnq", "wn", "wnq"),
        None,
    ),
    15: (0x1E, VERSION, None),
    16: (0x1F, VERSION, None),
}
NUMBERS = {cmd: number for number, (cmd, _, _) in COMMANDS.items()}
NAMES = [f"{number}-1" for number in COMMANDS] + [
    f"{number}-4" for number, (_, _, write) in COMMANDS.items() if write
]

REQUEST, ANSWER = 0x05, 0x02


def checksum(body):
    return sum(body) & 0xFFFF


def frame(start, cmd, data=b"", address1=0, address2=16):
    body = bytes([address1, address2, cmd]) + data
    return bytes([start, len(data)]) + body + checksum(body).to_bytes(2, "little")


def fields_of(name):
    """The fields of a command such as "4-4", in their order."""
    number, _, action = name.partition("-")
    _, read, write = COMMANDS[int(number)]
    return write if action == "4" else read


def raw(kind, value):
    """The integer that a value (text or number) is sent as: towards zero, exactly."""
    _, q, rating = kind
    exact = Fraction(str(value))
    return int(exact if q is None else exact * 2**q / rating)


def number(kind, raw_value):
    """The float nearest to the exact value, which JSON must show."""
    _, q, rating = kind
    return raw_value if q is None else float(raw_value * rating / 2**q)


def seen(name, field, value):
    """What a value that was set reads back as: asking for dvg 300 gives 299.98291015625."""
    kind = fields_of(name)[field]
    return number(kind, raw(kind, value))


def pack(fields, values):
    data = b""
    for field, kind in fields.items():
        size = 1 if kind[0] == "B" else 2
        data += raw(kind, values[field]).to_bytes(size, "little", signed=kind[0] == "h")
    return data


def unpack(fields, data):
    raws, at = {}, 0
    for field, kind in fields.items():
        size = 1 if kind[0] == "B" else 2
        raws[field] = int.from_bytes(data[at : at + size], "little", signed=kind[0] == "h")
        at += size
    return raws


def write_frame(name, values, **addresses):
    """The request that writes these values: write_frame("4-4", {"dvg": 300, "drg": "0.1"})."""
    cmd = COMMANDS[int(name.partition("-")[0])][0]
    return frame(REQUEST, cmd, pack(fields_of(name), values), **addresses)


@dataclasses.dataclass
class Frame:
    """A frame that went over the line: a request ("rx" for the simulator) or an answer."""

    direction: str
    began: float  # s, monotonic: first byte
    ended: float  # last byte
    bytes: bytes
    name: str  # "4-4"; "4" for an answer, whose kind only its request tells; "?" if it is neither
    raws: dict  # field: integer; of a refusal {"ercd": …}

    def value(self, field):
        return number(COMMANDS[int(self.name.partition("-")[0])][1][field], self.raws[field])


def decode(record):
    """A Frame of one record of a simulator's `wire`."""
    data = bytes.fromhex(record["hex"])
    common = (record["dir"], record["t"], record["end"], data)
    start = REQUEST if record["dir"] == "rx" else ANSWER
    cmd = data[4] & 0x7F if len(data) >= 7 else None
    if (
        cmd not in NUMBERS
        or data[0] != start
        or len(data) != data[1] + 7
        or checksum(data[2:-2]) != int.from_bytes(data[-2:], "little")
    ):
        return Frame(*common, "?", {})
    number_ = NUMBERS[cmd]
    payload = data[5:-2]
    if data[4] & 0x80:
        return Frame(*common, str(number_), {"ercd": int.from_bytes(payload, "little")})
    _, read, write = COMMANDS[number_]
    if start == ANSWER:
        # 9-1 and 9-4 are the only ones that are answered in different shapes.
        fields = write if write and len(payload) < 2 * len(read) else read
        return Frame(*common, str(number_), unpack(fields, payload))
    if not payload:
        return Frame(*common, f"{number_}-1", {})
    return Frame(*common, f"{number_}-4", unpack(write, payload))


class Wire(list):
    """The frames of one stretch of time, in their order."""

    @classmethod
    def from_records(cls, records):
        return cls(decode(record) for record in records)

    @property
    def requests(self):
        return [one for one in self if one.direction == "rx"]

    @property
    def answers(self):
        return [one for one in self if one.direction == "tx"]

    @property
    def commands(self):
        """The requests' names: ["4-4", "6-4", "1-4"]."""
        return [one.name for one in self.requests]

    def answer(self, name):
        """The values of the last answer to a command's number, by field."""
        last = [one for one in self.answers if one.name == name.partition("-")[0]][-1]
        return {field: last.value(field) for field in last.raws}

    def request(self, name):
        """The last request with this name."""
        return [one for one in self.requests if one.name == name][-1]
