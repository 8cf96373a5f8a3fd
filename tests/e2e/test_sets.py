# SPDX-License-Identifier: Apache-2.0
"""Setting: the order of commands on the wire, saved parameters, refusals, the stop."""

import itertools

import pytest

import eza
from link import RpcError, concurrent_requests, wait_until

STOP, DISCHARGE, VOLTAGE, CHARGE = "0x0000", "0x0002", "0x0014", "0x0041"
MODES = [STOP, DISCHARGE, VOLTAGE, CHARGE]
TAIL = ["2-1", "9-1", "10-1"]
SET = "dvg=350&drg=0.1&dig=2"
MISSING = [{}, {"dvg": "350"}, {"dig": "2"}, {"drg": "0.1"}, {"dvg": "350", "dig": "2"}]


def order(before, after):
    """decisions.md, "order of a set with mode"."""
    if after == STOP:
        return ["1-4", "4-4", "6-4"]
    if before == STOP:
        return ["4-4", "6-4", "1-4"]
    if before in (DISCHARGE, CHARGE) and after == VOLTAGE:
        return ["4-4", "1-4", "6-4"]
    return ["1-4", "4-4", "6-4"]


@pytest.fixture
def set_from(unit):
    """A function: the commands on the wire and the reply of a set that starts from a mode."""

    def set_it(before, query):
        unit.ok(f"/dcdc/set?mode={STOP}&{SET}")
        if before != STOP:
            unit.ok(f"/dcdc/set?mode={before}&{SET}")
        unit.wire()
        reply = unit.get(f"/dcdc/set?{query}")
        return unit.wire().commands, reply

    return set_it


@pytest.mark.parametrize("before", MODES)
def test_order(set_from, before):
    for after in MODES:
        commands, reply = set_from(before, f"mode={after}&dvg=349&drg=0&dig=1")
        assert commands == order(before, after) + TAIL, after
        assert reply.status == 200
        assert reply.json["status"]["status"] == after
        assert reply.json["vdis"]["dvg"] == eza.seen("4-4", "dvg", 349)
        assert reply.json["param"]["dig"] == eza.seen("6-4", "dig", 1)


def test_order_follows_the_converter_not_the_last_set(unit):
    """The mode is known from the converter: somebody else has changed it."""
    unit.ok(f"/dcdc/set?mode={DISCHARGE}&{SET}")
    unit.eza(f"set mode {STOP}")
    unit.ok("/dcdc/get/status")
    unit.wire()
    unit.ok(f"/dcdc/set?mode={CHARGE}&{SET}")
    assert unit.wire().commands == order(STOP, CHARGE) + TAIL


def test_mode_is_read_when_the_link_comes_up(stack):
    stack.start("battery-sim", "eza2500-sim")
    stack.eza(f"set mode {CHARGE}")
    stack.start("dcdcd", "battd", "gatewayd")
    stack.ok(f"/dcdc/set?mode={VOLTAGE}&{SET}")
    commands = stack.wire().commands
    assert commands[0] == "1-1"
    assert commands[1:] == order(CHARGE, VOLTAGE) + TAIL


def test_nothing_is_written_at_start(unit):
    unit.eza(f"set mode {CHARGE}")
    for daemon in ("dcdcd", "battd", "gatewayd"):
        unit.restart(daemon)
    unit.settle()
    unit.restart("dcdcd")
    unit.ok("/all/get")
    assert {name[-2:] for name in unit.wire().commands} == {"-1"}


# ranges and numbers

RANGES = {"dvg": ("260", "390"), "drg": ("0", "3.999"), "dig": ("0", "8.5162")}


@pytest.mark.parametrize("name", RANGES)
def test_limits_are_included(unit, name):
    command = "6-4" if name == "dig" else "4-4"
    for value in RANGES[name]:
        values = {"dvg": "350", "drg": "0", "dig": "2", name: value}
        query = "&".join(f"{key}={text}" for key, text in values.items())
        unit.ok(f"/dcdc/set?mode={CHARGE}&{query}")
        raw = unit.wire().request(command).raws[name]
        assert raw == eza.raw(eza.fields_of(command)[name], value)


