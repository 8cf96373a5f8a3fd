# SPDX-License-Identifier: Apache-2.0
"""The direction of both lines on a board with real kernel GPIO: pin and bytes in one trace.

Emulated time is the host's, and a loaded host is late: what is asserted is order, and that nothing
ends before its time. How late things were is printed, and says little of a real board.
"""

import dataclasses
import time

import pytest

from board import SPARE
from direction import examine, figures, is_high, is_switch
from link import control

DCDC = "ess_system.dcdc_dev"
BATTERY = "ess_system.battery_dev"
DIRECTION = ".kwparams.direction"
PIN = ".kwparams.dir_pin"

NO_PINS = {line + PIN: None for line in (DCDC, BATTERY)}

# Slow enough to catch a frame by hand. At 1200 baud QEMU's mini UART, which takes the divisor's
# high byte for its interrupt enable register, has an interrupt that nobody clears.
SLOW = 2400


@dataclasses.dataclass
class Line:
    daemon: str
    simulator: str
    uart: str
    pin: int
    baud: int

    def __str__(self):
        return self.daemon

    @property
    def byte_s(self):
        return 10 / self.baud


CONVERTER_LINE = Line("dcdcd", "eza2500-sim", "pl011", 17, 19200)
BATTERY_LINE = Line("battd", "battery-sim", "mini", 22, 9600)
LINES = (CONVERTER_LINE, BATTERY_LINE)


def wire(board, line):
    """What the simulator recorded since the last call: (direction, hex, begin, end), host time."""
    offset = time.time() - time.monotonic()
    records = control(board.stack.control_socket(line.simulator), "wire")["wire"]
    return [(r["dir"], r["hex"], r["t"] + offset, r["end"] + offset) for r in records]


def start_all(board, changes):
    board.configure(changes)
    for line in LINES:
        wire(board, line)
    board.start("dcdcd", "battd", "gatewayd")
    board.wait_log("gatewayd", "listening on")
    board.wait_log("battd", "answers on")
    assert board.ok("/battery/get")["rsoc"] == 50


def pin_states(events, line):
    return [event.value for event in events if is_switch(event, line.pin)]


def overlaps(sendings, begin, end):
    return [s for s in sendings if s.begin < end and (s.end is None or s.end > begin)]


def check_line(board, line, switch, byte_s):
    """The direction was right since the test began, as the trace and the simulator saw it."""
    sendings, violations = examine(board.since(), line.uart, switch, byte_s)
    assert not violations, "\n".join(violations)
    assert sendings and not is_high(sendings)
    records = [r for r in wire(board, line) if r[2] >= sendings[0].begin]
    heard = "".join(text for way, text, _, _ in records if way == "rx")
    assert heard == b"".join(sending.frame for sending in sendings).hex()
    for way, text, begin, end in records:
        if way == "tx":
            assert not overlaps(sendings, begin, end), f"the answer {text} came in while high"
    return sendings


def test_requests_and_the_end(board, figures_of):
    """High over each frame and only then; low before the first and after the daemons' end."""
    assert not board.levels() & (1 << CONVERTER_LINE.pin | 1 << BATTERY_LINE.pin)
    start_all(board, {DCDC + PIN: '"GPIO17"', BATTERY + PIN: '"/dev/gpiochip0:22"'})
    held = board.check("gpioinfo gpiochip0 | grep -c used]").strip()
    assert held == "2", board.check("gpioinfo gpiochip0")
    for mode in ("0x0002&dvg=350&drg=0.1&dig=2", "0x0000"):
        board.ok(f"/dcdc/set?mode={mode}")
        for _ in range(6):
            board.ok("/dcdc/get/status")
    for daemon in ("gatewayd", "dcdcd", "battd"):
        assert board.end(daemon) == 0, board.log(daemon)
    for line in LINES:
        states = pin_states(board.since(), line)
        assert states[:2] == ["low", "high"] and states[-1] != "high", states
        sendings = check_line(board, line, line.pin, line.byte_s)
        figures_of(f"{line.daemon}, pin {line.pin}, {line.baud} baud", sendings, line.byte_s)
    assert "[used]" not in board.check("gpioinfo gpiochip0")


