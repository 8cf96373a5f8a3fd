# SPDX-License-Identifier: Apache-2.0
"""Every fault of the battery's line, with registers beside each other and apart.

Broken answers carry a charge that is wrong but possible: it may never be served. One broken answer
is not noticed; while all are broken the last reading is served until it is too old, then an error.
"""

import time

import pytest

from link import wait_until
from stack import BATTERY_DEV, Stack

MAX_AGE = 1.2  # s
TIMEOUT = 0.1  # s
CONFIG = {
    f"{BATTERY_DEV}.max_age": str(MAX_AGE),
    f"{BATTERY_DEV}.poll_interval": "0.1",
    f"{BATTERY_DEV}.kwparams.timeout": str(TIMEOUT),
}
RIGHT, WRONG = 700, 300  # RSOC as the register has it
REGISTERS = {"adjacent": (30030, 30031), "apart": (30030, 30040)}

# fault: (words, with wrong data, what the error says, the counter that grows)
FAULTS = {
    "silence": ("silence", False, "no answer", "timeouts"),
    "drop": ("drop", False, "no answer", "timeouts"),
    "late": (f"late {2 * TIMEOUT}", False, "no answer", "timeouts"),
    "checksum": ("checksum", True, "checksum", "checksum_errors"),
    "unit": ("unit", True, "another unit", "foreign"),
    "function": ("function", True, "malformed", "malformed"),
    "short": ("short", False, "malformed", "malformed"),
    "long": ("long", False, "", "malformed"),
    **{f"cut {n}": (f"cut {n}", True, "no answer", "timeouts") for n in range(1, 7)},
    **{f"exception {n}": (f"exception {n}", False, "", "exceptions") for n in (1, 2, 3, 4)},
    **{f"inside {n}": (f"noise_inside {n}", True, "checksum", "checksum_errors") for n in (1, 9, 64)},
    "RSOC 1002": ("data 03ea{status}", False, "1002", "bad_values"),
    "RSOC 65534": ("data fffe{status}", False, "65534", "bad_values"),
}
# These may be borne or refused, but not misread.
DISTURBED = [f"noise_{where} {n}" for where in ("before", "after") for n in (1, 9, 64)]
DISTURBED += ["echo", "echo_changed 0", "echo_changed 6", "twice", "split 0.001", "late 0.05"]


@pytest.fixture(scope="module", params=REGISTERS)
def shared(request):
    rsoc, status = REGISTERS[request.param]
    stack = Stack()
    stack.registers = request.param
    addresses = {f"{BATTERY_DEV}.modbus_adr_rsoc": str(rsoc)}
    addresses[f"{BATTERY_DEV}.modbus_adr_status"] = str(status)
    try:
        stack.write_config({**CONFIG, **addresses})
        stack.launch("battery-sim", "--adr-rsoc", rsoc, "--adr-status", status, baud=0)
        stack.wait_ready("battery-sim")
        stack.start("battd", "gatewayd")
        yield stack
    finally:
        problems = stack.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def stack(shared):
    shared.battery("clear")
    shared.battery(f"set rsoc_raw {RIGHT}")
    served = {"rsoc": RIGHT / 10, "battery_operation_status": 3}
    wait_until(lambda: shared.get("/battery/get").json == served, 3)
    return shared


def counters(stack):
    return stack.rpc("battd", "status")["counters"]


def put(stack, fault, how=""):
    words, wrong, _, _ = FAULTS[fault]
    status = "0000" if stack.registers == "adjacent" else ""
    if wrong:
        stack.battery(f"fault data {WRONG:04x}{status} {how}")
    stack.battery(f"fault {words.format(status=status)} {how}")


def right(reply):
    return reply.json == {"rsoc": RIGHT / 10, "battery_operation_status": 3}


@pytest.mark.parametrize("fault", FAULTS)
def test_lasting(stack, fault):
    before = counters(stack)
    put(stack, fault)
    began = time.monotonic()
    while (reply := stack.get("/battery/get")).status == 200:
        assert right(reply)
        assert time.monotonic() < began + MAX_AGE + 1
        time.sleep(0.01)
    error, counter = FAULTS[fault][2:]
    assert reply.status == 400
    assert reply.error.startswith("modbus io exception") and error in reply.error
    assert stack.get("/1/log/data").status == 400
    stack.battery("clear")
    wait_until(lambda: stack.get("/battery/get").status == 200, 2)
    for _ in range(5):
        assert right(stack.get("/battery/get"))
    after = counters(stack)
    failed = [name for name in after if name not in ("polls", "ok", "opens", "stray_bytes")]
    assert sum(after[name] - before[name] for name in failed) >= 1
    assert after[counter] > before[counter]


@pytest.mark.parametrize("fault", FAULTS)
def test_once(stack, fault):
    """Nobody notices: the reading before it is young enough until the next."""
    before = counters(stack)
    put(stack, fault, "count 1")
    ok = before["ok"]
    deadline = time.monotonic() + 2
    while counters(stack)["ok"] < ok + 2:
        assert right(stack.get("/battery/get"))
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not stack.battery("state")["state"]["faults"]


@pytest.mark.parametrize("fault", DISTURBED)
def test_disturbed(stack, fault):
    """Right values or an error at any time, and right values afterwards."""
    stack.battery(f"fault {fault}")
    deadline = time.monotonic() + MAX_AGE + 0.2
    while time.monotonic() < deadline:
        reply = stack.get("/battery/get")
        assert reply.status == 400 or right(reply)
        time.sleep(0.01)
    stack.battery("clear")
    wait_until(lambda: stack.get("/battery/get").status == 200, 2)
    assert right(stack.get("/battery/get"))


def test_silence_shorter_than_the_maximum_age(stack):
    """Borne: the age in the answers grows, and no answer is an error."""
    began = time.monotonic()
    stack.battery("fault silence")
    ages = []
    while time.monotonic() < began + MAX_AGE / 2:
        ages.append(stack.rpc("battd", "check_battery")["age"])
        time.sleep(0.01)
    stack.battery("clear")
    deadline = time.monotonic() + 1
    while (age := stack.rpc("battd", "check_battery")["age"]) >= ages[-1]:
        ages.append(age)
        time.sleep(0.01)
        assert time.monotonic() < deadline
    assert max(ages) < MAX_AGE
