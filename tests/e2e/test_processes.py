# SPDX-License-Identifier: Apache-2.0
"""Daemons killed at random under load, frozen, started in any order, missing.

DCDC_KILLS sets how often test_killed_at_random kills (default 12; make test-kill: 200), DCDC_SEED
its random numbers.
"""

import collections
import contextlib
import itertools
import os
import random
import signal
import socket
import statistics
import threading
import time

import pytest

import eza
from link import Line, concurrent_requests, http_get, request_line, wait_until
from stack import DAEMONS, DCDC
from test_paths import LOG_DATA

KILLS = int(os.environ.get("DCDC_KILLS", "12"))
SEED = int(os.environ.get("DCDC_SEED", "1"))
ANSWERED = 4.5  # s
RESTART = 3  # s; reads that meet a restart shorter than this succeed
# No timeouts: a command that is repeated within a sequence would look like a set done twice.
CONFIG = {f"{DCDC}.command_interval": "0", f"{DCDC}.reply_timeout": "1"}

DCDC_KEYS = {"meter", "param", "status", "vdis"}
KEYS = {
    "/all/get": {*DCDC_KEYS, "rsoc", "battery_operation_status"},
    "/dcdc/get": DCDC_KEYS,
    "/remote/get": {*DCDC_KEYS, "powermeter"},
    "/dcdc/get/status": {"meter", "status"},
    "/battery/get": {"rsoc", "battery_operation_status"},
    "/1/log/data": set(LOG_DATA),
    "/version/get": {"comm_interface_version", "dcdc_batt_comm_version"},
}


def dvg_of(number):
    """Different for each set, on the wire too."""
    return f"{300 + number * 0.05:.2f}"


class Request:
    def __init__(self, path, reply, began, ended):
        self.path, self.reply, self.began, self.ended = path, reply, began, ended

    def overlaps(self, spans):
        return any(began <= self.ended and self.began <= ended for began, ended in spans)


class Load:
    """Clients that read, and one that sets and stops, until told to end; what became of each."""

    def __init__(self, stack, setting=True):
        self.stack = stack
        self.requests, self.sets, self.stops = [], [], []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._read, args=(path,)) for path in KEYS]
        if setting:
            self.threads.append(threading.Thread(target=self._set))

    def _ask(self, path):
        began = time.monotonic()
        try:
            reply = http_get(self.stack.address, path)
        except OSError:  # gatewayd is not there, or has died before it answered
            reply = None
        except Exception as error:  # an answer that ends in the middle
            assert type(error).__name__ in ("RemoteDisconnected", "IncompleteRead"), error
            reply = None
        return Request(path, reply, began, time.monotonic())

    def _read(self, path):
        while not self.stopping.wait(0.02):
            self.requests.append(self._ask(path))

    def _set(self):
        for number in itertools.count():
            dvg = dvg_of(number)
            path = f"/dcdc/set?mode=0x0041&dvg={dvg}&drg=0&dig=2"
            if number % 3 == 2:
                path = f"/remote/set/voltage?dvg={dvg}&drg=0"
            self.sets.append(self._ask(path))
            if number % 2:
                self.stops.append(self._ask("/dcdc/set?mode=0x0000&dvg=390&drg=0&dig=2"))
            if self.stopping.wait(0.1):
                return

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def settled(self):
        count = len(self.requests)
        wait_until(lambda: len(self.requests) >= count + 2 * len(KEYS))


def launch_same_port(stack, name):
    """Starts a daemon again; gatewayd at the address that its clients know."""
    port = ["--port", stack.address[1]] if name == "gatewayd" else []
    stack.launch(name, *port)
    stack.wait_ready(name)


def check_read(one):
    """Whole and of the right kind; the values that never change are right."""
    body = one.reply.json
    assert set(body) == KEYS[one.path], f"{one.path}: {body}"
    assert body.get("rsoc", 50.1) == 50.1
    assert body.get("battery_operation_status", 3) == 3
    if "vdis" in body:
        assert 299.9 < body["vdis"]["dvg"] < 391
    if "meter" in body:
        assert body["meter"]["vg"] == pytest.approx(350, abs=0.05)


def check_requests(load, away, long_away=()):
    """away: when gatewayd was not there; long_away: when something else was, for too long."""
    for one in load.requests + load.sets + load.stops:
        if one.reply is None:
            assert one.overlaps(away), f"{one.path}: no answer at {one.began}"
            continue
        assert one.reply.seconds < ANSWERED
    for one in load.requests:
        if one.reply is not None and one.reply.status != 200:
            assert one.overlaps(long_away), f"{one.path}: {one.reply.status} {one.reply.body}"
        elif one.reply is not None:
            check_read(one)


