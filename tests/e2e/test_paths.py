# SPDX-License-Identifier: Apache-2.0
"""Every path of the REST API: its whole body, held against what went over the wire."""

import concurrent.futures
import itertools
import json
import re
import signal

import pytest

import eza
from link import wait_until
from stack import BATTERY

POWERMETER = dict.fromkeys(["i1", "kwh1", "kwh2", "p1", "p2", "v1"], 0)
METERS = ["ib", "ig", "tmp", "vb", "vg", "wb", "wg"]
LIMITS = {"cib": 52, "obv": 59, "ogv": 400, "ubv": 40, "ugv": 300}  # of the test configuration
ALARMS = ["No alarm", "Light alarm", "Heavy alarm"]
RUNNING = ["off", "charge", "discharge"]

# specification 5.1.4.1
MODES = {
    0x00: "Waiting",
    0x01: "Hateronomy CV Charging",
    0x02: "Heteronomy CV",
    0x22: "Heteronomy CV",
    0x04: "Battery Autonomy",
    0x14: "Grid Autonomy",
    0x34: "Grid Autonomy CC Battery",
    0x41: "Heteronomy CV",
}

LOG_DATA = {
    "battery_comm_err": 0,
    "battery_current": 20.0,
    "battery_operation_status": 3,
    "battery_rsoc": 50.1,
    "battery_status": 0,
    "battery_voltage": 52.0,
    "battery_warning": 0,
    "charge_discharge_power": 1040,
    "dischargeable_time": {"hour": 0, "minute": 0},
    "rsoc": 50.1,
    "system_time": {"day": 0, "hour": 0, "minute": 0, "month": 0, "year": 0},
    "ups_operation_mode": {"mode": 0, "parameter": 0, "stop_mode": 0},
    "ups_operation_schedule": 0,
}


def meter(wire):
    answer = wire.answer("10")
    return {name: answer[name] for name in METERS}


def param(wire):
    return {**LIMITS, "dig": wire.answer("6")["dig"]}


def vdis(wire):
    return wire.answer("4")


def brief_status(wire):
    cst = wire.answer("2")["cst"]
    return {
        "alarmState": ALARMS[cst >> 2 & 3],
        "operationMode": MODES[wire.answer("1")["mode"]],
        "runningState": RUNNING[cst & 3],
    }


def status(wire):
    cst = wire.answer("2")["cst"]
    return {
        **brief_status(wire),
        "alarm": f"{wire.answer('9')['alm1']:04x} {cst >> 2 & 3:04x} {cst & 3:04x}",
        "status": f"0x{wire.answer('1')['mode']:04x}",
        "statusName": "Ignore",
    }


def dcdc(wire):
    return {"meter": meter(wire), "param": param(wire), "status": status(wire), "vdis": vdis(wire)}


def remote(wire):
    return {**dcdc(wire), "powermeter": POWERMETER}


def brief(wire):
    return {"meter": meter(wire), "status": brief_status(wire)}


GET = ["1-1", "2-1", "4-1", "9-1", "10-1", "6-1"]
GET_STATUS = ["1-1", "2-1", "10-1"]
SHORT = {"battery_operation_status": 3, "rsoc": 50.1}

# path: the commands on the wire, and the body that follows from their answers
READS = {
    "/all/get": (GET, lambda wire: {**dcdc(wire), **SHORT}),
    "/battery/get": ([], lambda wire: SHORT),
    "/1/log/data": ([], lambda wire: LOG_DATA),
    "/dcdc/get": (GET, dcdc),
    "/remote/get": (GET, remote),
    "/dcdc/get/status": (GET_STATUS, brief),
    "/remote/get/status": (GET_STATUS, brief),
    "/remote/ioctl/get": (GET, lambda wire: {**remote(wire), **LOG_DATA}),
    "/remote/ioctl/clr_alarm": (["9-4", *GET], remote),
}


def same_types(got, expected):
    """JSON numbers: 52 is not "52", nor is true 1."""
    if isinstance(expected, dict):
        return all(same_types(got[key], value) for key, value in expected.items())
    number = (int, float)
    if isinstance(expected, number) and not isinstance(expected, bool):
        return isinstance(got, number) and not isinstance(got, bool)
    return type(got) is type(expected)


@pytest.fixture
def busy_unit(stack):
    """A unit whose every value differs from zero and from the defaults."""
    stack.start()
    stack.battery("set rsoc_raw 501")
    stack.eza("set grid_voltage 351.3")
    stack.eza("set ambient 31.7")
    stack.eza("set register dvg=347.3")
    stack.eza("set register drg=0.25")
    stack.eza("set register dig=2.3")
    stack.eza("set mode 0x0041")
    stack.eza("set alarm light")
    wait_until(lambda: stack.ok("/battery/get")["rsoc"] == 50.1)
    stack.wire()
    return stack


@pytest.mark.parametrize("path", READS)
def test_reads(busy_unit, path):
    commands, expected = READS[path]
    reply = busy_unit.get(path)
    wire = busy_unit.wire()
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert wire.commands == commands
    assert reply.json == expected(wire)
    assert same_types(reply.json, expected(wire))