BAD_NUMBERS = {
    "dvg": ["259.99", "390.001", "0.0", "-350", "4e2", "1e999"],
    "drg": ["-0.001", "3.9991", "4"],
    "dig": ["-1", "8.51621", "100"],
}
NO_NUMBERS = "nan inf 0x10 1,5 +1+1 %201 3e e3 350. .5 --1 1.2.3".split() + ["1" * 400]


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_bad_values_are_refused_before_any_frame(unit, name):
    for value in BAD_NUMBERS[name] + NO_NUMBERS + ["1e999999999"]:
        values = {"dvg": "350", "drg": "0", "dig": "2", name: value}
        query = "&".join(f"{key}={text}" for key, text in values.items())
        reply = unit.get(f"/dcdc/set?mode={CHARGE}&{query}")
        assert reply.status == 400, value
        assert name in reply.error, value
    assert unit.wire() == []


@pytest.mark.parametrize("text", ["349.9878", "3.5e2", "3.5E2", "350.0", "0350", "35E+1"])
def test_numbers_as_java_prints_them(unit, text):
    value = float(text)
    unit.ok(f"/remote/set?mode={VOLTAGE}&dvg={text.replace('+', '%2B')}&drg=1.0E-4&dig=0")
    request = unit.wire().request("4-4")
    assert request.raws == {"dvg": eza.raw(eza.V380, value), "drg": 0}


@pytest.mark.parametrize("name", ["3-4", "4-4", "5-4", "6-4", "7-4", "8-4"])
def test_ranges_hold_on_the_socket_too(unit, name):
    values = unit.rpc("dcdcd", "command", {"name": name.replace("-4", "-1")})
    unit.wire()
    described = unit.rpc("dcdcd", "list_commands")
    fields = next(one for one in described if one["name"] == name)["fields"]
    for field in fields:
        for limit, step in (("min", -0.001), ("max", 0.001)):
            if limit not in field:
                continue
            bad = {**values, field["name"]: repr(field[limit] + step), "name": name}
            with pytest.raises(RpcError, match=field["name"]):
                unit.rpc("dcdcd", "command", bad)
    assert unit.wire() == []


@pytest.mark.parametrize(
    "mode, error",
    [
        ("0x0001", "bad value: operation mode: 1"),
        ("0x0034", "bad value: operation mode: 52"),
        ("0x9999", "bad value: operation mode: 39321"),
        ("2", "bad value: 2"),
        ("0014", "bad value: 2"),
        ("0x", "bad value: 2"),
        ("0x00141", "bad value: 2"),
        ("0x14g", "bad value: 2"),
        ("Waiting", "bad value: 2"),
    ],
)
def test_bad_modes(unit, mode, error):
    for path in ("/dcdc/set", "/remote/set"):
        reply = unit.get(f"{path}?mode={mode}&{SET}")
        assert (reply.status, reply.error) == (400, error)
    assert unit.wire() == []


def test_short_forms_of_a_mode(unit):
    assert unit.ok(f"/dcdc/set?mode=0x14&{SET}")["status"]["status"] == VOLTAGE
    assert unit.ok(f"/dcdc/set?mode=0x0&{SET}")["status"]["status"] == STOP


# saved parameters


@pytest.mark.parametrize(
    "path, query, error",
    [
        ("/dcdc/set", "", "No operationMode"),
        ("/remote/set", "dvg=350&dig=2", "No operationMode"),
        ("/remote/set", f"mode={CHARGE}", "No dig"),
        ("/remote/set", f"mode={CHARGE}&dvg=350", "No dig"),
        ("/remote/set", f"mode={CHARGE}&dig=2", "No dvg"),
        ("/dcdc/set", "dig=2", "No operationMode"),
        ("/dcdc/set", "dvg=350", "No operationMode"),
        ("/remote/set/current", "", "No operationMode"),
        ("/remote/set/current", "dig=2", "No operationMode"),
        ("/remote/set/voltage", "dvg=350&drg=0", "No operationMode"),
    ],
)
def test_nothing_saved(unit, path, query, error):
    reply = unit.get(f"{path}?{query}")
    assert (reply.status, reply.error) == (400, error)
    assert unit.wire() == []


