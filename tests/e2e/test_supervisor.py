# SPDX-License-Identifier: Apache-2.0
"""supervisor_timeout and on_exit: what becomes of a running converter when nobody is there."""

import json
import time

import pytest

from link import Line, concurrent_requests, request_line, wait_until
from stack import DCDC

CHARGE, VOLTAGE = "mode=0x0041&dvg=350&drg=0&dig=2", "mode=0x0014&dvg=350&drg=0&dig=2"
TIMEOUT, DELAY = 1, 2  # s
ON = {f"{DCDC}.supervisor_timeout": str(TIMEOUT), f"{DCDC}.voltage_reference_delay": str(DELAY)}


def mode(stack):
    return stack.eza("state")["state"]["mode"]


def seen_age(stack):
    return stack.rpc("dcdcd", "status")["guards"]["supervisor"]["last_seen_age"]


def seconds_until_stopped(stack):
    began = time.monotonic()
    wait_until(lambda: mode(stack) == "0x0000", what="the stop")
    return time.monotonic() - began


@pytest.mark.parametrize("query, least", [(CHARGE, TIMEOUT), (VOLTAGE, TIMEOUT + DELAY)])
def test_silence(stack, query, least):
    """The unit that holds the grid's voltage is given longer: every neighbour hangs on it."""
    stack.start(config=ON)
    stack.ok(f"/dcdc/set?{query}")
    assert least - 0.5 < seconds_until_stopped(stack) < least + 2.5


def test_set_without_mode_after_the_stop(stack):
    """The supervisor is back; it must say that the converter is to run again."""
    stack.start(config=ON)
    stack.ok(f"/dcdc/set?{CHARGE}")
    seconds_until_stopped(stack)
    refused = stack.get("/remote/set?dig=3&dvg=350")
    assert refused.status == 400 and refused.error.startswith("No operationMode")
    assert mode(stack) == "0x0000"


def test_reference_delay_after_a_short_loss(stack):
    """The mode is not known for a moment; the neighbours hang on the voltage no less."""
    stack.start(config={**ON, f"{DCDC}.voltage_reference_delay": "6"})
    stack.ok(f"/dcdc/set?{VOLTAGE}")
    began = time.monotonic()
    wait_until(lambda: seen_age(stack) > TIMEOUT + 0.1)
    stack.eza("hangup")
    wait_until(lambda: "mode" not in stack.rpc("dcdcd", "status"))
    wait_until(lambda: seen_age(stack) > TIMEOUT + 1.5)  # a guard has looked at it
    assert stack.rpc("dcdcd", "status")["guards"]["stops"] == 0
    stack.eza("back")
    wait_until(lambda: mode(stack) == "0x0000")
    assert time.monotonic() - began > TIMEOUT + 6 - 0.5


def test_without_gatewayd(stack):
    stack.start(config=ON)
    stack.ok(f"/dcdc/set?{CHARGE}")
    stack.kill("gatewayd")
    assert seconds_until_stopped(stack) < TIMEOUT + 2.5


def test_polls_keep_it_running(stack):
    stack.start(config=ON)
    stack.ok(f"/dcdc/set?{CHARGE}")
    deadline = time.monotonic() + 4 * TIMEOUT
    while time.monotonic() < deadline:
        stack.ok("/all/get")
        time.sleep(TIMEOUT / 5)  # the supervisor's pace
    assert mode(stack) == "0x0041"
    assert seconds_until_stopped(stack) > TIMEOUT / 2


def test_looking_at_the_sockets_does_not_count(stack):
    stack.start(config=ON)
    stack.ok(f"/dcdc/set?{CHARGE}")
    deadline = time.monotonic() + TIMEOUT + 2.5
    while mode(stack) != "0x0000":
        assert time.monotonic() < deadline
        stack.rpc("dcdcd", "remote_get_status")
        stack.rpc("dcdcd", "status")
        stack.rpc("gatewayd", "status")
        time.sleep(0.05)


def test_a_set_that_ends_while_its_mode_is_on_the_wire(stack):
    """Its client is told that it failed; the converter runs, and the guard knows it."""
    stack.start(config={**ON, f"{DCDC}.reply_timeout": "2"})
    stack.eza("fault late 1 for 1-4 count 1")
    values = {"mode": "0x0041", "dvg": 350, "drg": 0, "dig": 2}
    request = json.loads(request_line("remote_set", values)) | {"timeout": 500}  # ms
    with Line(stack.socket("dcdcd")) as line:
        line.send(json.dumps(request) + "\n")
        assert line.receive_json()["error"]["message"] == "not done in time"
    assert mode(stack) == "0x0041"
    assert seconds_until_stopped(stack) < TIMEOUT + 2.5


def test_off_by_default(unit):
    unit.ok(f"/dcdc/set?{CHARGE}")
    assert unit.rpc("dcdcd", "status")["guards"]["supervisor"]["enabled"] is False


@pytest.mark.parametrize(
    "setting, expected", [(None, "0x0041"), ("keep", "0x0041"), ("wait", "0x0000")]
)
def test_on_exit(stack, setting, expected):
    stack.start(config={f"{DCDC}.on_exit": setting} if setting else {})
    stack.ok(f"/dcdc/set?{CHARGE}")
    stack.end("dcdcd")
    assert mode(stack) == expected


WAIT = {f"{DCDC}.on_exit": "wait", f"{DCDC}.reply_timeout": "1"}


def test_on_exit_wait_with_a_start_under_way(stack):
    """The converter is known to be Waiting, and its start is on the way."""
    stack.start(config=WAIT)
    stack.eza("set turnaround 0.1")
    with concurrent_requests(stack.address, [f"/dcdc/set?{CHARGE}"]) as replies:
        wait_until(lambda: "4-4" in stack.wire().commands)
        stack.end("dcdcd")
    assert mode(stack) == "0x0000"
    assert replies()[0].error == "superseded by a stop"


def test_on_exit_wait_with_a_start_that_waits(stack):
    stack.start(config=WAIT)
    stack.eza("set turnaround 0.1")
    with concurrent_requests(stack.address, ["/dcdc/get"]) as reads:
        wait_until(lambda: "1-1" in stack.wire().commands)
        with concurrent_requests(stack.address, [f"/dcdc/set?{CHARGE}"]) as replies:
            wait_until(lambda: stack.rpc("dcdcd", "status")["waiting"] == 1)
            stack.end("dcdcd")
    assert mode(stack) == "0x0000"
    assert replies()[0].error == "superseded by a stop"
    assert reads()[0].status == 200
    assert [one.raws["mode"] for one in stack.wire().requests if one.name == "1-4"] == [0]


@pytest.mark.parametrize("loss", ["hangup", "fault silence"])
def test_on_exit_wait_with_a_dead_line(stack, loss):
    """It ends in time all the same, and its successor goes on with the stop."""
    stack.start(config=WAIT)
    stack.ok(f"/dcdc/set?{CHARGE}")
    stack.eza(loss)
    if loss == "hangup":
        wait_until(lambda: stack.rpc("dcdcd", "status")["state"] == "port_closed")
    began = time.monotonic()
    stack.end("dcdcd")
    assert time.monotonic() - began < 5
    stack.eza("back" if loss == "hangup" else "clear")
    assert mode(stack) == "0x0041"
    stack.start("dcdcd")
    assert seconds_until_stopped(stack) < 1
