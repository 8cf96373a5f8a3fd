# SPDX-License-Identifier: Apache-2.0
"""Clients that leave while what they asked for waits: changes are dropped, stops are not."""

import contextlib
import socket

import pytest

from link import TIMEOUT, Line, concurrent_requests, request_line, wait_until
from stack import DCDC

STOP, CHARGE, VOLTAGE = "0x0000", "0x0041", "0x0014"
SET = f"/dcdc/set?mode={VOLTAGE}&dvg=345&drg=0.1&dig=3"
SAVED = {"mode": CHARGE, "dvg": "350", "dig": "2", "drg": "0"}
CHANGES = [
    SET,
    "/remote/set/current?dig=3",
    "/remote/set/voltage?dvg=345",
    "/remote/ioctl/set",
    "/remote/ioctl/clr_alarm",
]


def close(connection):
    connection.close()


def reset(connection):
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


def half_close(connection):
    connection.shutdown(socket.SHUT_WR)


@pytest.fixture
def slow(stack):
    """A charging unit whose converter takes 0.2 s for each answer."""
    stack.start(config={f"{DCDC}.reply_timeout": "1"})
    stack.ok(f"/dcdc/set?mode={CHARGE}&dvg=350&drg=0&dig=2")
    stack.eza("fault late 0.2")
    stack.wire()
    return stack


@pytest.fixture
def send(slow):
    """A function that sends GETs on a connection and returns it."""
    with contextlib.ExitStack() as opened:

        def connect(*paths):
            connection = socket.create_connection(slow.address, TIMEOUT)
            opened.callback(connection.close)
            host = f"localhost:{slow.address[1]}"
            requests = [f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n" for path in paths]
            connection.sendall("".join(requests).encode())
            return connection

        yield connect


@contextlib.contextmanager
def reading(unit):
    """The line is busy with a read of more than a second."""
    with concurrent_requests(unit.address, ["/remote/get"]) as replies:
        assert begun(unit) == ["1-1"]
        yield
        assert replies()[0].status == 200


def begun(unit):
    """The first commands of what is sent to the converter, as soon as there are any."""
    return wait_until(lambda: unit.wire().commands)


def dcdcd(unit):
    return unit.rpc("dcdcd", "status")


def gatewayd(unit):
    return unit.rpc("gatewayd", "status")


def wait_answered(unit):
    wait_until(lambda: gatewayd(unit)["connections"]["answering"] == 0)


def writes(wire):
    return [name for name in wire.commands if name.endswith("-4")]


@pytest.mark.parametrize(
    "path, leave", [(SET, reset), (SET, half_close), *((path, close) for path in CHANGES)]
)
def test_a_change_that_waits_is_dropped(slow, send, path, leave):
    with reading(slow):
        connection = send(path)
        wait_until(lambda: dcdcd(slow)["waiting"] == 1)
        leave(connection)
        wait_until(lambda: gatewayd(slow)["abandoned"] == 1)
        assert dcdcd(slow)["waiting"] == 1  # it was seen in time
    wait_answered(slow)
    assert writes(slow.wire()) == []
    assert dcdcd(slow)["counters"]["abandoned"] == 1
    assert gatewayd(slow)["requests"][path.partition("?")[0]]["expired"] == 1
    assert gatewayd(slow)["saved"] == SAVED
    if leave is half_close:
        assert connection.recv(4096).startswith(b"HTTP/1.1 503 ")
    slow.eza("clear")
    assert slow.ok("/remote/set/current?dig=1")


def test_others_are_not_dropped_with_it(slow, send):
    """Clients that stay get their answers, of sets too."""
    with reading(slow):
        with concurrent_requests(slow.address, ["/dcdc/set?dig=1", "/dcdc/get/status"]) as replies:
            wait_until(lambda: dcdcd(slow)["waiting"] == 2)
            connection = send(SET)
            wait_until(lambda: dcdcd(slow)["waiting"] == 3)
            connection.close()
            assert [reply.status for reply in replies()] == [200, 200]
    wait_answered(slow)
    assert writes(slow.wire()) == ["6-4"]
    assert dcdcd(slow)["counters"]["abandoned"] == gatewayd(slow)["abandoned"] == 1


@pytest.mark.parametrize("leave", [close, reset, half_close])
def test_a_stop_goes_out(slow, send, leave):
    with reading(slow):
        leave(send(f"/dcdc/set?mode={STOP}"))
        wait_until(lambda: slow.eza("state")["state"]["mode"] == STOP)
    wait_answered(slow)
    assert writes(slow.wire())[0] == "1-4"
    assert dcdcd(slow)["counters"]["abandoned"] == gatewayd(slow)["abandoned"] == 0


def test_a_set_that_has_begun_goes_on(slow, send):
    """It counts as any other set: what it used is saved."""
    connection = send(SET)
    assert begun(slow) == ["4-4"]
    connection.close()
    wait_answered(slow)
    assert slow.wire().commands == ["1-4", "6-4", "2-1", "9-1", "10-1"]
    assert slow.eza("state")["state"]["mode"] == VOLTAGE
    assert gatewayd(slow)["saved"] == {"mode": VOLTAGE, "dvg": "345", "dig": "3", "drg": "0.1"}
    assert gatewayd(slow)["requests"]["/dcdc/set"] == {"ok": 2}
    assert dcdcd(slow)["counters"]["abandoned"] == 0
    assert gatewayd(slow)["abandoned"] == 1


def test_a_read_goes_on(slow, send):
    connection = send("/dcdc/get")
    begun(slow)
    connection.close()
    wait_answered(slow)
    assert gatewayd(slow)["requests"]["/dcdc/get"] == {"ok": 1}
    assert gatewayd(slow)["abandoned"] == 0


def test_a_set_behind_an_answer_that_nobody_takes(slow, send):
    """Pipelined: it is its turn when the client has gone already."""
    connection = send("/dcdc/get/status", SET)
    begun(slow)
    connection.close()
    wait_answered(slow)
    slow.ok("/dcdc/get/status")
    assert writes(slow.wire()) == []
    assert dcdcd(slow)["counters"]["sets"] == 1  # the one before


def test_a_set_that_waits_for_dcdcd(slow, send):
    """What gatewayd could not send yet is not sent when dcdcd is back."""
    slow.end("dcdcd")
    connection = send(SET)
    wait_until(lambda: gatewayd(slow)["connections"]["answering"] == 1)
    connection.close()
    wait_answered(slow)
    slow.start("dcdcd")
    slow.ok("/dcdc/get/status")
    assert writes(slow.wire()) == []
    assert dcdcd(slow)["counters"]["sets"] == 0


def test_cancel_on_the_socket(slow):
    params = {"mode": VOLTAGE, "dvg": 345, "dig": 3, "drg": 0}
    with reading(slow), Line(slow.socket("dcdcd")) as line:
        line.send(request_line("remote_set", params, id="set"))
        line.send(request_line("cancel", {"id": "set"}, id=2))
        assert line.receive_json() == {"jsonrpc": "2.0", "id": 2, "result": True}
        answer = line.receive_json()
        assert (answer["id"], answer["error"]["data"]["reason"]) == ("set", "expired")
        line.send(request_line("cancel", {"id": "set"}, id=3))
        assert line.receive_json()["result"] is False
    assert writes(slow.wire()) == []
