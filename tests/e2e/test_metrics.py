# SPDX-License-Identifier: Apache-2.0
"""/metrics, /healthz, /readyz: what they tell, what they never do."""

import pathlib
import signal
import time

import pytest

import scrape
from link import Line, request_line, wait_until
from stack import BATTERY, BATTERY_DEV, BUILD, DAEMONS, DCDC

CHARGE = "mode=0x0041&dvg=350&drg=0&dig=2"
CONVERTER, BATTERY_LINK = 'dcdc_link_up{device="converter"}', 'dcdc_link_up{device="battery"}'
METERS = {
    "vg": "dcdc_grid_voltage_volts",
    "ig": "dcdc_grid_current_amperes",
    "wg": "dcdc_grid_power_watts",
    "vb": "dcdc_battery_voltage_volts",
    "ib": "dcdc_battery_current_amperes",
    "wb": "dcdc_battery_power_watts",
    "tmp": "dcdc_temperature_celsius",
}
SET_POINTS = {
    "dvg": "dcdc_grid_voltage_setpoint_volts",
    "drg": "dcdc_grid_droop_setpoint",
    "dig": "dcdc_grid_current_setpoint_amperes",
}
STATES = ["dcdc_mode", "dcdc_alarm_state", "dcdc_running_state"]
CONVERTER_VALUES = [*METERS.values(), *SET_POINTS.values(), *STATES]
BATTERY_VALUES = ["dcdc_battery_state_of_charge_ratio", "dcdc_battery_sharing_permitted"]
SANITIZED = b"__asan_init" in (BUILD / "gatewayd").read_bytes()
WATCHED = ["/metrics", "/healthz", "/readyz", "/openapi.json"]


def shown(metrics, names):
    return [name for name in names if metrics.of(name)]


def wait_shown(stack, names):
    """On a loaded machine the battery may just have been missed."""
    wait_until(lambda: shown(scrape.scrape(stack), names) == list(names))


def state_of(metrics, name, label):
    """The one label value whose series is 1."""
    found = [key for key, value in metrics.of(name).items() if value == 1]
    assert len(found) == 1, metrics.of(name)
    return found[0].split(f'{label}="')[1].split('"')[0]


# what is told


def test_values_are_those_of_the_answers(unit):
    unit.ok(f"/dcdc/set?{CHARGE}")
    wait_shown(unit, BATTERY_VALUES)
    body = unit.ok("/all/get")
    metrics = scrape.scrape(unit)
    for key, name in METERS.items():
        assert metrics[name] == body["meter"][key]
    for key, name in SET_POINTS.items():
        assert metrics[name] == {**body["vdis"], **body["param"]}[key]
    assert state_of(metrics, "dcdc_mode", "mode") == "0x0041"
    assert state_of(metrics, "dcdc_mode", "name") == body["status"]["operationMode"]
    assert state_of(metrics, "dcdc_alarm_state", "state") == "none"
    assert state_of(metrics, "dcdc_running_state", "state") == body["status"]["runningState"]
    assert metrics[CONVERTER] == 1
    wait_shown(unit, BATTERY_VALUES)
    metrics = scrape.scrape(unit)
    assert metrics["dcdc_battery_state_of_charge_ratio"] == pytest.approx(
        unit.ok("/battery/get")["rsoc"] / 100
    )
    assert metrics["dcdc_battery_sharing_permitted"] == metrics[BATTERY_LINK] == 1


def test_the_clock_is_the_unix_one(unit):
    before = time.time()
    unit.ok("/all/get")
    metrics = scrape.scrape(unit)
    last = metrics.of("dcdc_last_success_timestamp_seconds")
    assert before - 0.01 <= last['{device="converter"}'] <= time.time() + 0.01
    assert before - 2 <= last['{device="battery"}'] <= time.time() + 0.01
    for started in metrics.of("process_start_time_seconds").values():
        assert before - 60 < started < before


