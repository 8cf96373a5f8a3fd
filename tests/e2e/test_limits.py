# SPDX-License-Identifier: Apache-2.0
"""What HTTP clients may take of gatewayd: each limit is a setting, and holds."""

import contextlib
import socket
import time

import pytest

from link import TIMEOUT, wait_until

LIMITS = {
    "gateway.max_connections": "12",
    "gateway.max_connections_per_address": "6",
    "gateway.max_target_size": "200",
    "gateway.max_headers_size": "1000",
    "gateway.max_body_size": "50",
    "gateway.request_timeout": "1",
    "gateway.idle_timeout": "2",
}
PATH = "/version/get"


@pytest.fixture
def limited(stack):
    return stack.start("gatewayd", config=LIMITS)


def connect(stack, source="127.0.0.1"):
    client = socket.create_connection(stack.address, TIMEOUT, (source, 0))
    client.settimeout(TIMEOUT)
    return client


def head(stack, target=PATH, extra="", method="GET"):
    host = "{}:{}".format(*stack.address)
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{extra}"


def until_closed(client):
    """Everything that comes until gatewayd closes; how long that took."""
    began, data = time.monotonic(), b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := client.recv(65536):
            data += chunk
    return data, time.monotonic() - began


def status_of(stack, text):
    with connect(stack) as client:
        client.sendall(text.encode())
        return int(client.recv(65536).split(b" ")[1])


def counters(stack):
    return stack.rpc("gatewayd", "status")["connections"]


@pytest.mark.parametrize(
    "fits, exceeds, status",
    [
        (dict(target=PATH + "?" + "a" * 180), dict(target=PATH + "?" + "a" * 200), 414),
        (dict(extra="X: " + "y" * 800 + "\r\n"), dict(extra="X: " + "y" * 1000 + "\r\n"), 400),
    ],
)
def test_sizes(limited, fits, exceeds, status):
    assert status_of(limited, head(limited, **fits) + "\r\n") == 200
    assert status_of(limited, head(limited, **exceeds) + "\r\n") == status


def test_bodies(limited):
    for size, status in ((50, 200), (51, 413)):
        text = head(limited, extra=f"Content-Length: {size}\r\n") + "\r\n" + "z" * size
        assert status_of(limited, text) == status
    text = head(limited, extra="Transfer-Encoding: chunked\r\n") + "\r\nff\r\n" + "z" * 255 + "\r\n0\r\n\r\n"
    assert status_of(limited, text) == 413


@pytest.mark.parametrize("part", ["line", "headers", "body"])
def test_a_request_that_drips(limited, part):
    """A byte now and then keeps no connection: the whole request has its time."""
    starts = {
        "line": "G",
        "headers": head(limited, extra="X: "),
        "body": head(limited, extra="Content-Length: 40\r\n") + "\r\n",
    }
    began = time.monotonic()
    with connect(limited) as client:
        client.sendall(starts[part].encode())
        client.settimeout(0.1)
        with contextlib.suppress(OSError):
            while time.monotonic() - began < TIMEOUT:
                with contextlib.suppress(TimeoutError):
                    if client.recv(4096) == b"":
                        break
                client.sendall(b"E")
    assert 0.9 < time.monotonic() - began < 4
    assert counters(limited)["too_slow"] == 1


def test_an_answer_that_nobody_reads(limited):
    with connect(limited) as client:
        client.settimeout(0.5)
        requests = rest = (head(limited) + "\r\n").encode() * 50
        with contextlib.suppress(OSError):  # until nothing more is taken
            while True:
                rest = rest[client.send(rest) :] or requests
        wait_until(lambda: counters(limited)["open"] == 0)
    assert counters(limited)["too_slow"] == 1


def test_idle_connections(limited):
    with connect(limited) as silent, connect(limited) as kept:
        kept.sendall((head(limited) + "\r\n").encode())
        assert b" 200 " in kept.recv(65536)
        for client in (silent, kept):
            data, took = until_closed(client)
            assert data == b"" and took < 6
    assert counters(limited)["too_slow"] == 0


def test_connections_of_one_address(limited):
    """The seventh costs the oldest its place, not another address its own."""
    with contextlib.ExitStack() as opened:
        other = opened.enter_context(connect(limited, "127.0.0.2"))
        clients = [opened.enter_context(connect(limited)) for _ in range(7)]
        assert until_closed(clients[0])[0] == b""
        for client in (*clients[1:], other):
            client.sendall((head(limited) + "\r\n").encode())
            assert b" 200 " in client.recv(65536)
        assert (counters(limited)["evicted"], counters(limited)["open"]) == (1, 7)


def test_connections_in_all(limited):
    with contextlib.ExitStack() as opened:
        for number in range(20):
            opened.enter_context(connect(limited, f"127.0.0.{2 + number // 5}"))
        wait_until(lambda: counters(limited)["accepted"] == 20)
        assert counters(limited)["open"] <= 12
        assert counters(limited)["evicted"] + counters(limited)["turned_away"] == 8
        assert status_of(limited, head(limited) + "\r\n") == 200


def test_the_default(stack):
    """As the example file has it."""
    stack.start("gatewayd")
    assert counters(stack)["max"] == 512