def check_sets(load, wire):
    """Each on the wire once at most, exactly once if it succeeded, and answered with its own."""
    raws = [one.raws["dvg"] for one in wire.requests if one.name == "4-4"]
    for number, one in enumerate(load.sets):
        count = raws.count(eza.raw(eza.V380, dvg_of(number)))
        done = one.reply is not None and one.reply.status == 200
        assert count == 1 if done else count <= 1, f"{one.path}: {count} times"
        if done:
            assert one.reply.json["vdis"]["dvg"] == eza.seen("4-4", "dvg", dvg_of(number))
        elif one.reply is not None:
            assert one.reply.status in (400, 503) and one.reply.error
    modes = [one for one in load.sets if one.path.startswith("/dcdc/set?mode")]
    starts = [one for one in wire.requests if one.name == "1-4" and one.raws["mode"] != 0]
    assert len(starts) <= len(modes)


def check_stops(load, wire):
    """Each that succeeded was asked for on the wire, and confirmed there, before its answer."""
    pairs = [
        (asked, answer)
        for asked, answer in itertools.pairwise(wire)
        if asked.name == "1-4" and answer.direction == "tx"
    ]
    confirmed = [
        (asked.began, answer.ended)
        for asked, answer in pairs
        if asked.raws["mode"] == 0 and answer.raws == {"mode": 0}
    ]
    for one in load.stops:
        if one.reply is None:
            continue
        if one.reply.status == 200:
            assert any(one.began < asked and ended < one.ended for asked, ended in confirmed), (
                f"the stop at {one.began} is not on the wire"
            )
        else:
            assert one.reply.status in (400, 503) and one.reply.error


def summary(load, killed, seconds):
    """What became of all requests, in one line for each kind of client."""
    lines = [f"{sum(killed.values())} kills in {seconds:.0f} s: {dict(sorted(killed.items()))}"]
    for what, requests in (
        ("reads", load.requests),
        ("sets", load.sets),
        ("stops", load.stops),
    ):
        replies = [one.reply for one in requests if one.reply is not None]
        succeeded = sum(reply.status == 200 for reply in replies)
        longest = max(reply.seconds for reply in replies)
        lines.append(
            f"{len(requests)} {what}: {succeeded} succeeded, {len(replies) - succeeded} were told"
            f" of an error, {len(requests) - len(replies)} met gatewayd's death; the longest took"
            f" {longest:.2f} s"
        )
    return "\n" + "\n".join(lines)


@pytest.fixture
def ready(stack):
    order = ("eza2500-sim", "battery-sim", *DAEMONS)
    stack.start(*order, config=CONFIG, baud=0)
    stack.battery("set rsoc_raw 501")
    wait_until(lambda: stack.get("/battery/get").json.get("rsoc") == 50.1)
    stack.ok("/dcdc/set?mode=0x0041&dvg=390&drg=0&dig=2")
    stack.settle()
    return stack


def test_killed_at_random(ready):
    choice = random.Random(SEED)
    away, long_away = [], []
    killed = collections.Counter()
    wire = eza.Wire()
    started = time.monotonic()
    with Load(ready) as load:
        for _ in range(KILLS):
            load.settled()
            time.sleep(choice.uniform(0, 0.1))  # anywhere in a request
            name = choice.choice(DAEMONS)
            began = time.monotonic()
            ready.kill(name)
            killed[name] += 1
            time.sleep(choice.choice([0, 0.05, 0.3, 1]))  # away for so long
            launch_same_port(ready, name)
            span = (began, time.monotonic())
            if name == "gatewayd":
                away.append(span)
            elif span[1] - span[0] >= RESTART:
                long_away.append(span)
            wire += ready.wire()
        load.settled()
    wire += ready.wire()
    print(summary(load, killed, time.monotonic() - started))
    check_requests(load, away, long_away)
    check_sets(load, wire)
    check_stops(load, wire)
    for requests in (load.sets, load.stops):
        assert any(one.reply is not None and one.reply.status == 200 for one in requests)


# frozen


@pytest.mark.parametrize("name", DAEMONS)
def test_frozen_for_3_s(ready, name):
    """All requests are answered, and with 200."""
    ready.programs[name].signal(signal.SIGSTOP)
    with concurrent_requests(ready.address, list(KEYS)) as replies:
        time.sleep(3)
        ready.programs[name].signal(signal.SIGCONT)
    for path, reply in zip(KEYS, replies()):
        assert reply.status == 200 and reply.seconds < ANSWERED
        check_read(Request(path, reply, 0, 0))


@pytest.mark.parametrize("name", ["dcdcd", "battd"])
def test_frozen_for_10_s(ready, name):
    """Answered in time all the while; a set from then is not carried out when it goes on."""
    path = f"/dcdc/set?mode=0x0041&dvg={dvg_of(0)}&drg=0&dig=2"
    began = time.monotonic()
    ready.programs[name].signal(signal.SIGSTOP)
    with Load(ready, setting=False) as load:
        reply = ready.get(path)
        written = ready.wire().commands.count("4-4")
        time.sleep(began + 10 - time.monotonic())
        ready.programs[name].signal(signal.SIGCONT)
        wait_until(lambda: ready.get("/all/get").status == 200, 3)
        span = (began, time.monotonic())
        written += ready.wire().commands.count("4-4")
        load.settled()
    check_requests(load, [], [span])
    assert reply.seconds < ANSWERED
    assert reply.status == (503 if name == "dcdcd" else 200)
    assert written == (0 if name == "dcdcd" else 1)