@pytest.mark.parametrize("alarm", ["light", "heavy"])
def test_alarms(unit, alarm):
    unit.eza(f"set alarm {alarm}")
    unit.ok("/dcdc/get")
    assert state_of(scrape.scrape(unit), "dcdc_alarm_state", "state") == alarm
    unit.ok("/remote/ioctl/clr_alarm")
    assert state_of(scrape.scrape(unit), "dcdc_alarm_state", "state") == "none"


def test_permission_and_charge(unit):
    unit.battery("set sharing denied")
    unit.battery("set rsoc 12.5")
    wait_until(lambda: scrape.scrape(unit)["dcdc_battery_sharing_permitted"] == 0)
    wait_until(
        lambda: scrape.scrape(unit)["dcdc_battery_state_of_charge_ratio"] == pytest.approx(0.125)
    )


def test_errors_and_retries_are_counted(stack):
    stack.start(config={f"{DCDC}.reply_timeout": "0.4"})
    before = scrape.scrape(stack)
    stack.eza("fault silence for 1-1 count 2")
    stack.eza("fault nak fffd for 2-1 count 1")
    stack.eza("fault checksum for 10-1 count 1")
    stack.ok("/dcdc/get/status")
    after = scrape.scrape(stack)
    grown = {key: after[key] - before.get(key, 0) for key in after}
    device = 'device="converter"'
    assert grown[f'dcdc_errors_total{{{device},kind="timeout"}}'] == 2
    assert grown[f'dcdc_errors_total{{{device},kind="nak"}}'] == 1
    assert grown[f'dcdc_errors_total{{{device},kind="checksum"}}'] == 1
    assert grown["dcdc_retries_total"] == 4
    assert grown[f'dcdc_frames_total{{{device},direction="sent"}}'] == 3 + 4
    assert grown['dcdc_calls_total{kind="read"}'] == 1


def test_errors_of_the_battery(unit):
    unit.battery("fault exception 4 count 2")
    name = 'dcdc_errors_total{device="battery",kind="exception"}'
    wait_until(lambda: scrape.scrape(unit)[name] == 2)
    wait_until(lambda: scrape.scrape(unit)["dcdc_battery_polls_total"] >= 4)
    frames = scrape.scrape(unit).of("dcdc_frames_total")
    assert frames['{device="battery",direction="sent"}'] >= 4


def test_reply_times_by_command(unit):
    unit.eza("set turnaround 0.04")
    unit.rpc("dcdcd", "command", {"name": "15-1"})
    metrics = scrape.scrape(unit)
    name = "dcdc_reply_duration_seconds"
    assert metrics[f'{name}_count{{command="15-1"}}'] == 1
    assert metrics[f'{name}_sum{{command="15-1"}}'] > 0.04
    assert metrics[f'{name}_bucket{{command="15-1",le="0.03"}}'] == 0
    assert metrics[f'{name}_bucket{{command="15-1",le="+Inf"}}'] == 1
    assert f'{name}_count{{command="16-1"}}' not in metrics


def test_a_stop_that_is_owed(unit):
    unit.ok(f"/dcdc/set?{CHARGE}")
    assert scrape.scrape(unit)["dcdc_stop_owed"] == 0
    unit.eza("fault silence")
    assert unit.get("/dcdc/set?mode=0x0000").status == 400
    assert scrape.scrape(unit)["dcdc_stop_owed"] == 1
    unit.eza("clear")
    wait_until(lambda: scrape.scrape(unit)["dcdc_stop_owed"] == 0)


def test_guards(stack):
    stack.start(
        config={
            f"{BATTERY}.force_dcdc_waiting": "Yes",
            f"{DCDC}.battery_check_interval": "1",
        }
    )
    assert scrape.scrape(stack).of("dcdc_guard_enabled") == {
        '{guard="battery"}': 1,
        '{guard="supervisor"}': 0,
    }
    wait_until(lambda: scrape.scrape(stack).of("dcdc_guard_tripped") == {'{guard="battery"}': 0})
    stack.battery("set sharing denied")
    wait_until(lambda: scrape.scrape(stack).of("dcdc_guard_tripped") == {'{guard="battery"}': 1})
    stops = scrape.scrape(stack).of("dcdc_guard_stops_total")
    assert stops['{guard="battery"}'] >= 1 and stops['{guard="supervisor"}'] == 0


