# SPDX-License-Identifier: Apache-2.0
"""Each daemon killed, stopped, frozen, restarted: the others keep working and find it again."""

import concurrent.futures
import itertools
import signal
import threading
import time

import pytest

from link import TIMEOUT, Line, concurrent_requests, http_get, request_line, rpc, wait_until
from stack import DAEMONS, DCDC

SET = "mode=0x0041&dvg=350&drg=0&dig=2"
CLIENT_WAITS = 4.5  # s; every request is answered within


class Readers:
    """Clients that read without pause; every reply is kept."""

    def __init__(self, address, paths):
        self.replies = []
        self.stopping = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(len(paths))
        self.running = [self.pool.submit(self._read, address, path) for path in paths]

    def _read(self, address, path):
        while not self.stopping.is_set():
            self.replies.append((path, http_get(address, path)))
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.pool.shutdown()
        for one in self.running:
            one.result()

    def settled(self):
        """Waits until each has had a few more answers."""
        count = len(self.replies)
        wait_until(lambda: len(self.replies) >= count + 3 * len(self.running))


PATHS = ["/all/get", "/battery/get", "/dcdc/get/status"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("daemon", ["dcdcd", "battd"])
def test_reads_do_not_notice_a_restart(unit, daemon, number):
    with Readers(unit.address, PATHS) as readers:
        for _ in range(3):
            readers.settled()
            unit.restart(daemon, number)
        readers.settled()
    for path, reply in readers.replies:
        assert reply.status == 200, f"{path}: {reply.body}"
        assert reply.seconds < CLIENT_WAITS
        assert reply.json.get("battery_operation_status", 3) == 3


@pytest.mark.parametrize("daemon", ["dcdcd", "battd"])
def test_reads_wait_for_a_daemon_that_is_away(unit, daemon):
    unit.kill(daemon)
    with concurrent_requests(unit.address, ["/all/get"]) as replies:
        wait_until(lambda: unit.rpc("gatewayd", "status")["connections"]["answering"] == 1)
        time.sleep(1)  # away for so long
        unit.start(daemon)
    reply = replies()[0]
    assert reply.status == 200
    assert 1 <= reply.seconds < 3


def test_reads_wait_for_dcdcd_at_the_default_pace(stack):
    """Away for 2.5 s; then the mode and what they want is read with 62 ms between commands."""
    stack.start(config={f"{DCDC}.command_interval": None}, baud=19200)
    paths = ["/all/get", "/dcdc/get", "/remote/ioctl/get", "/dcdc/get/status"]
    stack.kill("dcdcd")
    with concurrent_requests(stack.address, paths) as replies:
        wait_until(
            lambda: stack.rpc("gatewayd", "status")["connections"]["answering"] == len(paths)
        )
        time.sleep(2.5)  # away for so long
        stack.start("dcdcd")
    for path, reply in zip(paths, replies()):
        assert reply.status == 200, f"{path}: {reply.body}"
        assert 2.5 <= reply.seconds < CLIENT_WAITS


@pytest.mark.parametrize("daemon, path", [("dcdcd", "/dcdc/get"), ("battd", "/battery/get")])
def test_a_daemon_that_stays_away_is_503(unit, daemon, path):
    unit.kill(daemon)
    for asked in (path, "/all/get"):
        reply = unit.get(asked)
        assert reply.status == 503
        assert daemon in reply.error
        assert reply.seconds < CLIENT_WAITS
    other = "/battery/get" if daemon == "dcdcd" else "/dcdc/get"
    assert unit.ok(other)
    assert unit.ok("/version/get")


def test_a_set_for_a_daemon_that_stays_away(unit):
    unit.kill("dcdcd")
    reply = unit.get(f"/dcdc/set?{SET}")
    assert reply.status == 503 and reply.seconds < CLIENT_WAITS
    unit.start("dcdcd")
    unit.settle()
    assert unit.eza("state")["state"]["mode"] == "0x0000"  # it is not carried out late


@pytest.mark.parametrize("daemon", DAEMONS)
def test_saved_parameters_survive(unit, daemon):
    unit.ok(f"/dcdc/set?{SET}")
    saved = unit.rpc("gatewayd", "status")["saved"]
    unit.restart(daemon, signal.SIGKILL)
    assert unit.rpc("gatewayd", "status")["saved"] == saved
    assert unit.ok("/dcdc/set?dig=3")
    assert unit.ok("/remote/set?mode=0x0041")["param"]["dig"] > 2.9


def test_forgotten_parameters_stay_forgotten(unit):
    unit.ok(f"/dcdc/set?{SET}")
    unit.ok("/essx/hello")
    unit.restart("gatewayd", signal.SIGKILL)
    assert unit.get("/dcdc/set?dig=3").error == "No operationMode"


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_stale_socket_is_replaced(unit, daemon):
    unit.kill(daemon)
    assert unit.socket(daemon).is_socket()
    unit.start(daemon)
    assert unit.rpc(daemon, "ping") == "pong"


@pytest.mark.parametrize("order", itertools.permutations(DAEMONS), ids="-".join)
def test_every_order_of_starting(stack, order):
    stack.start("battery-sim", "eza2500-sim", *order)
    assert stack.ok("/all/get")["battery_operation_status"] == 3
    assert stack.ok(f"/dcdc/set?{SET}")["status"]["status"] == "0x0041"


def test_daemons_before_the_simulators(stack):
    stack.start(*DAEMONS, "battery-sim", "eza2500-sim")
    wait_until(lambda: stack.get("/all/get").status == 200, 6)


@pytest.mark.parametrize("daemon", ["dcdcd", "gatewayd", "battd"])
def test_asked_to_stop_while_answering(patient_unit, daemon):
    """What is under way is answered, then it ends with status 0."""
    patient_unit.eza("set turnaround 0.06")
    path = "/battery/get" if daemon == "battd" else "/dcdc/get"
    with concurrent_requests(patient_unit.address, [path] * 2) as replies:
        if daemon != "battd":
            wait_until(lambda: patient_unit.wire().requests)
        began = time.monotonic()
        patient_unit.end(daemon)
        assert time.monotonic() - began < 5
        if daemon != "gatewayd":
            patient_unit.start(daemon)
    assert [reply.status for reply in replies()] == [200, 200]


@pytest.mark.parametrize("daemon", ["dcdcd", "battd"])
def test_frozen_for_a_while(unit, daemon):
    unit.programs[daemon].signal(signal.SIGSTOP)
    with concurrent_requests(unit.address, ["/all/get"] * 3) as replies:
        time.sleep(1)
        unit.programs[daemon].signal(signal.SIGCONT)
    assert [reply.status for reply in replies()] == [200] * 3


@pytest.mark.parametrize("daemon", ["dcdcd", "battd"])
def test_frozen_for_long(unit, daemon):
    unit.programs[daemon].signal(signal.SIGSTOP)
    with concurrent_requests(unit.address, ["/all/get", "/version/get"]) as replies:
        late, quick = replies()
    assert late.status == 503 and late.seconds < CLIENT_WAITS
    assert quick.status == 200 and quick.seconds < 1
    unit.programs[daemon].signal(signal.SIGCONT)
    wait_until(lambda: unit.get("/all/get").status == 200, 3)


def test_a_set_is_not_executed_twice(patient_unit):
    """dcdcd dies while it sets: gatewayd does not send the set to its successor."""
    patient_unit.eza("set turnaround 0.06")
    with concurrent_requests(patient_unit.address, [f"/dcdc/set?{SET}"]) as replies:
        wait_until(lambda: patient_unit.eza("state")["state"]["counters"]["requests"] > 4)
        patient_unit.kill("dcdcd")
        patient_unit.start("dcdcd")
    reply = replies()[0]
    assert reply.status == 503 and "dcdcd" in reply.error
    patient_unit.ok("/dcdc/get")
    assert patient_unit.wire().commands.count("4-4") <= 1


def test_a_stop_is_executed_for_certain(patient_unit):
    """The same with a stop: it is sent again."""
    patient_unit.ok(f"/dcdc/set?{SET}")
    patient_unit.wire()
    patient_unit.eza("set turnaround 0.06")
    patient_unit.eza("fault silence for 1-4 count 1")
    stop = "/dcdc/set?mode=0x0000&dvg=350&dig=2"
    with concurrent_requests(patient_unit.address, [stop]) as replies:
        wait_until(lambda: "1-4" in patient_unit.wire().commands)
        patient_unit.kill("dcdcd")
        patient_unit.start("dcdcd")
    assert replies()[0].status == 200
    assert patient_unit.eza("state")["state"]["mode"] == "0x0000"


def kill(stack):
    stack.kill("dcdcd")


def end_at_once(stack):
    """The second signal does not let it wait."""
    program = stack.programs["dcdcd"]
    program.signal(signal.SIGTERM)
    program.wait_for("stopping: SIGTERM")
    stack.end("dcdcd")


@pytest.mark.parametrize("leave", [kill, end_at_once])
@pytest.mark.parametrize("loss, back", [("hangup", "back"), ("fault silence", "clear")])
def test_a_stop_that_is_not_confirmed_survives_a_restart(unit, leave, loss, back):
    """It still has tries ahead, or waits for the port; its client is gone with dcdcd."""
    unit.ok(f"/dcdc/set?{SET}")
    unit.eza(loss)
    if loss == "hangup":
        wait_until(lambda: unit.rpc("dcdcd", "status")["state"] == "port_closed")
    unit.wire()
    with Line(unit.socket("dcdcd")) as line:
        line.send(request_line("remote_set", {"mode": "0x0000"}))
        wait_until(lambda: unit.rpc("dcdcd", "status")["waiting"] == 1)
        leave(unit)
    unit.eza(back)
    assert unit.eza("state")["state"]["mode"] == "0x0041"
    unit.wire()
    unit.start("dcdcd")
    wait_until(lambda: unit.eza("state")["state"]["mode"] == "0x0000", 1)
    assert unit.wire().commands[0] == "1-4"
    wait_until(lambda: not (unit.dir / "dcdcd.stop_owed").exists())


def test_an_owed_stop_goes_out_as_soon_as_the_port_is_back(unit):
    unit.ok(f"/dcdc/set?{SET}")
    unit.eza("hangup")
    wait_until(lambda: unit.rpc("dcdcd", "status")["state"] == "port_closed")
    assert unit.get("/dcdc/set?mode=0x0000").status == 400
    assert unit.rpc("dcdcd", "status")["stop_owed"]
    unit.wire()
    unit.eza("back")
    wait_until(lambda: unit.eza("state")["state"]["mode"] == "0x0000")
    assert unit.wire().commands[0] == "1-4"


def test_a_running_converter_stays_as_it_is(unit):
    """Ending or killing dcdcd changes nothing at the converter."""
    unit.ok(f"/dcdc/set?{SET}")
    unit.wire()
    unit.end("dcdcd")
    unit.start("dcdcd")
    unit.restart("dcdcd", signal.SIGKILL)
    assert unit.ok("/dcdc/get")["status"]["status"] == "0x0041"
    assert not [name for name in unit.wire().commands if name.endswith("-4")]


def test_found_again_quickly(unit):
    """gatewayd is connected within 100 ms of a daemon's return."""
    for daemon in ("dcdcd", "battd"):
        unit.kill(daemon)
        wait_until(lambda: not connected(unit, daemon))
        unit.start(daemon)
        returned = time.monotonic()
        wait_until(lambda: connected(unit, daemon), TIMEOUT)
        assert time.monotonic() - returned < 0.3


def connected(stack, daemon):
    return rpc(stack.socket("gatewayd"), "status")["daemons"][daemon]["connected"]


def test_no_descriptor_is_left_over(unit):
    def count(daemon):
        return len(unit.descriptors(daemon))

    unit.ok("/all/get")
    before = {daemon: count(daemon) for daemon in DAEMONS}
    for _ in range(5):
        unit.eza("hangup")
        unit.battery("hangup")
        wait_until(lambda: unit.rpc("dcdcd", "status")["state"] == "port_closed", 2)
        wait_until(lambda: not unit.rpc("battd", "status")["port"]["open"], 3)
        unit.eza("back")
        unit.battery("back")
        wait_until(lambda: unit.get("/all/get").status == 200, 5)
    wait_until(lambda: all(count(daemon) <= before[daemon] for daemon in DAEMONS), 3)
