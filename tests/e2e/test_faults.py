# SPDX-License-Identifier: Apache-2.0
"""Faults of the converter and its line: what the client is told, what is sent how often."""

import signal
import time

import pytest

import eza
from link import Line, RpcError, concurrent_requests, request_line, wait_until
from stack import DCDC

READ = ["1-1", "2-1", "4-1", "9-1", "10-1", "6-1"]
SET = "mode=0x0041&dvg=350&drg=0&dig=2"
TRIES = 4  # 3 retries
RETRY_WAIT = 0.1  # s

# fault: the error text, and how often the command is sent
LASTING = {
    "silence": ("read timeout", TRIES),
    "drop": ("read timeout", TRIES),
    "checksum": ("checksum error", TRIES),
    "cut 0": ("read timeout", TRIES),
    "ad1": ("read timeout", TRIES),
    "ad2": ("read timeout", TRIES),
    "nak fffd": ("timeout", TRIES),
    "nak fffc": ("timeout", TRIES),
    "nak ffff": ("error: ERCD=ffff", 1),
    "nak fffe": ("error: ERCD=fffe", 1),
    "nak fffb": ("error: ERCD=fffb", 1),
    "command 0a": ("bad value", TRIES),
}

# Whatever is wrong with these answers, the client is told of an error, never of a value.
BROKEN = [*(f"cut {n}" for n in range(1, 9)), "length", "data 00", "noise_inside 3"]

# Faults that a correct reader of the line does not notice, or cures with a retry.
HARMLESS = [
    "noise_before 1",
    "noise_before 64",
    "noise_before 0x02020010000000",
    "noise_before 0x0505050505",
    "noise_after 1",
    "noise_after 64",
    "noise_after 0x0202001000",
    "echo",
    "twice",
    "late 0.05",
    "split 0.0005",
]


def sent(unit, name):
    return unit.wire().commands.count(name)


def assert_next_works(unit):
    """A read before 1-1 may go ahead: its answer proves that no late one can follow."""
    unit.eza("clear")
    unit.wire()
    assert unit.ok("/dcdc/get")["status"]["status"] == unit.eza("state")["state"]["mode"]
    commands = unit.wire().commands
    assert commands[-len(READ) :] == READ
    assert commands[: -len(READ)] in ([], ["2-1"])


@pytest.mark.parametrize("name", [READ[0], READ[-1]])
@pytest.mark.parametrize("fault", LASTING)
def test_lasting_faults_of_a_read(unit, fault, name):
    error, count = LASTING[fault]
    unit.eza(f"fault {fault} for {name}")
    reply = unit.get("/dcdc/get")
    assert reply.status == 400
    assert reply.error == error or (reply.error.startswith("bad value: ") and error == "bad value")
    assert reply.seconds < 4.5
    wire = unit.wire()
    assert wire.commands == READ[: READ.index(name)] + [name] * count
    assert_next_works(unit)


@pytest.mark.parametrize(
    "fault, name, error",
    [
        ("mode 99", "1-1", "bad value: operationMode: 153"),
        ("alarm_state 3", "2-1", "bad value: alarmState: 3"),
        ("running_state 3", "2-1", "bad value: runningState: 3"),
    ],
)
def test_values_outside_the_specification(unit, fault, name, error):
    unit.eza(f"fault {fault}")
    reply = unit.get("/dcdc/get/status")
    assert (reply.status, reply.error) == (400, error)
    assert sent(unit, name) == TRIES
    assert_next_works(unit)


@pytest.mark.parametrize("name", [READ[0], READ[-1]])
@pytest.mark.parametrize("fault", BROKEN)
def test_broken_answers(unit, fault, name):
    unit.eza(f"fault {fault} for {name}")
    reply = unit.get("/dcdc/get")
    assert reply.status == 400
    assert reply.error in ("read timeout", "checksum error") or reply.error.startswith("bad value")
    assert reply.seconds < 4.5
    assert sent(unit, name) == TRIES
    assert_next_works(unit)


@pytest.mark.parametrize("fault", [*LASTING, *BROKEN])
def test_one_fault_is_cured_by_a_retry(unit, fault):
    """But a refusal that is final is final."""
    unit.eza(f"fault {fault} for 4-1 count 1")
    reply = unit.get("/dcdc/get")
    once = LASTING.get(fault, (None, TRIES))[1] == 1
    assert reply.status == (400 if once else 200)
    assert sent(unit, "4-1") == (1 if once else 2)
    assert_next_works(unit)


