# SPDX-License-Identifier: Apache-2.0
"""The direction of the RS485 lines: the real daemons on a fake libgpiod whose pins simulators obey.

A simulated transceiver hears only what is sent while its pin is high, and loses what it says then.
"""

import signal
import socket
import time

import pytest

from link import control, wait_until
from stack import BATTERY_DEV, DCDC

DCDC_DEV = "ess_system.dcdc_dev"
DCDC_PIN = f"{DCDC_DEV}.kwparams.dir_pin"
BATTERY_PIN = f"{BATTERY_DEV}.kwparams.dir_pin"
# Nothing is asked a second time because a simulator was slow to answer.
CONFIG = {
    DCDC_PIN: "P8_7",
    BATTERY_PIN: "P8_9",
    f"{DCDC}.reply_timeout": "2",
    f"{BATTERY_DEV}.kwparams.timeout": "2",
    f"{BATTERY_DEV}.max_age": "5",
}
SLOW = {**CONFIG, f"{DCDC_DEV}.params": '["{dir}/dcdc", 1200]'}  # a byte takes 8 ms
ROWS = "P8_8\nP8_9 {battery-sim}\nP8_7 {eza2500-sim}\n"


def pin(stack, simulator):
    """What a pin has done since the last call: events, and what it did not let through."""
    return control(stack.control_socket(simulator), "pin")["pin"]


def wire(stack, simulator):
    return control(stack.control_socket(simulator), "wire")["wire"]


def whats(events):
    return [event["what"] for event in events]


def check_order(stack, simulator, baud, known=()):
    """Each request while its pin is high, to the last stop bit; each answer while it is low."""
    records = pin(stack, simulator)
    events = [*known, *records["events"]]
    frames = wire(stack, simulator)
    requests = [one for one in frames if one["dir"] == "rx"]
    answers = [one for one in frames if one["dir"] == "tx"]
    rises = [event["t"] for event in events if event["what"] == "high"]
    falls = [event["t"] for event in events if event["what"] == "low"]
    assert (records["cut"], records["unheard"], records["lost"]) == (0, 0, 0)
    assert len(rises) == len(requests) == len(answers) > 0
    assert whats(events) == ["take"] * (whats(events)[0] == "take") + ["high", "low"] * len(rises)
    for rise, fall, request, answer in zip(rises, falls, requests, answers):
        assert rise < request["t"]
        assert rise + len(bytes.fromhex(request["hex"])) * 10 / baud <= fall < answer["t"]


@pytest.fixture
def unit(stack):
    """Both lines with pins; answers come so late that a busy machine is no reason to lose them."""
    stack.fake_gpio(ROWS)
    stack.start("battery-sim", "eza2500-sim")
    stack.eza("set turnaround 0.03")
    stack.battery("set turnaround 0.03")
    stack.start("dcdcd", "battd", "gatewayd", config=CONFIG)
    stack.settle()
    return stack


@pytest.fixture
def slow(stack):
    """A converter's line with a pin, slow enough to be met while a request is on it."""
    stack.fake_gpio(ROWS)
    stack.start("eza2500-sim", baud=1200)
    stack.start("dcdcd", config=SLOW)
    stack.rpc("dcdcd", "remote_get_status")
    return stack


def wait_high(stack):
    """Until the converter's pin is high; the events until then."""
    events = []

    def high():
        events.extend(pin(stack, "eza2500-sim")["events"])
        return whats(events)[-1:] == ["high"]

    wait_until(high, 5, "the pin to be high")
    return events


