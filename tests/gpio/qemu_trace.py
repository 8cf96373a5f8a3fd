# SPDX-License-Identifier: Apache-2.0
"""QEMU's trace of an emulated Raspberry Pi 3 as what happens to its pins and serial lines. Pure.

The registers are those of the BCM2835 peripherals manual. Each access is a line of QEMU's trace, in
the order in which the processor made them.
"""

import dataclasses
import re

GPIO, PL011, AUX = 0x3F200000, 0x3F201000, 0x3F215000
FSEL, SET, CLEAR, LEVEL = GPIO, GPIO + 0x1C, GPIO + 0x28, GPIO + 0x34
PL011_DATA, PL011_CONTROL, PL011_RTS = PL011, PL011 + 0x30, 0x800
MINI_DATA, MINI_LCR, MINI_MCR, MINI_LSR = AUX + 0x40, AUX + 0x4C, AUX + 0x50, AUX + 0x54
MINI_DLAB, MINI_RTS, MINI_READY = 0x80, 0x02, 0x01
OUTPUT = 1
REGIONS = ("bcm2835_gpio", "pl011", "bcm2835-aux")  # names in the trace; all else is noise

ACCESS = re.compile(
    r"\d+@(\d+\.\d+):memory_region_ops_(read|write) cpu (-?\d+) mr \S+ addr (0x\w+) value (0x\w+)"
)
ARRIVAL = re.compile(r"\d+@(\d+\.\d+):pl011_put_fifo new char (0x\w+)")


@dataclasses.dataclass
class Event:
    """what: "sent" or "received" (value: the byte), "pin" (value: "input", "low" or "high"), "rts"
    (value: whether the UART's RTS output is high, which is when its bit is clear).
    subject: a UART ("pl011", "mini") or the pin's number."""

    time: float  # s, the host's
    what: str
    subject: object
    value: object


class Decoder:
    """Turns lines of the trace into events; knows the registers' values as they were written."""

    def __init__(self):
        self.functions = [0] * 6
        self.outputs = 0
        self.rts = {"pl011": False, "mini": False}
        self.divisor_latch = False
        self.mini_ready = False
        self.pins = {}

    def decode(self, line):
        """The events of a line, often none."""
        arrival = ARRIVAL.match(line)
        if arrival:
            return [Event(float(arrival[1]), "received", "pl011", int(arrival[2], 16))]
        access = ACCESS.match(line)
        if not access or access[3] == "-1":  # the monitor's own look
            return []
        time, address, value = float(access[1]), int(access[4], 16), int(access[5], 16)
        events = self._read(address, value) if access[2] == "read" else self._write(address, value)
        return [Event(time, *event) for event in events]

    def _read(self, address, value):
        """A byte of the mini UART is told when it is read, one of the PL011 when it arrives."""
        if address == MINI_LSR:
            self.mini_ready = bool(value & MINI_READY)
        if address != MINI_DATA or self.divisor_latch or not self.mini_ready:
            return []
        self.mini_ready = False
        return [("received", "mini", value)]

    def _write(self, address, value):
        if FSEL <= address < FSEL + 24:
            self.functions[(address - FSEL) // 4] = value
            return self._changed_pins()
        if address in (SET, CLEAR):
            self.outputs = self.outputs | value if address == SET else self.outputs & ~value
            return self._changed_pins()
        if address == PL011_DATA:
            return [("sent", "pl011", value)]
        if address == PL011_CONTROL:
            return self._rts("pl011", not value & PL011_RTS)
        if address == MINI_LCR:
            self.divisor_latch = bool(value & MINI_DLAB)
        if address == MINI_MCR:
            return self._rts("mini", not value & MINI_RTS)
        # QEMU's mini UART sends what is meant for the divisor; the real one does not.
        if address == MINI_DATA and not self.divisor_latch:
            return [("sent", "mini", value)]
        return []

    def _rts(self, uart, high):
        was, self.rts[uart] = self.rts[uart], high
        return [("rts", uart, high)] if was != high else []

    def _state(self, pin):
        if self.functions[pin // 10] >> pin % 10 * 3 & 7 != OUTPUT:
            return "input"
        return "high" if self.outputs >> pin & 1 else "low"

    def _changed_pins(self):
        states = {pin: self._state(pin) for pin in range(32)}
        changed = [
            ("pin", pin, state)
            for pin, state in states.items()
            if state != self.pins.get(pin, "input")
        ]
        self.pins = states
        return changed