def test_left_out_parameters_are_the_saved_ones(unit):
    unit.ok(f"/dcdc/set?mode={VOLTAGE}&dvg=345&drg=0.2&dig=2")
    for query in ("dig=3&dvg=346", f"mode={VOLTAGE}&dig=4", "drg=0.3"):
        unit.wire()
        unit.ok(f"/remote/set?{query}")
    wire = unit.wire()
    assert wire.request("4-4").bytes == eza.write_frame("4-4", {"dvg": 346, "drg": "0.3"})
    assert wire.request("6-4").raws["dig"] == eza.raw(eza.A7, 4)
    assert wire.request("1-4").raws["mode"] == 0x14


def assert_starts_nothing(unit):
    """A set that leaves the mode out; the saved one is that from before a stop."""
    reply = unit.get("/remote/set?dig=3&dvg=350")
    assert reply.status == 400 and reply.error.startswith("No operationMode")
    assert unit.get("/dcdc/set?drg=0.2").status == 400


def test_a_saved_mode_starts_nothing_after_a_stop_on_the_socket(unit):
    unit.ok(f"/dcdc/set?mode={CHARGE}&{SET}")
    unit.rpc("dcdcd", "remote_set", {"mode": STOP})
    unit.wire()
    assert_starts_nothing(unit)
    assert unit.wire() == []
    unit.restart("dcdcd")  # it asks the converter again
    unit.settle()
    assert_starts_nothing(unit)
    assert unit.wire() == []
    unit.ok(f"/dcdc/set?mode={CHARGE}")
    assert unit.eza("state")["state"]["mode"] == CHARGE


def test_a_saved_mode_does_not_end_a_stop_that_is_owed(unit):
    unit.ok(f"/dcdc/set?mode={CHARGE}&{SET}")
    unit.eza("fault silence for 1-4")
    with pytest.raises(RpcError, match="read timeout"):
        unit.rpc("dcdcd", "remote_set", {"mode": STOP})
    assert_starts_nothing(unit)
    unit.eza("clear")
    wait_until(lambda: unit.eza("state")["state"]["mode"] == STOP)


def test_a_saved_mode_is_kept_over_restarts_while_running(unit):
    unit.ok(f"/dcdc/set?mode={CHARGE}&{SET}")
    for daemon in ("gatewayd", "dcdcd"):
        unit.restart(daemon)
        assert unit.ok("/remote/set?dig=3&dvg=350")["status"]["status"] == CHARGE


def test_droop_falls_back_to_zero(unit):
    unit.ok(f"/dcdc/set?mode={VOLTAGE}&dvg=350&dig=2")
    assert unit.wire().request("4-4").raws["drg"] == 0


def test_each_set_saves_what_it_used(unit):
    unit.ok(f"/dcdc/set?mode={DISCHARGE}&dvg=345&drg=0.2&dig=2")
    unit.ok("/remote/set/current?dig=3.5")
    unit.ok("/remote/set/voltage?dvg=346")
    unit.wire()
    unit.ok(f"/remote/set?mode={DISCHARGE}")
    wire = unit.wire()
    assert wire.request("6-4").raws["dig"] == eza.raw(eza.A7, "3.5")
    assert wire.request("4-4").bytes == eza.write_frame("4-4", {"dvg": 346, "drg": "0.2"})
    saved = unit.rpc("gatewayd", "status")["saved"]
    assert saved == {"mode": DISCHARGE, "dvg": "346", "dig": "3.5", "drg": "0.2"}