def test_values_are_those_of_the_converter(busy_unit):
    """Not only self-consistent: what the simulator measures, once its currents have settled."""

    def settled():
        body = busy_unit.ok("/dcdc/get")
        meters = busy_unit.eza("state")["state"]["meters"]
        near = {name: pytest.approx(value, rel=0.02, abs=0.5) for name, value in meters.items()}
        return body if {name: body["meter"][name] for name in near} == near else None

    body = wait_until(settled, 3, "what is read to be what is measured")
    assert body["meter"]["ig"] > 1 and body["meter"]["wb"] > 300
    assert body["vdis"]["dvg"] == pytest.approx(347.3, abs=0.03)
    assert body["param"]["dig"] == pytest.approx(2.3, abs=0.001)
    assert body["status"]["runningState"] == "charge"
    assert body["status"]["alarm"] == "4000 0001 0001"


def test_numbers_are_shortest(unit):
    """The nearest double of the exact value, in its shortest form."""
    unit.eza("fault data 0020002000200020ff07ff07f40100e2 for 10-1")
    body = unit.get("/dcdc/get/status").body.decode()
    for text in ('"ib":52.08', '"ig":7.8125', '"vg":190', '"vb":24', '"tmp":-60'):
        assert re.search(re.escape(text) + r"(\.0)?[,}]", body.replace(" ", "")), text
    wire = unit.wire()
    for name in METERS:
        value = wire.answer("10")[name]
        text = re.search(rf'"{name}": ?(-?[0-9.e+-]+)', body)[1]
        assert float(text) == value
        assert len(text) <= len(repr(value))


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_has_its_name(unit, mode):
    unit.eza(f"fault mode {mode:x}")
    shown = unit.ok("/dcdc/get")["status"]
    assert (shown["status"], shown["operationMode"]) == (f"0x{mode:04x}", MODES[mode])


@pytest.mark.parametrize("alarm, name", enumerate(ALARMS))
@pytest.mark.parametrize("running, running_name", enumerate(RUNNING))
def test_every_state_has_its_name(unit, alarm, name, running, running_name):
    unit.eza(f"fault alarm_state {alarm}")
    unit.eza(f"fault running_state {running}")
    shown = unit.ok("/remote/get")["status"]
    assert (shown["alarmState"], shown["runningState"]) == (name, running_name)
    assert shown["alarm"] == f"0000 {alarm:04x} {running:04x}"


def set_status(wire, mode):
    """A set's status shows the mode of the answer to 1-4."""
    assert wire.answer("1")["mode"] == mode
    return status(wire)


@pytest.mark.parametrize("path", ["/dcdc/set", "/remote/set"])
def test_set(unit, path):
    reply = unit.get(f"{path}?mode=0x0014&dvg=300&drg=0.1&dig=2")
    wire = unit.wire()
    assert reply.status == 200
    assert wire.commands == ["4-4", "6-4", "1-4", "2-1", "9-1", "10-1"]
    assert reply.json == {
        "meter": meter(wire),
        "param": {**LIMITS, "dig": 1.9998550415039062},
        "status": set_status(wire, 0x14),
        "vdis": {"drg": 0.0999755859375, "dvg": 299.98291015625},
    }
    assert reply.json["status"]["operationMode"] == "Grid Autonomy"
    assert wire.request("4-4").bytes == eza.write_frame("4-4", {"dvg": 300, "drg": "0.1"})
    limits = {"cib": 52, "ubv": 40, "ugv": 300, "obv": 59, "ogv": 400}
    assert wire.request("6-4").bytes == eza.write_frame("6-4", {**limits, "dig": 2})
    assert wire.request("1-4").bytes == eza.write_frame("1-4", {"mode": 0x14})


@pytest.mark.parametrize("path", ["/dcdc/set", "/remote/set/current"])
def test_set_current(unit, path):
    unit.ok("/dcdc/set?mode=0x0041&dvg=350&drg=0&dig=1")
    unit.wire()
    body = unit.ok(f"{path}?dig=2.5")
    wire = unit.wire()
    assert wire.commands == ["6-4", "10-1"]
    assert body == {"meter": meter(wire), "param": {**LIMITS, "dig": eza.seen("6-4", "dig", "2.5")}}


@pytest.mark.parametrize("path", ["/dcdc/set", "/remote/set/voltage"])
def test_set_voltage(unit, path):
    unit.ok("/dcdc/set?mode=0x0014&dvg=350&drg=0&dig=1")
    unit.wire()
    body = unit.ok(f"{path}?dvg=349.9878&drg=0.039")
    wire = unit.wire()
    assert wire.commands == ["4-4", "10-1"]
    assert body == {
        "meter": meter(wire),
        "vdis": {
            "drg": eza.seen("4-4", "drg", "0.039"),
            "dvg": eza.seen("4-4", "dvg", "349.9878"),
        },
    }


