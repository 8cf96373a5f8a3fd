# SPDX-License-Identifier: Apache-2.0
"""supervisor_timeout and on_exit: what becomes of a running converter when nobody is there."""

import time

import pytest

from link import wait_until
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