def test_a_failed_set_saves_nothing(unit):
    unit.ok(f"/dcdc/set?mode={DISCHARGE}&dvg=345&drg=0.2&dig=2")
    unit.eza("fault nak fffe for 6-4 count 1")
    assert unit.get("/remote/set/current?dig=3").status == 400
    assert unit.get("/remote/set/current?dig=9").status == 400
    assert unit.rpc("gatewayd", "status")["saved"]["dig"] == "2"


def test_current_and_voltage_need_their_own_value(unit):
    unit.ok(f"/dcdc/set?mode={DISCHARGE}&{SET}")
    unit.wire()
    assert unit.get("/remote/set/current").error == "No dig"
    assert unit.get("/remote/set/voltage?drg=0").error == "No dvg"
    assert unit.wire() == []


def test_which_method_dcdc_set_is(unit):
    unit.ok(f"/dcdc/set?mode={VOLTAGE}&{SET}")
    running = order(VOLTAGE, VOLTAGE) + TAIL
    for query, commands in [
        ("dig=1", ["6-4", "10-1"]),
        ("dvg=349", ["4-4", "10-1"]),
        ("dvg=349&drg=0.1", ["4-4", "10-1"]),
        ("dvg=349&dig=1", running),
        ("drg=0.1&dig=1", running),
        ("drg=0.1", running),
        (f"mode={VOLTAGE}", running),
    ]:
        unit.wire()
        unit.ok(f"/dcdc/set?{query}")
        assert unit.wire().commands == commands, query


# the stop


@pytest.fixture
def running(unit):
    """A unit that charges, about which nothing is saved."""
    unit.ok(f"/dcdc/set?mode={CHARGE}&dvg=345&drg=0.2&dig=2")
    unit.ok("/essx/hello")
    unit.wire()
    return unit


def assert_stopped(unit, first=0):
    wire = unit.wire()
    assert wire.commands[first] == "1-4"
    assert wire.requests[first].raws["mode"] == 0
    assert unit.eza("state")["state"]["mode"] == STOP
    return wire


@pytest.mark.parametrize("values", MISSING, ids=str)
@pytest.mark.parametrize("path", ["/dcdc/set", "/remote/set"])
def test_a_stop_lacks_parameters(running, path, values):
    """Nothing given, nothing saved: the reply shows what the converter reports."""
    query = "&".join([f"mode={STOP}", *(f"{key}={text}" for key, text in values.items())])
    body = running.ok(f"{path}?{query}")
    assert_stopped(running)
    assert body["status"]["operationMode"] == "Waiting"
    assert body["param"]["dig"] == eza.seen("6-4", "dig", "2")
    assert body["vdis"]["dvg"] == eza.seen("4-4", "dvg", values.get("dvg", "345"))
    assert sorted(body) == ["meter", "param", "status", "vdis"]


BAD_STOPS = [
    ("dvg=0.0&dig=2", "dvg"),
    ("dvg=350&dig=9", "dig"),
    ("dvg=350&drg=5&dig=2", "drg"),
    ("dvg=abc&dig=2", "dvg"),
    ("dvg=nan&dig=2", "dvg"),
    ("dvg=350&dig=2&dig=2", "dig"),
    ("volts=350", "volts"),
    ("dvg=", "dvg"),
    ("dvg=%zz", "dvg"),
    ("dvg=%ff", "dvg"),
    ("dvg=%00", "dvg"),
    ("dvg=" + "1" * 400, "dvg"),
    ("=5", "name"),
    (f"mode={STOP}", "mode"),
    (f"mode={CHARGE}", "mode"),
]


@pytest.mark.parametrize("path", ["/dcdc/set", "/remote/set"])
@pytest.mark.parametrize("query, name", BAD_STOPS)
def test_a_stop_is_never_refused(running, path, query, name):
    reply = running.get(f"{path}?mode={STOP}&{query}")
    assert reply.status == 400
    assert name in reply.error
    assert "the stop was carried out" in reply.error
    assert_stopped(running)