def test_requests_by_path_and_code(unit):
    before = scrape.scrape(unit)
    for path in ("/battery/get", "/battery/get", "/dcdc/set?mode=1"):
        unit.get(path)
    for number in range(20):
        unit.get(f"/no/such/{number}")
    after = scrape.scrape(unit)
    name = "dcdc_http_requests_total"
    battery = name + '{path="/battery/get",code="200"}'
    assert after[battery] == before.get(battery, 0) + 2
    assert after[name + '{path="/dcdc/set",code="400"}'] == 1
    assert after[name + '{path="unknown",code="404"}'] == 20
    assert after['dcdc_http_request_duration_seconds_count{path="unknown"}'] == 20
    # The scrape before was counted, and took its time.
    assert after[name + '{path="/metrics",code="200"}'] >= 1


def test_every_family_is_as_the_field_has_it(unit):
    """After all that can be: each command, refusals, unknown paths."""
    for command in unit.rpc("dcdcd", "list_commands"):
        if not command["writes"]:
            unit.rpc("dcdcd", "command", {"name": command["name"]})
    for path in ("/all/get", f"/dcdc/set?{CHARGE}", "/dcdc/set?mode=0", "/nothing", "/readyz"):
        unit.get(path)
    text = unit.get("/metrics").body
    scrape.assert_promtool_is_quiet(text)
    metrics = scrape.Metrics(text.decode())
    for name, kind in metrics.types.items():
        assert name.startswith(("dcdc_", "process_")), name
        assert (kind == "counter") == name.endswith("_total"), name
        assert len(metrics.helps[name]) > 10, name
    for name in ("dcdc_build_info", "process_cpu_seconds_total", "process_open_fds"):
        assert len(metrics.of(name)) == 3


def test_each_daemon_tells_its_own(unit):
    for daemon in ("dcdcd", "battd", "gatewayd"):
        families = unit.rpc(daemon, "metrics")
        build = next(one for one in families if one["name"] == "dcdc_build_info")
        assert build["samples"][0]["labels"]["daemon"] == daemon
        assert len({one["name"] for one in families}) == len(families)


def test_head(unit):
    reply = unit.get("/metrics", method="HEAD")
    assert reply.status == 200 and reply.body == b""
    assert reply.headers["content-type"] == scrape.CONTENT_TYPE


# what disappears


def test_the_converter_unplugged(unit):
    unit.ok("/all/get")
    before = scrape.scrape(unit)
    assert shown(before, CONVERTER_VALUES) == CONVERTER_VALUES
    unit.eza("hangup")
    wait_until(lambda: scrape.scrape(unit)[CONVERTER] == 0)
    after = scrape.scrape(unit)
    assert shown(after, CONVERTER_VALUES) == []
    wait_shown(unit, BATTERY_VALUES)
    assert after['dcdc_port_open{device="converter"}'] == 0
    counters = {key for key in before if "_total" in key}
    assert counters <= set(after)
    unit.eza("back")
    wait_until(lambda: scrape.scrape(unit)[CONVERTER] == 1)
    assert shown(scrape.scrape(unit), METERS.values()) == []  # nobody has read them since
    unit.ok("/all/get")
    assert shown(scrape.scrape(unit), CONVERTER_VALUES) == CONVERTER_VALUES


def test_the_converter_silent(unit):
    unit.ok("/all/get")
    unit.eza("fault silence")
    assert unit.get("/all/get").status == 400
    metrics = scrape.scrape(unit)
    assert metrics[CONVERTER] == 0 and metrics['dcdc_port_open{device="converter"}'] == 1
    assert shown(metrics, CONVERTER_VALUES) == []


def test_the_converter_was_never_there(stack):
    stack.start("battery-sim", "dcdcd", "battd", "gatewayd")
    metrics = scrape.scrape(stack)
    assert metrics[CONVERTER] == 0
    assert shown(metrics, CONVERTER_VALUES) == []
    assert '{device="converter"}' not in metrics.of("dcdc_last_success_timestamp_seconds")


