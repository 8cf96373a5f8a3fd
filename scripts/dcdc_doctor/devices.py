# SPDX-License-Identifier: Apache-2.0
"""The converter and the battery: how each is asked, and at which other settings it may answer."""

import contextlib
import time

from daemons import Unreachable, converter_settings, device_keys
from evidence import READS, follow, recorded


class Device:
    """One of them as the configuration describes it, and what was found out about it."""

    name = section = daemon = ""

    def __init__(self, tree):
        self.tree = tree
        self.keys = device_keys(tree, self.section)
        self.line = self.keys.get("kwparams", {})
        self.path = self.line.get("port")
        self.by_service = False  # asked by the daemon that runs, not by a private one
        self.evidence = None
        self.error = None  # why it could not be asked
        self.shown = None  # values that it gave

    @property
    def mute(self):
        """Whether it was asked by a private daemon and gave no sign."""
        return self.evidence is not None and not self.by_service and not self.evidence.speaks

    @property
    def settings(self):
        line = self.line
        return f"{line['baudrate']} baud, 8{line['parity']}{line['stopbits']}"

    @property
    def byte_s(self):
        """The time of a byte on the line, in s."""
        bits = 9 + int(self.line["stopbits"]) + (self.line["parity"] != "N")
        return bits / int(self.line["baudrate"])

    @property
    def pin(self):
        """The pin that switches the direction, or None."""
        return self.line["dir_pin"] if self.line["dir_pin"] != "not_used" else None

    @property
    def direction(self):
        if self.line.get("direction") == "kernel":
            return "direction by the kernel"
        return f"direction by pin {self.pin}" if self.pin else "no direction pin"


class Converter(Device):
    name, section, daemon = "converter", "dcdc_dev", "dcdcd"

    @property
    def address(self):
        return f"address1 {self.keys['address1']}, address2 {self.keys['address2']}"

    @property
    def timeout(self):
        return converter_settings(self.tree)["reply_timeout"]

    @staticmethod
    def served_path(status):
        return status["port"]

    @staticmethod
    def port_error(client, deadline):
        return client.call("status").get("port_error")

    def read(self, client, deadline):
        """Reads the mode READS times; a private dcdcd has begun by itself."""
        since = client.call("trace", count=0)["time"] if self.by_service else 0
        for _ in range(READS):
            with contextlib.suppress(Unreachable):
                client.call("command", name="1-1")
            if recorded(client, since).hopeless or time.monotonic() > deadline:
                break
        return recorded(client, since)

    @staticmethod
    def values(client):
        result = client.call("remote_get_status")
        meter, status = result["meter"], result["status"]
        return (
            f"{status['operationMode']}, grid {meter['vg']:.1f} V, battery {meter['vb']:.2f} V,"
            f" {status['alarmState'].lower()}"
        )

    def others(self):
        """Its speed is fixed, so that no other is tried: nothing but reads reaches it."""
        line = {"baudrate": "19200", "parity": "N", "stopbits": "1"}
        yield line
        for first, second in ((0, 16), (0, 1), (1, 16), (1, 1)):
            yield {**line, "address1": first, "address2": second}


class Battery(Device):
    name, section, daemon = "battery", "battery_dev", "battd"

    @property
    def address(self):
        return f"unit {self.keys['unit']}"

    @property
    def timeout(self):
        return self.line["timeout"]

    @staticmethod
    def served_path(status):
        return status["port"]["path"]

    @staticmethod
    def port_error(client, deadline):
        """Its thread opens the port some time after the start."""
        while time.monotonic() < deadline:
            status = client.call("status")
            if status["port"]["open"] or status["last_error"]:
                return None if status["port"]["open"] else status["last_error"]
            time.sleep(0.01)
        return None

    def read(self, client, deadline):
        """It polls by itself: a private one ten times a second; a running one has done so."""
        if self.by_service and recorded(client).exchanges:
            return recorded(client).newest(READS)
        count = 1 if self.by_service else READS
        return follow(client, deadline, lambda seen: len(seen.exchanges) >= count or seen.hopeless)

    @staticmethod
    def values(client):
        reading = client.call("check_battery")
        sharing = "permitted" if reading["battery_operation_status"] == 3 else "denied"
        return f"charge {reading['rsoc']} %, sharing {sharing}"

    def others(self):
        """The usual speeds, the first few units, the other parities."""
        speeds = ["9600", "19200", "38400", "57600", "115200"]
        yield from ({"baudrate": baud, "parity": "N", "stopbits": "1"} for baud in speeds)
        yield from ({"unit": unit} for unit in range(1, 6))
        yield from ({"parity": parity} for parity in "NEO")
        yield from ({"baudrate": baud, "parity": "E"} for baud in speeds[:2])

    @property
    def requests(self):
        """The bytes of all requests that battd may send."""
        rsoc, status = (self.keys[f"modbus_adr_{name}"] - 30001 for name in ("rsoc", "status"))
        for offset, count in ((rsoc, 1), (status, 1), (min(rsoc, status), 2)):
            frame = bytes((self.keys["unit"], 4, offset >> 8, offset & 255, 0, count))
            crc = 0xFFFF
            for byte in frame:
                crc ^= byte
                for _ in range(8):
                    crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
            yield frame + crc.to_bytes(2, "little")

    @property
    def harmless_to_converter(self):
        """Without 0x05, with which they begin, the converter sees no request in these."""
        return all(5 not in frame for frame in self.requests)
