# SPDX-License-Identifier: Apache-2.0
"""Modbus RTU requests and answers of function 4, read from the battery's facts alone."""

import dataclasses

READ_INPUT_REGISTERS = 4


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


@dataclasses.dataclass
class Request:
    unit: int
    function: int
    offset: int
    count: int


def requests(records):
    """The requests of one stretch of a simulator's `wire`."""
    found = []
    for record in records:
        data = bytes.fromhex(record["hex"])
        if record["dir"] != "rx":
            continue
        assert len(data) == 8, data.hex()
        assert crc(data[:-2]) == int.from_bytes(data[-2:], "little"), data.hex()
        offset, count = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:6], "big")
        found.append(Request(data[0], data[1], offset, count))
    return found