def ask(stack):
    """Begins a reading that nobody waits for."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(stack.socket("dcdcd")))
    client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"remote_get"}\n')
    return client


def test_a_client_s_day(unit):
    """All kinds of requests with pins on both lines: as without, and nothing is lost or repeated."""
    for path in (
        "/version/get",
        "/all/get",
        "/dcdc/set?mode=0x0014&dvg=350.0&dig=2.3&drg=0.1",
        "/dcdc/get/status",
        "/dcdc/set?dvg=351",
        "/dcdc/set?dig=1.5",
        "/remote/get",
        "/1/log/data",
        "/battery/get",
        "/remote/ioctl/set",
        "/remote/ioctl/clr_alarm",
        "/dcdc/set?mode=0x0000",
    ):
        unit.ok(path)
    assert unit.ok("/dcdc/get/status")["status"]["operationMode"] == "Waiting"
    counters = unit.rpc("dcdcd", "status")["counters"]
    assert counters["requests"] == counters["answers"]
    assert counters["retries"] == 0
    for simulator in ("eza2500-sim", "battery-sim"):
        records = pin(unit, simulator)
        assert (records["cut"], records["unheard"], records["lost"]) == (0, 0, 0)
    assert unit.rpc("dcdcd", "status")["direction"] == "pin P8_7"
    assert unit.rpc("battd", "status")["port"]["direction"] == "pin P8_9"


def test_the_converter_s_pin(unit):
    first = pin(unit, "eza2500-sim")["events"]
    assert whats(first)[0] == "take"  # low before anything is sent
    unit.wire()
    for _ in range(3):
        unit.ok("/dcdc/get")
    check_order(unit, "eza2500-sim", 19200)


def test_the_battery_s_pin(stack):
    stack.fake_gpio(ROWS)
    stack.start("battery-sim")
    stack.battery("set turnaround 0.03")
    stack.start("battd", config={**CONFIG, f"{BATTERY_DEV}.poll_interval": "0.5"})
    wait_until(lambda: stack.rpc("battd", "status")["counters"]["ok"] >= 3)
    stack.end("battd")  # so that no poll is under way
    events = pin(stack, "battery-sim")["events"]
    assert whats(events)[:2] == ["take", "high"]
    assert whats(events)[-2:] == ["low", "free"]
    check_order(stack, "battery-sim", 9600, known=events[:-2])


def test_a_slow_pin_is_waited_for(stack):
    """Bytes that were written before the pin is high would be there before it."""
    stack.fake_gpio(ROWS.replace("{eza2500-sim}", "{eza2500-sim} slow=0.02"))
    stack.start("eza2500-sim")
    stack.eza("set turnaround 0.1")
    stack.start("dcdcd", config=CONFIG)
    stack.rpc("dcdcd", "remote_get")
    records = pin(stack, "eza2500-sim")
    assert (records["cut"], records["unheard"], records["lost"]) == (0, 0, 0)


def test_a_wrong_pin_is_noticed(stack):
    """The simulator does obey: the pin of another line switches nothing."""
    stack.fake_gpio(ROWS)
    stack.start("eza2500-sim", "dcdcd", config={**CONFIG, f"{DCDC}.reply_timeout": "0.05", DCDC_PIN: "P8_8"})
    wait_until(lambda: stack.rpc("dcdcd", "status")["counters"]["timeouts"] > 0)
    assert pin(stack, "eza2500-sim")["unheard"] >= 7
    assert stack.rpc("dcdcd", "status")["counters"]["answers"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_low_at_the_end(slow, number):
    with ask(slow):
        wait_high(slow)
        slow.programs["dcdcd"].signal(number)
        slow.end("dcdcd", number)  # the second one: at once
    assert whats(pin(slow, "eza2500-sim")["events"])[-2:] == ["low", "free"]


def test_low_after_a_kill_and_a_restart(slow):
    """A killed daemon cannot let go; the next one takes the pin low before it sends anything."""
    with ask(slow):
        wait_high(slow)
        slow.kill("dcdcd")
    assert pin(slow, "eza2500-sim")["events"] == []
    slow.start("dcdcd")
    slow.rpc("dcdcd", "remote_get_status")
    assert whats(pin(slow, "eza2500-sim")["events"])[:2] == ["take", "high"]


def test_a_hang_up_while_sending(slow):
    with ask(slow):
        wait_high(slow)
        slow.eza("hangup")
        slow.programs["dcdcd"].wait_for("hung up")
    assert whats(pin(slow, "eza2500-sim")["events"])[:2] == ["low", "free"]
    slow.eza("back")
    wait_until(lambda: slow.rpc("dcdcd", "status")["state"] == "ok")
    slow.rpc("dcdcd", "remote_get_status")


def test_a_pin_that_fails_closes_the_port(unit):
    """As when a GPIO expander is unplugged: said once, and all is well when it is back."""
    unit.gpio_file.rename(unit.gpio_file.with_suffix(".away"))
    assert unit.get("/dcdc/get").status == 400
    unit.programs["dcdcd"].wait_for("direction: No such device")
    unit.programs["battd"].wait_for("No such device")
    wait_until(lambda: "no GPIO chip" in unit.rpc("dcdcd", "status").get("port_error", ""))
    unit.gpio_file.with_suffix(".away").rename(unit.gpio_file)
    wait_until(lambda: unit.get("/all/get").status == 200)
    assert unit.programs["dcdcd"].count("no GPIO chip") == 1
    assert unit.programs["battd"].count("no GPIO chip") <= 1


@pytest.mark.parametrize("with_pin", [True, False])
def test_an_adapter_that_echoes(stack, with_pin):
    """Its receiver is always on, so our own bytes come back while the pin is high."""
    if with_pin:
        stack.fake_gpio(ROWS)
    stack.start("battery-sim", "eza2500-sim")
    stack.eza("set turnaround 0.03")
    stack.battery("set turnaround 0.03")
    stack.eza("fault echo")
    stack.battery("fault echo")
    config = CONFIG if with_pin else {**CONFIG, DCDC_PIN: "not_used", BATTERY_PIN: "not_used"}
    stack.start("dcdcd", "battd", "gatewayd", config=config)
    for _ in range(3):
        stack.ok("/all/get")
    counters = stack.rpc("dcdcd", "status")["counters"]
    assert counters["echoes"] == counters["requests"] == counters["answers"]
    polls = stack.rpc("battd", "status")["counters"]["polls"]
    counters = wait_until(
        lambda: (c := stack.rpc("battd", "status")["counters"])["polls"] >= polls + 3 and c
    )
    assert counters["ok"] == counters["polls"]  # the first one as well
    assert counters["stray_bytes"] == 0
    assert stack.programs["battd"].count("echoes what is sent") == 1
    stack.battery("clear")  # another adapter
    assert wait_until(lambda: stack.rpc("battd", "status")["counters"]["ok"] >= counters["ok"] + 3)


# What a configuration may call a line, what the kernel calls it, and the chip's label.
@pytest.mark.parametrize(
    "name, row, label",
    [
        ("P8_7", "P8_7", ""),
        ("P8_7", "P8_07", ""),
        ("P8_07", "P8_7", ""),
        ("GPIO17", "GPIO17", ""),
        ("gpiochip0:2", "-", ""),
        ("/dev/gpiochip0:2", "-", ""),
        ("GPIO2", "SDA1", "pinctrl-bcm2835"),
    ],
)
def test_names(stack, name, row, label):
    rows = f"P8_8\nP8_9\n{row} {{eza2500-sim}}\n" + (f"!label {label}\n" if label else "")
    stack.fake_gpio(rows)
    stack.start("eza2500-sim")
    stack.start("dcdcd", config={**CONFIG, DCDC_PIN: f'"{name}"'})
    stack.programs["dcdcd"].wait_for(f"is open, direction by pin {name}, line 2 of /dev/gpiochip0$")
    stack.rpc("dcdcd", "remote_get_status")


CAPE = "enable_uboot_cape_universal"
ERRORS = {
    "no chip": ("P8_7", None, "this machine has no GPIO chip .*not_used"),
    "not permitted": ("P8_7", "!denied\n", "/dev/gpiochip0: permission denied"),
    "unknown": ("GPIO99", "GPIO17\n", "no GPIO line has this name: gpioinfo shows them"),
    "not a GPIO": ("P9_1", "P8_7\n", "this pin of the header cannot be GPIO"),
    "another bank": ("P8_7", "P8_70\n", "no GPIO line has this name"),
    "offset": ("gpiochip0:3", "P8_7\n", "the chip has 1 lines, counted from 0"),
    "chip": ("gpiochip3:0", "P8_7\n", "No such file or directory"),
    "busy": ("P8_7", "P8_7 consumer=P8_07\n", f"line 0 of /dev/gpiochip0 is in use by P8_07.*{CAPE}"),
    "busy elsewhere": ("GPIO17", "GPIO17 consumer=fan\n", "in use by fan$"),
}


@pytest.mark.parametrize("error", ERRORS)
def test_errors(stack, error):
    """The port is closed with the reason, which names a way out; mended, it opens by itself."""
    name, rows, text = ERRORS[error]
    stack.fake_gpio(rows or "")
    if rows is None:
        stack.gpio_file.unlink()
    stack.start("battery-sim", "eza2500-sim")
    stack.start("dcdcd", config={**CONFIG, DCDC_PIN: f'"{name}"', BATTERY_PIN: "not_used"})
    stack.start("battd", config={**CONFIG, DCDC_PIN: "not_used", BATTERY_PIN: f'"{name}"'})
    pattern = f"direction pin {name}: .*{text}"
    for daemon in ("dcdcd", "battd"):
        stack.programs[daemon].wait_for(pattern)
    status = stack.rpc("dcdcd", "status")
    assert status["state"] == "port_closed"
    assert f"direction pin {name}" in status["port_error"]
    wait_until(lambda: stack.rpc("battd", "status")["last_error"])
    assert f"direction pin {name}" in stack.rpc("battd", "status")["last_error"]
    time.sleep(1)  # several tries
    assert stack.programs["dcdcd"].count(pattern) == 1
    assert stack.programs["battd"].count(pattern) == 1
    stack.end("battd")
    stack.gpio_file.write_text(f"-\n-\n-\n{name}\n")
    if error != "chip":
        wait_until(lambda: stack.rpc("dcdcd", "status")["state"] != "port_closed")


def test_one_pin_for_two_lines(stack):
    """Both keys left out mean P8_9 twice; who comes second says who has it."""
    stack.fake_gpio(ROWS)
    stack.start("battery-sim", "eza2500-sim", "battd", config={**CONFIG, DCDC_PIN: None})
    wait_until(lambda: stack.rpc("battd", "status")["port"]["open"])
    stack.start("dcdcd")
    stack.programs["dcdcd"].wait_for("direction pin P8_9: line 1 of /dev/gpiochip0 is in use by battd")
    stack.rpc("battd", "check_battery")


def test_the_kernel_s_mode_is_refused_by_a_pseudo_terminal(stack):
    stack.start("battery-sim", "eza2500-sim")
    kernel = {DCDC_PIN: None, BATTERY_PIN: None}
    kernel[f"{DCDC_DEV}.kwparams.direction"] = "kernel"
    kernel[f"{BATTERY_DEV}.kwparams.direction"] = "kernel"
    stack.start("dcdcd", "battd", config={**CONFIG, **kernel})
    for daemon in ("dcdcd", "battd"):
        stack.programs[daemon].wait_for("the port's driver cannot switch: use dir_pin, or direction: none")
    assert stack.rpc("dcdcd", "status")["direction"] == "kernel"