def test_a_stop_after_what_is_wrong(running):
    reply = running.get(f"/dcdc/set?dvg=0.0&mode={STOP}")
    assert (reply.status, "the stop was carried out" in reply.error) == (400, True)
    assert_stopped(running)


def test_every_bad_parameter_is_named(running):
    reply = running.get(f"/dcdc/set?mode={STOP}&dvg=0.0&dig=99&drg=x")
    assert reply.status == 400
    for name in ("dvg", "dig", "drg"):
        assert name in reply.error
    assert_stopped(running)


def test_a_bad_stop_is_remembered(unit):
    """A later set without mode does not start the converter again."""
    unit.ok(f"/dcdc/set?mode={CHARGE}&{SET}")
    unit.get(f"/dcdc/set?mode={STOP}&dvg=0.0")
    assert unit.ok("/dcdc/set?dvg=350&dig=2")["status"]["status"] == STOP


def test_a_stop_with_saved_parameters(unit):
    unit.ok(f"/dcdc/set?mode={CHARGE}&{SET}")
    unit.wire()
    unit.ok(f"/dcdc/set?mode={STOP}")
    assert unit.wire().commands == order(CHARGE, STOP) + TAIL


@pytest.mark.parametrize(
    "params",
    [
        {"mode": STOP},
        {"mode": STOP, "dvg": "0.0"},
        {"mode": STOP, "dvg": [], "dig": None, "drg": {}},
        {"mode": STOP, "unknown": 1},
    ],
    ids=str,
)
def test_a_stop_on_the_socket(running, params):
    if len(params) == 1:
        assert running.rpc("dcdcd", "remote_set", params)["status"]["status"] == STOP
    else:
        with pytest.raises(RpcError, match="the stop was carried out"):
            running.rpc("dcdcd", "remote_set", params)
    assert_stopped(running)


def test_a_stop_does_not_wait_behind_reading(patient_unit):
    """It is the next command after the one now on the wire, however many readers wait."""
    patient_unit.ok(f"/dcdc/set?mode={CHARGE}&{SET}")
    patient_unit.eza("set turnaround 0.05")
    paths = ["/dcdc/get", "/remote/ioctl/get", "/dcdc/get/status", "/remote/get"]
    with concurrent_requests(patient_unit.address, paths * 2) as answers:
        wait_until(lambda: patient_unit.wire().requests)
        patient_unit.wire()
        patient_unit.ok(f"/dcdc/set?mode={STOP}")
        commands = patient_unit.wire().commands
        assert "1-4" in commands[:2], commands
    assert [reply.status for reply in answers()] == [200] * 8


def test_a_stop_goes_before_sets(patient_unit):
    patient_unit.ok(f"/dcdc/set?mode={CHARGE}&{SET}")
    patient_unit.eza("set turnaround 0.05")
    sets = [f"/dcdc/set?dig={n}" for n in (3, 4, 5)]
    with concurrent_requests(patient_unit.address, sets) as answers:
        wait_until(lambda: patient_unit.wire().requests)
        patient_unit.ok(f"/dcdc/set?mode={STOP}")
    assert patient_unit.ok("/dcdc/get")["status"]["status"] == STOP
    for reply in answers():
        assert reply.status == 200 or reply.error == "superseded by a stop"


def test_a_stop_is_tried_again_until_confirmed(running):
    running.eza("fault drop for 1-4 count 2")
    running.ok(f"/dcdc/set?mode={STOP}")
    assert_stopped(running)


def test_all_pairs_of_changes_end_where_they_should(unit):
    for before, after in itertools.permutations(MODES, 2):
        unit.ok(f"/remote/set?mode={before}&{SET}")
        assert unit.ok(f"/remote/set?mode={after}&{SET}")["status"]["status"] == after
        assert unit.eza("state")["state"]["mode"] == after