def test_ioctl_set(unit):
    unit.eza("set register dig=1.7")
    dig = unit.rpc("dcdcd", "command", {"name": "6-1"})["dig"]
    unit.wire()
    reply = unit.get("/remote/ioctl/set")
    wire = unit.wire()
    assert wire.commands == ["6-1", "6-4", "7-4", "3-4"]
    assert wire.request("6-4").raws["dig"] == eza.raw(eza.A7, repr(dig))
    setup = {"cvb": "57.6", "dlb": 49, "cdb": "1.2", "ddb": "1.8"}
    assert wire.request("7-4").bytes == eza.write_frame("7-4", {"bcf": 3, **setup})
    assert wire.request("3-4").bytes == eza.write_frame("3-4", {"cvb": "57.6", "drb": 0})
    assert reply.json == {
        "dcdc_converter_name": "dcdc1",
        "dcdc_setup_parameter": {
            **LIMITS,
            "bcf": "0x0003",
            "cvb": 57.6,
            "dlb": 49,
            "cdb": 1.2,
            "ddb": 1.8,
            "drb": 0.0,
        },
    }


def test_dig_is_sent_back_exactly(unit):
    """Whatever raw value the converter reports for dig, 6-4 sends the same."""
    for raw in (1, 819, 8191, 8929):
        dig = raw.to_bytes(2, "little").hex()
        unit.eza(f"fault data a81f{dig}5535873255eec34a for 6-1 count 1")
        unit.wire()
        unit.ok("/remote/ioctl/set")
        assert unit.wire().request("6-4").raws["dig"] == raw


def test_clr_alarm(busy_unit):
    assert busy_unit.ok("/dcdc/get")["status"]["alarmState"] == "Light alarm"
    busy_unit.wire()
    assert busy_unit.ok("/remote/ioctl/clr_alarm")["status"]["alarmState"] == "No alarm"
    assert busy_unit.wire().request("9-4").raws == {"d0": 0, "d1": 0}


def test_constant_paths(unit):
    version = unit.ok("/version/get")
    assert sorted(version) == ["comm_interface_version", "dcdc_batt_comm_version"]
    assert version["comm_interface_version"] == "2.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+", version["dcdc_batt_comm_version"])
    assert unit.ok("/essx/hello") == {"message": "hello world"}
    assert unit.get("/essx/goodbye").status == 404
    assert unit.wire() == []


def test_hello_forgets_the_saved_parameters(unit):
    unit.ok("/dcdc/set?mode=0x0014&dvg=350&drg=0&dig=1")
    unit.ok("/dcdc/set?dig=2")
    unit.ok("/essx/hello")
    unit.wire()
    reply = unit.get("/dcdc/set?dig=2")
    assert (reply.status, reply.error) == (400, "No operationMode")
    assert unit.wire() == []


def test_goodbye(stack):
    stack.start("battery-sim", "eza2500-sim", "dcdcd", "battd")
    stack.start("gatewayd", arguments=["--goodbye"])
    assert stack.ok("/essx/goodbye") == {"message": "goodbye"}
    stack.expect_end("gatewayd", 0)
    for daemon in ("dcdcd", "battd"):
        assert stack.rpc(daemon, "ping") == "pong"


def test_denied_sharing_is_shown(unit):
    unit.battery("set sharing denied")
    wait_until(lambda: unit.ok("/battery/get")["battery_operation_status"] == 0)
    assert unit.ok("/all/get")["battery_operation_status"] == 0
    assert unit.ok("/1/log/data")["battery_operation_status"] == 0
    unit.battery("set sharing permitted")
    wait_until(lambda: unit.ok("/all/get")["battery_operation_status"] == 3)


def test_battery_numbers_as_configured(stack):
    stack.start(config={f"{BATTERY}.battery_voltage": "200", f"{BATTERY}.battery_current": "2.0"})
    reply = stack.get("/1/log/data")
    assert reply.json["charge_discharge_power"] == 400
    assert re.search(rb'"battery_voltage": ?200[,}]', reply.body)
    assert re.search(rb'"battery_current": ?2\.0[,}]', reply.body)


def asked_while_stopped(stack, stopped, asked):
    """Whether a request for both daemons reaches one while the other does not answer."""
    stack.programs[stopped].signal(signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reply = pool.submit(stack.get, "/all/get")
            wait_until(asked, 3)
            assert not reply.done()
            stack.programs[stopped].signal(signal.SIGCONT)
            return reply.result()
    finally:
        stack.programs[stopped].signal(signal.SIGCONT)


def test_both_daemons_are_asked_at_once(unit):
    reply = asked_while_stopped(unit, "battd", lambda: unit.wire().commands)
    assert reply.status == 200
    asked = itertools.count(unit.rpc("battd", "status")["rpc"]["requests"] + 1)
    reply = asked_while_stopped(
        unit, "dcdcd", lambda: unit.rpc("battd", "status")["rpc"]["requests"] > next(asked)
    )
    assert reply.status == 200


def test_unknown_reserved_bits_of_the_battery_are_ignored(unit):
    unit.battery(f"set status_raw {0xFFFE}")
    unit.battery("set rsoc_raw 1000")
    wait_until(lambda: unit.ok("/battery/get")["rsoc"] == 100)
    body = json.loads(unit.get("/battery/get").body)
    assert body == {"battery_operation_status": 3, "rsoc": 100.0}