def test_values_that_nobody_reads_again(unit):
    """The converter is there, but what it said is 15 s old."""
    asked = time.monotonic()
    unit.ok("/all/get")
    assert shown(scrape.scrape(unit), CONVERTER_VALUES) == CONVERTER_VALUES
    wait_until(lambda: shown(scrape.scrape(unit), CONVERTER_VALUES) == [], 40)
    assert time.monotonic() - asked > 15
    assert scrape.scrape(unit)[CONVERTER] == 1


@pytest.mark.parametrize("how", ["hangup", "fault silence"])
def test_the_battery_away(unit, how):
    wait_shown(unit, BATTERY_VALUES)
    unit.battery(how)
    wait_until(lambda: scrape.scrape(unit)[BATTERY_LINK] == 0)
    assert shown(scrape.scrape(unit), BATTERY_VALUES) == []
    unit.battery("back" if how == "hangup" else "clear")
    wait_shown(unit, BATTERY_VALUES)


def test_no_battery_is_configured(stack):
    stack.start("eza2500-sim", config={f"{BATTERY_DEV}.class": "'None'"})
    stack.start("dcdcd", "battd", "gatewayd")
    metrics = scrape.scrape(stack)
    assert metrics['dcdc_daemon_up{daemon="battd"}'] == 1
    assert not any('device="battery"' in key for key in metrics)
    assert shown(metrics, BATTERY_VALUES) == []
    scrape.assert_promtool_is_quiet(stack.get("/metrics").body)


@pytest.mark.parametrize("daemon, other", [("dcdcd", "battd"), ("battd", "dcdcd")])
def test_a_daemon_away(unit, daemon, other):
    unit.ok("/all/get")
    unit.kill(daemon)
    reply = unit.get("/metrics")
    scrape.assert_promtool_is_quiet(reply.body)
    assert reply.seconds < 2  # it is not waited for, as requests are
    metrics = scrape.Metrics(reply.body.decode())
    assert metrics.of("dcdc_daemon_up") == {
        f'{{daemon="{daemon}"}}': 0,
        f'{{daemon="{other}"}}': 1,
    }
    away = CONVERTER_VALUES if daemon == "dcdcd" else BATTERY_VALUES
    assert shown(metrics, away) == []
    assert len(metrics.of("dcdc_build_info")) == 2
    unit.start(daemon)
    wait_until(lambda: scrape.scrape(unit)[f'dcdc_daemon_up{{daemon="{daemon}"}}'] == 1)


def test_a_daemon_that_is_stuck(unit):
    """It holds neither the scrape nor its other half."""
    unit.programs["dcdcd"].signal(signal.SIGSTOP)
    reply = unit.get("/metrics")
    ready = unit.get("/readyz")
    wait_shown(unit, BATTERY_VALUES)
    unit.programs["dcdcd"].signal(signal.SIGCONT)
    assert reply.seconds < 4 and ready.seconds < 4
    metrics = scrape.Metrics(reply.body.decode())
    assert metrics['dcdc_daemon_up{daemon="dcdcd"}'] == 0
    assert ready.json["reasons"]["dcdcd"] == "dcdcd did not answer in time"
    wait_until(lambda: unit.get("/readyz").status == 200)


def test_a_restart_shows_in_the_start_time(unit):
    name = 'process_start_time_seconds{daemon="dcdcd"}'
    before = scrape.scrape(unit)
    unit.restart("dcdcd")
    wait_until(lambda: scrape.scrape(unit).get(name, 0) > before[name])
    after = scrape.scrape(unit)
    other = 'process_start_time_seconds{daemon="battd"}'
    assert after[other] == before[other]


# what never happens


def test_the_wire_is_not_touched(unit):
    assert unit.wire() == []
    for _ in range(10):
        for path in WATCHED:
            assert unit.get(path).status == 200
    assert unit.wire() == []


def computing_seconds(stack):
    """What the three event loops have computed, however loaded the machine is."""
    pids = [stack.programs[name].pid for name in DAEMONS]
    texts = [pathlib.Path(f"/proc/{pid}/schedstat").read_text() for pid in pids]
    return sum(int(text.split()[0]) for text in texts) / 1e9


