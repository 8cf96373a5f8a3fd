# SPDX-License-Identifier: Apache-2.0
"""apis-main's whole exchange, both generations: polls and control at once, each on its own
connection, as it really sends them."""

import concurrent.futures
import http.client
import threading

import pytest

from link import TIMEOUT, ask, wait_until

STOP, DISCHARGE, VOLTAGE, CHARGE = "0x0000", "0x0002", "0x0014", "0x0041"
OPERATION_MODES = {
    STOP: "Waiting",
    DISCHARGE: "Heteronomy CV",
    VOLTAGE: "Grid Autonomy",
    CHARGE: "Heteronomy CV",
}
TRIES = 3
GIVES_UP = 5  # s

SECOND = {
    "polls": ["/all/get"],
    "status": "/dcdc/get/status",
    "mode": "/dcdc/set?mode={mode}&dvg={dvg}&dig={dig}&drg={drg}",
    "voltage": "/dcdc/set?dvg={dvg}&drg={drg}",
    "current": "/dcdc/set?dig={dig}",
}
FIRST = {
    "polls": ["/remote/get", "/1/log/data"],
    "status": "/remote/get/status",
    "mode": "/remote/set?mode={mode}&dvg={dvg}&dig={dig}&drg={drg}",
    "voltage": "/remote/set/voltage?dvg={dvg}&drg={drg}",
    "current": "/remote/set/current?dig={dig}",
}