@pytest.mark.parametrize("fault", HARMLESS)
def test_harmless_faults(unit, fault):
    """On every answer, the right value each time."""
    unit.eza("set mode 0x0041")
    unit.eza("set register dig=2.3")
    unit.eza(f"fault {fault}")
    for _ in range(2):
        body = unit.ok("/dcdc/get")
        assert body["status"]["status"] == "0x0041"
        assert body["param"]["dig"] == pytest.approx(2.3, abs=0.001)
        assert body["vdis"]["dvg"] == pytest.approx(350, abs=0.03)
    unit.ok(f"/dcdc/set?{SET}")
    assert_next_works(unit)


@pytest.mark.parametrize("order", ["same", "swapped"])
def test_both_orders_of_addresses(unit, order):
    unit.eza(f"set reply_addresses {order}")
    unit.ok("/dcdc/get")
    assert unit.wire().commands == READ


def test_an_echo_that_differs_is_a_collision(unit):
    for index in range(9):
        unit.eza(f"fault echo_changed {index} for 1-1 count 1")
        assert unit.ok("/dcdc/get")["status"]["status"] == "0x0000"
    assert_next_works(unit)


def test_foreign_addresses_can_be_taken(stack):
    stack.start(config={f"{DCDC}.address_check": "no"})
    stack.eza("fault ad1")
    assert stack.ok("/dcdc/get")["status"]["operationMode"] == "Waiting"
    assert stack.wire().commands == READ


def test_a_late_answer_is_not_taken_for_another(unit):
    """Each command's answer comes when the next is already being asked."""
    unit.eza("set mode 0x0041")
    unit.eza("set register dvg=345")
    unit.eza("fault late 0.16 count 1 for 1-1")
    unit.eza("fault late 0.26 count 1 for 4-1")
    body = unit.ok("/dcdc/get")
    assert body["status"]["status"] == "0x0041"
    assert body["vdis"]["dvg"] == pytest.approx(345, abs=0.03)
    assert_next_works(unit)


@pytest.mark.parametrize("late", [0.15, 0.25, 0.4])
def test_no_old_value_after_a_late_answer(unit, late):
    """A set in between: what is read after it is from after it."""
    unit.ok(f"/dcdc/set?{SET}")
    for dvg in (346, 347, 348):
        unit.eza(f"fault late {late} for 4-1 count 1")
        unit.get("/dcdc/get")
        unit.ok(f"/remote/set/voltage?dvg={dvg}")
        assert unit.ok("/dcdc/get")["vdis"]["dvg"] == eza.seen("4-4", "dvg", dvg)


def test_an_answer_that_came_while_dcdcd_was_not_running(stack):
    """
    Late was dcdcd, not the converter: the answer counts, although its deadline is over and another
    request is what dcdcd sees first.
    """
    timeout = 0.4
    stack.start(config={f"{DCDC}.reply_timeout": str(timeout)})
    stack.eza(f"fault late {timeout / 2} for 1-1 count 1")
    with Line(stack.socket("dcdcd")) as line, Line(stack.socket("dcdcd")) as other:
        line.send(request_line("remote_get_status"))
        wait_until(lambda: stack.wire().commands == ["1-1"])
        stack.programs["dcdcd"].signal(signal.SIGSTOP)
        other.send(request_line("remote_get_status"))
        wait_until(lambda: stack.wire().answers)
        time.sleep(timeout)  # the deadline of the exchange is over
        stack.programs["dcdcd"].signal(signal.SIGCONT)
        assert "result" in line.receive_json() and "result" in other.receive_json()
    assert stack.wire().commands == ["2-1", "10-1", "1-1", "2-1", "10-1"]
    counters = stack.rpc("dcdcd", "status")["counters"]
    assert (counters["timeouts"], counters["late"]) == (0, 0)


def test_budgets_are_apart(unit):
    """Three timeouts and three refusals for one command: seven frames, and it succeeds."""
    unit.eza("fault silence for 4-1 count 3")
    unit.eza("fault nak fffc for 4-1 count 3")
    unit.ok("/dcdc/get")
    assert sent(unit, "4-1") == 7
    unit.eza("fault silence for 4-1 count 3")
    unit.eza("fault checksum for 4-1 count 4")
    assert unit.get("/dcdc/get").error == "checksum error"
    assert sent(unit, "4-1") == 7


def test_budgets_are_each_command_s_own(unit):
    for name in READ:
        unit.eza(f"fault nak fffd for {name} count 3")
    unit.ok("/dcdc/get")
    assert unit.wire().commands == [name for name in READ for _ in range(TRIES)]


@pytest.mark.parametrize("timeouts, errors", [("0", "2"), ("1", "0"), (None, None)])
def test_configured_budgets(stack, timeouts, errors):
    stack.start(
        config={
            f"{DCDC}.number_of_timeout_retry": timeouts,
            f"{DCDC}.number_of_dcdc_error_retry": errors,
        }
    )
    stack.eza("fault silence for 1-1")
    assert stack.get("/dcdc/get").error == "read timeout"
    assert sent(stack, "1-1") == 1 + int(timeouts or 0)
    stack.eza("clear")
    stack.ok("/dcdc/get")
    stack.wire()
    stack.eza("fault nak fffc for 1-1")
    assert stack.get("/dcdc/get").error == "timeout"
    assert sent(stack, "1-1") == 1 + int(errors or 0)