def test_a_scrape_is_cheap(unit):
    unit.ok("/all/get")
    times = 50
    before = computing_seconds(unit)
    for _ in range(times):
        scrape.scrape(unit)
    took = (computing_seconds(unit) - before) / times
    assert took < 0.005 * (4 if SANITIZED else 1), f"{took * 1000:.2f} ms"


def test_watching_is_not_the_supervisor(stack):
    stack.start(config={f"{DCDC}.supervisor_timeout": "1"})
    stack.ok(f"/dcdc/set?{CHARGE}")
    seen = scrape.scrape(stack)["dcdc_supervisor_last_seen_timestamp_seconds"]
    deadline = time.monotonic() + 15
    while stack.eza("state")["state"]["mode"] != "0x0000":
        assert time.monotonic() < deadline, "watching has kept it running"
        for path in WATCHED:
            assert stack.get(path).status in (200, 503)
        time.sleep(0.05)  # a pace at which a client would count
    metrics = scrape.scrape(stack)
    assert metrics["dcdc_supervisor_last_seen_timestamp_seconds"] <= seen + 0.3
    assert metrics['dcdc_guard_stops_total{guard="supervisor"}'] >= 1


def test_a_client_that_leaves_during_a_scrape(unit):
    """dcdcd is stuck meanwhile: the answer goes into the void."""
    unit.programs["dcdcd"].signal(signal.SIGSTOP)
    for path in ("/metrics", "/readyz"):
        with pytest.raises(TimeoutError):
            unit.get(path, timeout=0.05)
    unit.programs["dcdcd"].signal(signal.SIGCONT)
    assert scrape.scrape(unit)


def test_stopping_while_a_scrape_waits(unit):
    unit.programs["dcdcd"].signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        unit.get("/metrics", timeout=0.05)
    unit.end("gatewayd")
    unit.programs["dcdcd"].signal(signal.SIGCONT)


# health


def test_healthy_without_anything(stack):
    stack.start("gatewayd")
    assert stack.ok("/healthz") == {"healthy": True}
    reply = stack.get("/readyz")
    assert reply.status == 503
    assert reply.json == {
        "ready": False,
        "reasons": {"dcdcd": "dcdcd cannot be reached", "battd": "battd cannot be reached"},
    }


def test_ready(unit):
    wait_until(lambda: unit.get("/readyz").json == {"ready": True, "reasons": {}})
    unit.eza("hangup")
    wait_until(lambda: unit.get("/readyz").status == 503)
    wait_until(lambda: list(unit.get("/readyz").json["reasons"]) == ["converter"])
    unit.battery("fault silence")
    wait_until(lambda: list(unit.get("/readyz").json["reasons"]) == ["converter", "battery"])
    unit.eza("back")
    unit.battery("clear")
    wait_until(lambda: unit.get("/readyz").status == 200)
    assert unit.ok("/healthz") == {"healthy": True}


def test_ready_without_a_battery(stack):
    stack.start("eza2500-sim", config={f"{BATTERY_DEV}.class": "'None'"})
    stack.start("dcdcd", "battd", "gatewayd")
    wait_until(lambda: stack.get("/readyz").status == 200)


def test_readiness_names_what_is_wrong(unit):
    unit.eza("fault silence")
    unit.get("/dcdc/get")
    assert unit.get("/readyz").json["reasons"]["converter"] == "read timeout"
    unit.kill("battd")
    assert "battd" in unit.get("/readyz").json["reasons"]


def test_the_line_holds_all_that_dcdcd_can_tell(unit):
    """Far below the 64 KiB of a line of the socket, with every command in use."""
    for command in unit.rpc("dcdcd", "list_commands"):
        if not command["writes"]:
            unit.rpc("dcdcd", "command", {"name": command["name"]})
    unit.ok("/all/get")
    with Line(unit.socket("dcdcd")) as line:
        line.send(request_line("metrics"))
        assert len(line.receive()) < 32 * 1024
