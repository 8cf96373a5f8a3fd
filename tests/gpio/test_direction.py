# SPDX-License-Identifier: Apache-2.0
"""What the checks on the board can see: a right trace passes, each thing that is wrong is found."""

import pytest

from direction import examine
from qemu_trace import Decoder

BYTE_S = 10 / 9600
PIN = 22
HIGH, LOW, OUTPUT = (0x3F20001C, 1 << 22), (0x3F200028, 1 << 22), (0x3F200008, 1 << 6)
MINI, LSR = 0x3F215040, 0x3F215054


def access(ms, kind, address, value, cpu=0):
    return (
        f"77@{100 + ms / 1000:.6f}:memory_region_ops_{kind} cpu {cpu} mr 0x7f00 "
        f"addr {address:#x} value {value:#x} size 4 name 'bcm2835'"
    )


def write(ms, address, value):
    return access(ms, "write", address, value)


# The pin is taken low, a frame of two bytes goes out, and its answer is read.
RIGHT = {
    "clear": write(0, *LOW),
    "output": write(0.1, *OUTPUT),
    "high": write(10, *HIGH),
    "first": write(10.1, MINI, 0x01),
    "second": write(10.15, MINI, 0x04),
    "low": write(12.3, *LOW),
    "ready": access(17, "read", LSR, 0x61),
    "answer": access(17.01, "read", MINI, 0x55),
}


def judged(changes):
    """The sendings and violations of RIGHT with lines replaced, and put in order of time."""
    lines = [line for line in {**RIGHT, **changes}.values() if line]
    decoder = Decoder()
    events = []
    for line in sorted(lines, key=lambda line: line.split(":")[0]):
        events += decoder.decode(line)
    return examine(events, "mini", PIN, BYTE_S)


def test_right():
    sendings, violations = judged({})
    assert not violations
    assert [sending.frame.hex() for sending in sendings] == ["0104"]
    assert [byte for _, byte in sendings[0].received] == [0x55]


@pytest.mark.parametrize(
    "changes, found",
    [
        ({"high": None}, "01 was sent while low"),
        ({"high": write(10.12, *HIGH)}, "01 was sent while low"),
        ({"output": None}, "01 was sent while low"),
        ({"low": write(10.12, *LOW)}, "04 was sent while low"),
        ({"low": write(12, *LOW)}, "before the end of 0104"),
        ({"low": write(17.02, *LOW)}, "55 came in while high"),
        ({"low": None}, "55 came in while high"),
        ({"high": write(0.05, *HIGH), "low": write(5, *LOW)}, "high for nothing"),
        ({"first": None, "second": None}, "high for nothing"),
    ],
)
def test_wrong(changes, found):
    assert any(found in violation for violation in judged(changes)[1])


@pytest.mark.parametrize(
    "line",
    [
        access(11, "write", 0x3F200028, 1 << 23),  # another pin
        access(11, "read", 0x3F200034, 0),
        access(11, "read", MINI, 0),  # nothing had come in
        access(20, "write", 0x3F20001C, 1 << 22, cpu=-1),  # the monitor
        "77@100.011:pl011_put_fifo new char 0x5 read count now 1",
        "qemu-system-aarch64: terminating",
    ],
)
def test_what_does_not_matter(line):
    assert judged({"more": line})[1] == []


def test_the_divisor_is_no_byte():
    decoder = Decoder()
    assert decoder.decode(write(1, 0x3F21504C, 0x93)) == []
    assert decoder.decode(write(2, MINI, 0x58)) == []
    assert decoder.decode(write(3, 0x3F21504C, 0x13)) == []
    assert [event.what for event in decoder.decode(write(4, MINI, 0x58))] == ["sent"]