@pytest.mark.parametrize("fault", ["nak fffc", "checksum", "silence"])
def test_wait_between_retries(unit, fault):
    unit.eza(f"fault {fault} for 1-1")
    unit.get("/dcdc/get")
    requests = unit.wire().requests
    pauses = [after.began - before.began for before, after in zip(requests, requests[1:])]
    assert len(pauses) == TRIES - 1
    longest = RETRY_WAIT + (0.05 if fault.startswith("nak") else 0.15)  # reply_timeout
    assert all(RETRY_WAIT <= pause < longest for pause in pauses), pauses


# sets


@pytest.mark.parametrize("name", ["4-4", "6-4", "1-4"])
def test_a_set_that_fails_does_not_go_on(unit, name):
    order = ["4-4", "6-4", "1-4"]
    unit.eza(f"fault nak fffe for {name}")
    reply = unit.get(f"/dcdc/set?{SET}")
    assert (reply.status, reply.error) == (400, "error: ERCD=fffe")
    assert unit.wire().commands == order[: order.index(name) + 1]
    assert_next_works(unit)


@pytest.mark.parametrize("name", ["4-4", "6-4", "1-4", "2-1", "10-1"])
@pytest.mark.parametrize("fault", ["silence", "drop", "checksum", "nak fffd"])
def test_faults_of_a_set_are_retried(unit, fault, name):
    unit.eza(f"fault {fault} for {name} count 3")
    assert unit.ok(f"/dcdc/set?{SET}")["status"]["status"] == "0x0041"
    assert sent(unit, name) == TRIES


def test_a_set_of_a_mode_that_is_not_taken(unit):
    """The converter answers 1-4 with another mode than was asked for."""
    unit.eza("fault mode 14 for 1-4")
    reply = unit.get(f"/dcdc/set?{SET}")
    if reply.status == 200:  # then it shows what the converter says
        assert reply.json["status"]["status"] == "0x0014"
    else:
        assert reply.error.startswith("bad value")


def test_a_stop_is_repeated_until_confirmed(unit):
    """The client is told that it failed, and it goes on by itself until it has worked."""
    unit.ok(f"/dcdc/set?{SET}")
    unit.wire()
    unit.eza("fault silence for 1-4")
    reply = unit.get("/dcdc/set?mode=0x0000")
    assert (reply.status, reply.error) == (400, "read timeout")
    assert unit.eza("state")["state"]["mode"] == "0x0041"
    wait_until(lambda: sent(unit, "1-4"), 3, "another try")
    unit.eza("clear")
    wait_until(lambda: unit.eza("state")["state"]["mode"] == "0x0000", 3, "the stop")
    wait_until(lambda: not unit.rpc("dcdcd", "status")["stop_owed"])
    assert_next_works(unit)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_does_not_forget_a_stop(unit, number):
    unit.ok(f"/dcdc/set?{SET}")
    unit.eza("fault silence for 1-4")
    assert unit.get("/dcdc/set?mode=0x0000").status == 400
    assert (unit.dir / "dcdcd.stop_owed").exists()
    unit.end("dcdcd", number)
    unit.eza("clear")
    unit.start("dcdcd")
    wait_until(lambda: unit.eza("state")["state"]["mode"] == "0x0000", 4, "the stop")
    wait_until(lambda: not (unit.dir / "dcdcd.stop_owed").exists())


def test_a_heavy_alarm_forbids_starting(unit):
    unit.eza("set alarm heavy")
    reply = unit.get(f"/dcdc/set?{SET}")
    assert (reply.status, reply.error) == (400, "timeout")
    assert unit.ok("/dcdc/get")["status"]["alarmState"] == "Heavy alarm"
    unit.ok("/remote/ioctl/clr_alarm")
    unit.ok(f"/dcdc/set?{SET}")


def test_counters_and_last_error(unit):
    before = unit.rpc("dcdcd", "status")["counters"]
    unit.eza("fault silence for 1-1 count 2")
    unit.eza("fault nak fffd for 2-1 count 1")
    unit.eza("fault checksum for 10-1 count 1")
    unit.ok("/dcdc/get/status")
    after = unit.rpc("dcdcd", "status")["counters"]
    grown = {name: after[name] - before[name] for name in after}
    assert (grown["timeouts"], grown["naks"], grown["checksum_errors"]) == (2, 1, 1)
    assert grown["requests"] == 3 + 4
    unit.eza("fault nak fffb for 1-1")
    unit.get("/dcdc/get/status")
    assert unit.rpc("dcdcd", "status")["last_error"] == "error: ERCD=fffb"