def test_frozen_gateway(ready):
    """A client that has given up is not served late: its set is dropped."""
    ready.programs["gatewayd"].signal(signal.SIGSTOP)
    with socket.create_connection(ready.address, 5) as client:
        host = "{}:{}".format(*ready.address)
        client.sendall(f"GET /dcdc/set?dvg={dvg_of(0)} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        client.settimeout(5)
        with pytest.raises(TimeoutError):
            client.recv(1)
    time.sleep(5)  # frozen for 10 s in all
    ready.programs["gatewayd"].signal(signal.SIGCONT)
    assert ready.ok("/dcdc/get")["vdis"]["dvg"] == eza.seen("4-4", "dvg", 390)
    assert "4-4" not in ready.wire().commands


# orders of starting


@pytest.mark.parametrize("order", itertools.permutations(DAEMONS), ids="-".join)
def test_started_at_once_in_any_order(stack, order):
    """None waits for another; requests that come at once are answered with 200."""
    stack.start("battery-sim", "eza2500-sim", config=CONFIG, baud=0)
    for name in order:
        stack.launch(name)
    stack.programs["gatewayd"].wait_for("listening on")
    stack.wait_ready("gatewayd")
    with concurrent_requests(stack.address, list(KEYS)) as replies:
        pass
    assert [reply.status for reply in replies()] == [200] * len(KEYS)
    assert max(reply.seconds for reply in replies()) < 2


@pytest.mark.parametrize("missing", [("dcdcd",), ("battd",), ("dcdcd", "battd")], ids="-".join)
def test_some_missing(stack, missing):
    """Missing since the start: the rest works, each request is answered, and it may come late."""
    present = [name for name in DAEMONS if name not in missing]
    stack.start("battery-sim", "eza2500-sim", *present, config=CONFIG, baud=0)
    needs = {path: {"dcdcd"} if "meter" in keys else set() for path, keys in KEYS.items()}
    for path, keys in KEYS.items():
        needs[path] |= {"battd"} if "rsoc" in keys else set()
    with concurrent_requests(stack.address, list(KEYS)) as replies:
        pass
    for path, reply in zip(KEYS, replies()):
        lacking = needs[path] & set(missing)
        assert reply.status == (503 if lacking else 200), f"{path}: {reply.body}"
        assert reply.seconds < ANSWERED
        assert not lacking or any(name in reply.error for name in lacking)
    with concurrent_requests(stack.address, list(KEYS)) as replies:
        wait_until(lambda: stack.rpc("gatewayd", "status")["connections"]["answering"] > 0)
        for name in missing:
            stack.launch(name)
    assert [reply.status for reply in replies()] == [200] * len(KEYS)
    for name in missing:
        stack.wait_ready(name)


def test_gateway_missing(stack):
    """The device daemons work without it."""
    stack.start("battery-sim", "eza2500-sim", "battd", "dcdcd", config=CONFIG, baud=0)
    assert stack.rpc("dcdcd", "remote_get")["status"]["operationMode"] == "Waiting"
    assert stack.rpc("battd", "check_battery")["battery_operation_status"] == 3


# being found again


def connected(stack, daemon):
    return stack.rpc("gatewayd", "status")["daemons"][daemon]["connected"]


@pytest.mark.parametrize("daemon", ["dcdcd", "battd"])
def test_connected_within_100_ms(ready, daemon):
    """From the moment that its socket takes connections."""
    taken = []
    for _ in range(5):
        ready.kill(daemon)
        wait_until(lambda: not connected(ready, daemon))
        ready.launch(daemon)
        wait_until(lambda: ready.connectable(daemon))
        returned = time.monotonic()
        wait_until(lambda: connected(ready, daemon))
        taken.append(time.monotonic() - returned)
    assert statistics.median(taken) < 0.1, taken
    assert max(taken) < 0.2, taken


@pytest.mark.parametrize("daemon", ["dcdcd", "battd"])
def test_answers_belong_to_their_requests(ready, daemon):
    """Many calls on one connection while the daemon is killed: no answer with another's id."""
    method = {"dcdcd": "remote_get_status", "battd": "check_battery"}[daemon]
    for _ in range(3):
        with Line(ready.socket(daemon)) as line:
            line.send("".join(request_line(method, id=number) for number in range(20)))
            seen = [line.receive_json()["id"]]
            ready.kill(daemon)
            with contextlib.suppress(OSError, AssertionError):
                while True:
                    seen.append(line.receive_json()["id"])
        assert len(seen) == len(set(seen)) and set(seen) <= set(range(20))
        ready.start(daemon)
