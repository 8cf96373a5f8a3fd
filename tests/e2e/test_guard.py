# SPDX-License-Identifier: Apache-2.0
"""force_dcdc_waiting: a battery that does not permit sharing takes the converter to Waiting."""

import signal
import time

import pytest

import eza
from link import wait_until
from stack import BATTERY, BATTERY_DEV, DCDC

RUN = "/dcdc/set?mode=0x0041&dvg=350&drg=0&dig=2"
WAITING = eza.write_frame("1-4", {"mode": 0})
INTERVAL = 1  # s
LATE = 0.1  # s, that a busy machine may cost
# A battery that is lost keeps its last reading for long: the bound must not lean on that.
ON = {
    f"{BATTERY}.force_dcdc_waiting": "Yes",
    f"{DCDC}.battery_check_interval": str(INTERVAL),
    f"{BATTERY_DEV}.max_age": "60",
}


@pytest.fixture
def guarded(stack):
    """A unit with the guard, that charges."""
    stack.start(config=ON)
    wait_until(lambda: guard(stack)["permitted"])
    stack.ok(RUN)
    stack.wire()
    return stack


def deny(stack):
    stack.battery("set sharing denied")


def silence(stack):
    stack.battery("fault silence")


def nonsense(stack):
    stack.battery("set rsoc_raw 5000")


def unplug(stack):
    stack.battery("hangup")


def kill(stack):
    stack.kill("battd")


def freeze(stack):
    stack.programs["battd"].signal(signal.SIGSTOP)


def guard(stack):
    """The battery guard's part of the status."""
    return stack.rpc("dcdcd", "status")["guards"]["battery"]


def wait_for_asks(stack, count):
    """Until the battery's owner has been asked so many times more."""
    asked = guard(stack)["asks"]
    wait_until(lambda: guard(stack)["asks"] >= asked + count)


def mode(stack):
    return stack.eza("state")["state"]["mode"]


def wait_for_stop(stack, timeout=10):
    wait_until(lambda: mode(stack) == "0x0000", timeout, "the stop")
    assert WAITING in [one.bytes for one in stack.wire().requests]


@pytest.mark.parametrize("fact", [deny, silence, nonsense, unplug, kill, freeze])
def test_not_permitted(guarded, fact):
    """Denied, unknown, unreachable: all the same. The stop is out within the interval."""
    happened = time.monotonic()
    fact(guarded)
    wait_until(lambda: mode(guarded) == "0x0000", what="the stop")
    stop = next(one for one in guarded.wire().requests if one.bytes == WAITING)
    assert stop.began - happened < INTERVAL + LATE
    denied = guard(guarded)
    assert denied["permitted"] is False and denied["denial"]
    assert guarded.rpc("dcdcd", "status")["guards"]["stops"] >= 1
    refused = guarded.get(RUN)
    assert refused.status == 400
    assert denied["denial"] in refused.error
    assert mode(guarded) == "0x0000"


def test_other_requests_go_on(guarded):
    deny(guarded)
    wait_for_stop(guarded)
    assert guarded.ok("/all/get")["battery_operation_status"] == 0
    guarded.ok("/dcdc/set?mode=0x0000&dvg=350&dig=2")
    setup = guarded.get("/remote/ioctl/set")
    assert setup.status == 200 or setup.error == "superseded by a stop"
    assert mode(guarded) == "0x0000"


def test_kept_up_while_it_lasts(guarded):
    """Started by somebody else at the converter: stopped again."""
    deny(guarded)
    wait_for_stop(guarded)
    for _ in range(2):
        guarded.eza("set mode 0x0041")
        wait_for_stop(guarded, 3)


def test_nothing_starts_it_again(guarded):
    deny(guarded)
    wait_for_stop(guarded)
    guarded.battery("set sharing permitted")
    wait_until(lambda: guard(guarded)["permitted"])
    wait_for_asks(guarded, 1)  # a stop that was under way has ended
    guarded.wire()
    wait_for_asks(guarded, 3)
    assert guarded.wire() == [] and mode(guarded) == "0x0000"
    guarded.ok(RUN)
    assert mode(guarded) == "0x0041"


def test_guard_stop_then_set_without_mode(guarded):
    """The saved mode is that from before the stop."""
    deny(guarded)
    wait_for_stop(guarded)
    guarded.battery("set sharing permitted")
    wait_until(lambda: guard(guarded)["permitted"])
    refused = guarded.get("/remote/set?dig=3&dvg=350")
    assert refused.status == 400 and refused.error.startswith("No operationMode")
    assert mode(guarded) == "0x0000"


@pytest.mark.parametrize("fault", ["silence", "nak fffc", "checksum"])
def test_repeated_until_confirmed(guarded, fault):
    guarded.eza(f"fault {fault} for 1-4")
    deny(guarded)
    wait_until(lambda: "1-4" in guarded.wire().commands, 5)
    wait_until(lambda: "1-4" in guarded.wire().commands, 5, "another try")
    guarded.eza("clear")
    guarded.eza("set mode 0x0041")
    wait_for_stop(guarded, 5)


def test_works_without_gatewayd(guarded):
    guarded.kill("gatewayd")
    deny(guarded)
    wait_for_stop(guarded)


def test_found_again_after_battd_s_restart(guarded):
    guarded.kill("battd")
    wait_for_stop(guarded)
    guarded.start("battd")
    wait_until(lambda: guard(guarded)["permitted"], 5)
    guarded.ok(RUN)


def test_a_short_restart_of_battd_is_no_denial(stack):
    """The next check waits for it."""
    stack.start(config={**ON, f"{DCDC}.battery_check_interval": "5"})
    wait_until(lambda: guard(stack)["permitted"])
    stack.ok(RUN)
    stack.wire()
    stack.restart("battd", signal.SIGKILL)
    wait_for_asks(stack, 2)
    assert guard(stack)["permitted"]
    assert mode(stack) == "0x0041"


def test_after_dcdcd_s_restart(guarded):
    """A running converter is stopped by the new dcdcd when the battery has denied meanwhile."""
    guarded.kill("dcdcd")
    deny(guarded)
    wait_until(lambda: guarded.rpc("battd", "check_battery")["battery_operation_status"] == 0)
    guarded.start("dcdcd")
    wait_for_stop(guarded, 5)


def test_permitted_writes_nothing(guarded):
    wait_for_asks(guarded, 3)
    assert guarded.wire() == [] and mode(guarded) == "0x0041"


def test_each_guard_s_last_run(stack):
    """A guard that has stopped running would show."""
    stack.start(config={**ON, f"{DCDC}.supervisor_timeout": "60"})
    wait_for_asks(stack, 10)  # longer than a turn takes
    guards = stack.rpc("dcdcd", "status")["guards"]
    for name in ("battery", "supervisor"):
        assert 0 <= guards[name]["last_run_age"] < 1


def test_off_by_configuration(stack):
    stack.start(config={f"{DCDC}.battery_check_interval": "1"})
    stack.ok(RUN)
    deny(stack)
    wait_until(lambda: stack.rpc("battd", "check_battery")["battery_operation_status"] == 0)
    stack.kill("battd")
    stack.wire()
    stack.ok("/dcdc/get")
    assert [name for name in stack.wire().commands if name.endswith("-4")] == []
    assert mode(stack) == "0x0041"