# the gap


@pytest.mark.parametrize("gap", [0, 0.005, 0.062])
def test_the_gap_is_kept(stack, gap):
    """From the end of an answer to the next request: not less, and no more than it takes."""
    stack.start(config={f"{DCDC}.command_interval": str(gap)})
    stack.ok("/dcdc/get")
    frames = [one for one in stack.wire() if one.name != "?"]
    gaps = [
        request.began - answer.ended
        for answer, request in zip(frames[1::2], frames[2::2], strict=False)
    ]
    assert len(gaps) == len(READ) - 1
    assert all(pause >= gap for pause in gaps), gaps
    assert sorted(gaps)[len(gaps) // 2] < gap + 0.02, gaps


def test_time_already_passed_counts(stack):
    stack.start(config={f"{DCDC}.command_interval": "1"})
    stack.rpc("dcdcd", "command", {"name": "1-1"})
    last = stack.wire().answers[-1]
    reply = stack.rpc("dcdcd", "command", {"name": "2-1"})
    request = stack.wire().requests[-1]
    assert reply["cst"] == "0x0000"
    assert 1 <= request.began - last.ended < 1.1


# the port


def test_unplugged_and_back(unit):
    """Waited for, closed, opened again; one line in the log each way."""
    unit.ok("/dcdc/get")
    unit.eza("hangup")
    with concurrent_requests(unit.address, ["/dcdc/get"]) as replies:
        wait_until(lambda: unit.rpc("dcdcd", "status")["state"] == "port_closed", 1)
        unit.eza("back")
    assert replies()[0].status == 200
    log = unit.programs["dcdcd"]
    assert log.count(r"/dcdc.* (is open|is back|back)") == 2
    assert unit.programs["dcdcd"].count("/dcdc") <= 3


def test_unplugged_for_good(unit):
    unit.eza("hangup")
    for path in ("/dcdc/get", f"/dcdc/set?{SET}"):
        reply = unit.get(path)
        assert reply.status == 400
        assert "/dcdc" in reply.error
        assert reply.seconds < 4.5
    assert unit.ok("/battery/get")["battery_operation_status"] == 3
    unit.eza("back")
    wait_until(lambda: unit.get("/dcdc/get").status == 200, 5)


def test_a_stop_waits_for_the_port(unit):
    """It goes out when the cable is back, even if its client has been told of a failure."""
    unit.ok(f"/dcdc/set?{SET}")
    unit.eza("hangup")
    assert unit.get("/dcdc/set?mode=0x0000").status == 400
    unit.eza("back")
    wait_until(lambda: unit.eza("state")["state"]["mode"] == "0x0000", 5)


def test_a_set_is_never_sent_late(unit):
    unit.eza("hangup")
    assert unit.get(f"/dcdc/set?{SET}").status == 400
    unit.eza("back")
    wait_until(lambda: unit.get("/dcdc/get").status == 200, 5)
    assert not [name for name in unit.wire().commands if name.endswith("-4")]


def test_hangup_in_the_middle_of_an_answer(unit):
    unit.eza("fault hangup 4 for 4-1 count 1")
    with concurrent_requests(unit.address, ["/dcdc/get"]) as replies:
        wait_until(lambda: not unit.eza("state")["state"]["line"]["present"])
        unit.eza("back")
    reply = replies()[0]
    assert reply.status == 200
    assert reply.json["vdis"]["dvg"] == pytest.approx(350, abs=0.03)


def test_started_before_the_port_is_there(stack):
    stack.start("battery-sim", "battd", "dcdcd", "gatewayd")
    reply = stack.get("/dcdc/get")
    assert reply.status == 400
    assert "No such file or directory" in reply.error
    stack.start("eza2500-sim")
    wait_until(lambda: stack.get("/dcdc/get").status == 200, 5)


def test_a_port_that_somebody_else_holds(unit, another):
    """A second driver on the same port: it says who holds it, and the first goes on."""
    unit.wire()
    another.write_config({"ess_system.dcdc_dev.params": f'["{unit.dir}/dcdc", 19200]'})
    another.start("dcdcd")
    with pytest.raises(RpcError, match=rf"/dcdc: .*\b{unit.programs['dcdcd'].pid}\b"):
        another.rpc("dcdcd", "remote_get_status")
    assert unit.ok("/dcdc/get")["status"]["status"] == "0x0000"
    assert unit.wire().commands == READ
    unit.end("dcdcd")
    wait_until(lambda: another.rpc("dcdcd", "status")["state"] != "port_closed", 5)
    assert another.rpc("dcdcd", "remote_get_status")["status"]["operationMode"] == "Waiting"