class Client:
    """One of its connections: retried at once, three tries in all, only 200 is success."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(*address, timeout=GIVES_UP)
        self.tries = 0

    def get(self, path):
        for _ in range(TRIES):
            self.tries += 1
            try:
                reply = ask(self.connection, path)
            except (OSError, http.client.HTTPException):
                self.connection.close()
                continue
            assert reply.seconds < GIVES_UP
            if reply.status == 200:
                return reply.json
        raise AssertionError(f"a hardware error that stops energy sharing: {path}: {reply.body}")


class Supervisor:
    def __init__(self, address, interface):
        self.address = address
        self.interface = interface
        self.control = Client(address)
        self.polled = []
        self.stopping = threading.Event()
        self.asked = None  # the mode that was set last, None while a set is under way
        self.pool = concurrent.futures.ThreadPoolExecutor()
        self.running = [self.pool.submit(self._poll, path) for path in interface["polls"]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.pool.shutdown()
        for one in self.running:
            one.result()

    def _poll(self, path):
        client = Client(self.address)
        while not self.stopping.wait(0.02):
            before = self.asked
            body = client.get(path)
            self.check(body)
            if before is not None and before == self.asked and "status" in body:
                assert body["status"]["operationMode"] == OPERATION_MODES[before]
            self.polled.append(path)
        assert client.tries == self.polled.count(path), "a poll had to be tried again"

    @staticmethod
    def check(body):
        """What it stops energy sharing for."""
        assert body.get("battery_operation_status", 3) == 3
        if "rsoc" in body:
            assert 0 <= body["rsoc"] <= 100
        if "status" in body:
            assert body["status"]["alarmState"] == "No alarm"
        for name in ("tmp", "vg", "vb", "ib", "ig") if "meter" in body else ():
            assert isinstance(body["meter"][name], (int, float))
            assert -1000 < body["meter"][name] < 1000

    def set(self, kind, **values):
        self.asked = None
        body = self.control.get(self.interface[kind].format(**values))
        if kind == "mode":
            assert body["status"]["operationMode"] == OPERATION_MODES[values["mode"]]
            assert body["status"]["status"] == values["mode"]
            self.mode = values["mode"]
        return body

    def confirm(self):
        """Reads the status until it fits, at most 3 times; here it must fit at once."""
        body = self.control.get(self.interface["status"])
        assert body["status"]["operationMode"] == OPERATION_MODES[self.mode]
        self.asked = self.mode
        return body


@pytest.fixture(params=[SECOND, FIRST], ids=["interface2", "interface1"])
def supervisor(request, unit):
    with Supervisor(unit.address, request.param) as supervisor:
        yield supervisor
        for path in request.param["polls"]:
            wait_until(lambda: supervisor.polled.count(path) >= 3)


def test_start(unit):
    """interface 2 shuts down unless the major version is 2."""
    version = Client(unit.address).get("/version/get")["comm_interface_version"]
    assert "." in version and version.split(".")[0] == "2"


def test_the_unit_that_holds_the_grid(unit, supervisor):
    """Stop, constant voltage, fine tuning in small steps, stop."""
    supervisor.set("mode", mode=STOP, dvg="350.0", dig="0", drg="0")
    supervisor.confirm()
    supervisor.set("mode", mode=VOLTAGE, dvg="350.0", dig="2.3", drg="0.039")
    supervisor.confirm()
    for dvg in ("349.9878", "351.5", "3.5E2"):
        body = supervisor.set("voltage", dvg=dvg, drg="0.039")
        assert body["vdis"]["dvg"] == pytest.approx(float(dvg), abs=0.03)
        meter = supervisor.confirm()["meter"]
        assert meter["vg"] == pytest.approx(float(dvg), abs=5)
    body = supervisor.set("mode", mode=STOP, dvg="350.0", dig="0", drg="1.0E-4")
    assert body["vdis"]["drg"] == 0
    supervisor.confirm()
    assert unit.eza("state")["state"]["mode"] == STOP


@pytest.mark.parametrize("mode, running", [(CHARGE, "charge"), (DISCHARGE, "discharge")])
def test_the_unit_that_gives_or_takes(unit, supervisor, mode, running):
    supervisor.set("mode", mode=mode, dvg="350.0", dig="0", drg="0")
    supervisor.confirm()
    for dig in ("1", "2.3", "0.5"):
        body = supervisor.set("current", dig=dig)
        assert body["param"]["dig"] == pytest.approx(float(dig), abs=0.001)
        assert abs(supervisor.confirm()["meter"]["ig"]) < 8
    assert supervisor.confirm()["status"]["runningState"] == running
    supervisor.set("mode", mode=STOP, dvg="350.0", dig="0", drg="0")
    assert supervisor.confirm()["status"]["runningState"] == "off"
    assert unit.eza("state")["state"]["mode"] == STOP


def test_from_current_to_voltage(supervisor):
    """A unit that gives becomes the one that holds the grid."""
    supervisor.set("mode", mode=DISCHARGE, dvg="350.0", dig="1.5", drg="0")
    supervisor.confirm()
    supervisor.set("mode", mode=VOLTAGE, dvg="350.0", dig="1.5", drg="0.039")
    supervisor.confirm()
    supervisor.set("mode", mode=STOP, dvg="350.0", dig="0", drg="0")
    supervisor.confirm()


def test_stop_with_an_incomplete_policy_file(unit, supervisor):
    """dvg=0.0: refused, but the converter does stop."""
    supervisor.set("mode", mode=CHARGE, dvg="350.0", dig="2", drg="0")
    supervisor.confirm()
    supervisor.asked = None
    path = supervisor.interface["mode"].format(mode=STOP, dvg="0.0", dig="0.0", drg="0.0")
    connection = http.client.HTTPConnection(*unit.address, timeout=TIMEOUT)
    for _ in range(TRIES):
        reply = ask(connection, path)
        assert reply.status == 400 and "the stop was carried out" in reply.error
    connection.close()
    assert unit.eza("state")["state"]["mode"] == STOP


def test_many_sets_while_polling(supervisor):
    """Every one answered, each status read right after it from after it."""
    supervisor.set("mode", mode=CHARGE, dvg="350.0", dig="0", drg="0")
    for step in range(15):
        dig = f"{step / 10}"
        assert supervisor.set("current", dig=dig)["param"]["dig"] == pytest.approx(
            float(dig), abs=0.001
        )
        supervisor.confirm()


def test_both_generations_at_once(unit):
    with Supervisor(unit.address, FIRST) as first, Supervisor(unit.address, SECOND) as second:
        first.set("mode", mode=CHARGE, dvg="350.0", dig="1", drg="0")
        for step in range(5):
            first.set("current", dig=f"{1 + step / 10}")
            second.set("voltage", dvg=f"{350 + step}.0", drg="0")
        first.set("mode", mode=STOP, dvg="350.0", dig="0", drg="0")
        first.confirm()


def test_full_speed_lines(stack):
    """The default silence of 62 ms between commands: as long as in service, nothing fails."""
    stack.start(config={"dcdc.dcdc_default_eza2500.command_interval": None})
    with Supervisor(stack.address, SECOND) as supervisor:
        supervisor.set("mode", mode=VOLTAGE, dvg="350.0", dig="2", drg="0.039")
        supervisor.confirm()
        supervisor.set("voltage", dvg="351.0", drg="0.039")
        supervisor.confirm()
        supervisor.set("mode", mode=STOP, dvg="350.0", dig="0", drg="0")
        supervisor.confirm()
