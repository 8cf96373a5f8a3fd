# SPDX-License-Identifier: Apache-2.0
"""The battery's line: what is asked, what is served, and that no old number is."""

import signal
import time

import pytest

from link import Line, RpcError, concurrent_requests, request_line, wait_until
from modbus import READ_INPUT_REGISTERS, Request, requests
from stack import BATTERY_DEV

MAX_AGE = 1  # s, in the test configuration
KWPARAMS = f"{BATTERY_DEV}.kwparams"


def wire(stack):
    return requests(stack.battery("wire")["wire"])


def wait_for_error(stack, timeout=5):
    """The error that is served once the last good reading is too old."""
    wait_until(lambda: stack.get("/battery/get").status != 200, timeout)
    reply = stack.get("/battery/get")
    assert reply.status == 400
    assert reply.error.startswith("modbus io exception")
    return reply.error


def test_adjacent_registers_are_one_request(unit):
    unit.battery("wire")
    wait_until(lambda: len(asked := wire(unit)) and asked == [Request(1, 4, 29, 2)] * len(asked))


@pytest.mark.parametrize("rsoc, status", [(30030, 30040), (30040, 30030), (30031, 30030)])
def test_other_registers(stack, rsoc, status):
    """The register's number less 30001 is the offset on the wire."""
    registers = {"modbus_adr_rsoc": str(rsoc), "modbus_adr_status": str(status)}
    changes = {f"{BATTERY_DEV}.{key}": text for key, text in registers.items()}
    stack.start("battery-sim", "battd", config=changes)
    wait_until(lambda: stack.rpc("battd", "status")["counters"]["polls"] >= 2)
    asked = wire(stack)
    assert {one.function for one in asked} == {READ_INPUT_REGISTERS}
    probe, *polls = [(one.offset, one.count) for one in asked]
    if abs(rsoc - status) == 1:
        assert probe == (rsoc - 30001, 1)
        assert set(polls) == {(min(rsoc, status) - 30001, 2)}
    else:  # the simulator refuses the probe and one of these
        assert probe == (rsoc - 30001, 2)
        assert set(polls) - {probe} <= {(rsoc - 30001, 1), (status - 30001, 1)}


def test_unit(stack):
    stack.start("battery-sim", "battd", config={f"{BATTERY_DEV}.unit": "17"})
    wait_until(lambda: wire(stack)[:1] == [Request(17, 4, 29, 1)])
    with pytest.raises(RpcError, match="modbus io exception"):
        stack.rpc("battd", "check_battery")  # the simulator is unit 1


def test_polls_in_the_configured_interval(unit):
    first = unit.rpc("battd", "status")["counters"]["polls"]
    time.sleep(2)  # it is the pace itself that is measured
    polls = unit.rpc("battd", "status")["counters"]["polls"] - first
    assert 6 <= polls <= 11  # every 0.2 s


@pytest.mark.parametrize(
    "raw, expected", [(0, 0.0), (1, 0.1), (501, 50.1), (999, 99.9), (1000, 100.0)]
)
def test_rsoc(unit, raw, expected):
    unit.battery(f"set rsoc_raw {raw}")
    wait_until(lambda: unit.ok("/battery/get")["rsoc"] == expected)
    body = unit.ok("/1/log/data")
    assert body["rsoc"] == body["battery_rsoc"] == expected


@pytest.mark.parametrize("raw", [1001, 65535])
def test_rsoc_out_of_range_is_an_error(unit, raw):
    unit.battery(f"set rsoc_raw {raw}")
    assert str(raw) in wait_for_error(unit)