def kill_while_high(board, line, attempts=20):
    """Starts the line's daemon and kills it in the middle of a frame."""

    def is_high(event):
        return is_switch(event, line.pin) and event.value == "high"

    for _ in range(attempts):
        board.start(line.daemon)
        pid = board.pids.pop(line.daemon)
        assert board.run_when(is_high, f"kill -KILL {pid}; wait {pid}") == 128 + 9
        states = pin_states(board.since(), line)
        assert states[-1] == "input", states
        if states[-2] == "high":
            return
    pytest.fail(f"{line.daemon} was never caught with its pin high")


# The kernel calls the board's GPIO4 GPIO_GCLK.
@pytest.mark.parametrize("line", (CONVERTER_LINE, dataclasses.replace(BATTERY_LINE, pin=4)), ids=str)
def test_killed_while_sending(board, line):
    """The kernel takes the pin back; started again, the daemon has it low before all else."""
    board.configure(
        {
            DCDC + PIN: '"GPIO17"',
            DCDC + ".params": f'["/dev/ttyAMA0", {SLOW}]',
            DCDC + ".address1": "5",  # nobody answers: it asks again and again
            BATTERY + PIN: '"GPIO4"',
            BATTERY + ".kwparams.baudrate": str(SLOW),
        }
    )
    kill_while_high(board, line)
    board.begin()
    board.start(line.daemon)
    board.wait_event(lambda event: event.what == "sent" and event.subject == line.uart)
    assert board.end(line.daemon) == 0
    states = pin_states(board.since(), line)
    assert states[:2] == ["low", "high"] and states[-1] != "high", states
    sendings, violations = examine(board.since(), line.uart, line.pin, 10 / SLOW)
    assert sendings and not violations, violations


def test_busy_and_impossible_pins(board, figures):
    """An error that names what to do, and the port comes as soon as the pin is free."""
    holder = board.check("gpioset --mode=signal gpiochip0 17=0 >/dev/null 2>&1 & echo $!")
    board.wait("gpioinfo gpiochip0 | grep GPIO17 | grep -q used")
    board.configure({DCDC + PIN: '"GPIO17"', BATTERY + PIN: '"GPIO99"'})
    board.start("dcdcd", "battd", "gatewayd")
    figures(board.wait_log("dcdcd", "gpioset"))
    figures(board.wait_log("battd", "GPIO99"))
    assert "gpioset" in board.error("/dcdc/get/status")
    assert not any(event.what == "sent" for event in board.since())
    board.check(f"kill {holder.strip()}")
    figures(board.wait_log("dcdcd", "is back"))
    board.ok("/dcdc/get/status")


def test_two_daemons_on_one_pin(board, figures):
    board.configure({DCDC + PIN: '"GPIO17"', BATTERY + PIN: '"gpiochip0:17"'})
    board.start("dcdcd")
    board.wait_log("dcdcd", "is open")
    board.start("battd")
    figures(board.wait_log("battd", "dcdcd"))


def test_switched_by_the_kernel(board, figures_of):
    """direction: kernel on both UARTs' drivers: RTS in the pin's place."""
    start_all(board, {line + DIRECTION: "kernel" for line in (DCDC, BATTERY)} | NO_PINS)
    for _ in range(5):
        board.ok("/dcdc/get/status")
    for daemon in ("gatewayd", "dcdcd", "battd"):
        assert board.end(daemon) == 0, board.log(daemon)
    for line in LINES:
        sendings = check_line(board, line, ("rts", line.uart), 0)
        figures_of(f"{line.daemon}, RTS of {line.uart}", sendings, 0)


def test_a_driver_that_cannot_switch(board, figures):
    changes = {BATTERY + ".kwparams.port": f'"{SPARE}"', BATTERY + DIRECTION: "kernel"}
    board.configure(changes | NO_PINS)
    board.start("battd")
    figures(board.wait_log("battd", "direction: kernel"))