FAULTS = {
    "silence": "no answer",
    "checksum": "checksum",
    "unit": "",
    "function": "",
    "short": "",
    "long": "",
    "cut 3": "",
    "exception 1": "function",
    "exception 2": "address",
    "exception 3": "value",
    "exception 4": "failure",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(unit, fault):
    """First the last good reading while it is young, then an error; at the end, good again."""
    unit.battery("set rsoc_raw 700")
    wait_until(lambda: unit.ok("/battery/get")["rsoc"] == 70)
    unit.battery(f"fault {fault}")
    unit.battery("set rsoc_raw 300")
    began = time.monotonic()
    while (reply := unit.get("/battery/get")).status == 200:
        assert reply.json["rsoc"] in (70, 30)
        assert time.monotonic() - began < MAX_AGE + 1
        time.sleep(0.02)
    assert FAULTS[fault] in wait_for_error(unit).lower()
    for path in ("/1/log/data", "/all/get", "/remote/ioctl/get"):
        assert unit.get(path).error.startswith("modbus io exception")
    assert unit.ok("/dcdc/get")
    unit.battery("clear")
    wait_until(lambda: unit.get("/battery/get").status == 200, 3)
    assert unit.ok("/battery/get")["rsoc"] == 30


@pytest.mark.parametrize(
    "fault", ["noise_before 5", "noise_after 5", "echo", "twice", "split 0.001"]
)
def test_a_disturbed_line_heals(unit, fault):
    unit.battery(f"fault {fault}")
    time.sleep(1)  # several polls
    unit.battery("set rsoc_raw 300")
    unit.battery("clear")
    wait_until(lambda: unit.get("/battery/get").status == 200, 3)
    wait_until(lambda: unit.ok("/battery/get")["rsoc"] == 30, 3)


def test_one_fault_is_not_noticed(unit):
    for fault in FAULTS:
        unit.battery(f"fault {fault} count 1")
        wait_until(lambda: unit.battery("state")["state"]["faults"] == [], 3)
        assert unit.ok("/battery/get")["battery_operation_status"] == 3
        wait_until(lambda: unit.rpc("battd", "check_battery")["age"] < 0.1, 2)


def test_age_is_never_above_the_maximum(unit):
    unit.battery("fault silence")
    ages = []
    while True:
        try:
            ages.append(unit.rpc("battd", "check_battery")["age"])
        except RpcError as error:
            assert error.message.startswith("modbus io exception")
            break
        time.sleep(0.01)
    assert MAX_AGE / 2 < max(ages) < MAX_AGE


def test_silence_does_not_slow_the_answers(stack):
    stack.start(config={f"{KWPARAMS}.timeout": "2"})
    stack.battery("fault silence")
    seconds = []
    for _ in range(100):
        reply = stack.get("/battery/get")
        seconds.append(reply.seconds)
        time.sleep(0.005)
    assert sorted(seconds)[95] < 0.1, seconds[-10:]


def test_a_request_before_the_first_reading_waits_for_it(stack):
    stack.start("battery-sim", config={f"{KWPARAMS}.timeout": "2"})
    stack.battery("set turnaround 0.5")
    stack.start("gatewayd")
    stack.launch("battd")
    reply = stack.get("/battery/get")
    assert reply.status == 200 and reply.json["battery_operation_status"] == 3
    assert 0.4 < reply.seconds < 3
    stack.wait_ready("battd")


def test_unplugged_and_back(unit):
    unit.battery("hangup")
    error = wait_for_error(unit)
    assert "/battery" in error
    unit.battery("back")
    wait_until(lambda: unit.get("/battery/get").status == 200, 5)
    log = unit.programs["battd"].log.splitlines()
    assert 2 <= len(log) <= 4, log


def test_started_before_the_port_is_there(stack):
    stack.start("battd", "gatewayd")
    reply = stack.get("/battery/get")
    assert reply.status == 400
    assert "No such file or directory" in reply.error
    stack.start("battery-sim")
    wait_until(lambda: stack.get("/battery/get").status == 200, 5)


def test_the_log_tells_changes_only(unit):
    unit.battery("fault silence")
    unit.programs["battd"].wait_for("trace: .*lost")  # 2 s after the loss, the last line of it
    wait_for_error(unit)
    lines = len(unit.programs["battd"].log.splitlines())
    polls = unit.rpc("battd", "status")["counters"]["polls"]
    wait_until(lambda: unit.rpc("battd", "status")["counters"]["polls"] >= polls + 5)
    assert len(unit.programs["battd"].log.splitlines()) == lines


def test_waiting_requests_are_answered_when_battd_stops(stack):
    stack.start("battery-sim", config={f"{KWPARAMS}.timeout": "3"})
    stack.battery("fault silence")
    stack.start("battd", "gatewayd")
    with concurrent_requests(stack.address, ["/battery/get"] * 3) as replies:
        wait_until(lambda: stack.rpc("battd", "status")["rpc"]["pending"] >= 3)
        stack.end("battd")
    for reply in replies():
        assert reply.status in (400, 503) and reply.seconds < 4.5


# (timeout, turnaround, how late), s. RSOC's register is even: taken for the status, it permits.
LATE = [(0.1, 0.02, late) for late in (0.12, 0.16, 0.2, 0.222, 0.23, 0.26, 0.3)]
LATE += [(0.3, 0.15, late) for late in (0.2, 0.3, 0.4, 0.5, 0.51, 0.52, 0.6)]
DENIED = {"rsoc": 70, "battery_operation_status": 0}


def denied_battery(stack, status, timeout, turnaround):
    """A battery that denies, with its status beside RSOC's register (30030) or elsewhere."""
    stack.launch("battery-sim", "--adr-status", status)
    stack.wait_ready("battery-sim")
    stack.battery(f"set turnaround {turnaround}")
    stack.battery("set rsoc_raw 700")
    stack.battery("set sharing denied")
    changes = {"modbus_adr_status": str(status), "poll_interval": "0.1", "max_age": "5"}
    changes["kwparams.timeout"] = str(timeout)
    stack.start("battd", config={f"{BATTERY_DEV}.{key}": text for key, text in changes.items()})
    wait_until(lambda: stack.rpc("battd", "status")["reading"])


def served(stack):
    reading = stack.rpc("battd", "check_battery")
    del reading["age"]
    return reading


@pytest.mark.parametrize("status", [30031, 30040])
@pytest.mark.parametrize("timeout, turnaround", [(0.1, 0.02), (0.3, 0.15)])
def test_a_late_answer_is_nobody_else_s(stack, status, timeout, turnaround):
    denied_battery(stack, status, timeout, turnaround)
    for late in [row[2] for row in LATE if row[0] == timeout]:
        for previous in {29, 29 if status == 30031 else 39}:  # each of a poll's requests is hit
            before = stack.rpc("battd", "status")["counters"]
            stack.battery("wire")
            wait_until(lambda: previous in [request.offset for request in wire(stack)])
            stack.battery(f"fault late {late} count 1")
            deadline = time.monotonic() + 10
            while (now := stack.rpc("battd", "status")["counters"])["ok"] < before["ok"] + 3:
                assert served(stack) == DENIED, f"{late} s late"
                assert time.monotonic() < deadline
                time.sleep(0.005)
            assert now["timeouts"] > before["timeouts"] or late < timeout


@pytest.mark.parametrize("status", [30031, 30040])
def test_an_answer_to_a_battd_that_was_killed(stack, status):
    """Its successor does not take it for its own."""
    denied_battery(stack, status, 1, 0.3)
    assert served(stack) == DENIED
    for requests_before in range(1, 5):
        for _ in range(requests_before):
            wait_until(lambda: wire(stack))
        stack.kill("battd")
        stack.start("battd")
        for _ in range(5):
            assert served(stack) == DENIED
            time.sleep(0.1)


def test_an_answer_that_lay_there_while_battd_was_stopped(stack):
    """As old as its request: neither served nor an error, the next poll is waited for."""
    stack.start("battery-sim", "battd", config={f"{KWPARAMS}.timeout": "2"})
    stack.rpc("battd", "check_battery")
    stack.battery("wire")
    stack.battery("fault late 0.5 count 1")
    wait_until(lambda: not stack.battery("state")["state"]["faults"], what="a request")
    stack.programs["battd"].signal(signal.SIGSTOP)
    with Line(stack.socket("battd")) as line:
        line.send(request_line("check_battery"))
        wait_until(lambda: [f for f in stack.battery("wire")["wire"] if f["dir"] == "tx"])
        stack.battery("set sharing denied")
        time.sleep(MAX_AGE)  # the answer that lies there becomes too old
        stack.programs["battd"].signal(signal.SIGCONT)
        served = line.receive_json()["result"]
    assert served["battery_operation_status"] == 0 and served["age"] < MAX_AGE
    assert stack.rpc("battd", "status")["counters"]["timeouts"] == 0
