# SPDX-License-Identifier: Apache-2.0
"""Stops that come in the middle of a set, sets among readers, what a shared pass tells whom."""

import threading
import time

import pytest

import eza
from link import concurrent_requests, http_get, wait_until
from stack import DCDC
from test_paths import GET, GET_STATUS

TURNAROUND, GAP = 0.02, 0.01  # s; the bytes take no time
COMMAND = TURNAROUND + GAP
SLACK = 0.03  # s, for a busy machine and HTTP on both ends
RUN = "mode=0x0041&dvg=350&drg=0&dig=2"
STOP = "mode=0x0000&dvg=350&drg=0&dig=2"
READERS = ["/dcdc/get", "/all/get", "/remote/ioctl/get", "/dcdc/get/status"] * 2


def started(stack, turnaround=TURNAROUND, **changes):
    order = ("eza2500-sim", "battery-sim", "dcdcd", "battd", "gatewayd")
    stack.start(*order, config={f"{DCDC}.command_interval": str(GAP), **changes}, baud=0)
    stack.ok(f"/dcdc/set?{RUN}")
    stack.settle()
    stack.eza(f"set turnaround {turnaround}")
    return stack


class Readers:
    """Clients that read without pause: (path, when sent, the reply, when answered)."""

    def __init__(self, stack, paths):
        self.replies = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._read, args=(stack, path)) for path in paths]

    def _read(self, stack, path):
        while not self.stopping.is_set():
            sent = time.monotonic()
            reply = http_get(stack.address, path)
            self.replies.append((path, sent, reply, time.monotonic()))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.replies) >= len(self.threads))
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def assert_stop_is_next(stack, sent):
    """Its frame begins within one command's time and one gap; nothing else begins before it."""
    wire = stack.wire()
    stops = [one for one in wire.requests if one.name == "1-4" and one.began > sent]
    assert stops and stops[0].raws["mode"] == 0
    assert stops[0].began - sent < COMMAND + SLACK
    between = [one for one in wire.requests if sent + SLACK / 2 < one.began < stops[0].began]
    assert not between, [one.name for one in between]


def test_a_stop_in_the_middle_of_a_set(stack):
    """At each of its commands: the set fails, and the mode stays what the stop made it."""
    started(stack)
    stack.ok(f"/dcdc/set?{STOP}")
    for count in range(1, 7):
        stack.wire()
        with concurrent_requests(stack.address, [f"/dcdc/set?{RUN}"]) as replies:
            seen = []

            def begun():
                seen.extend(stack.wire().commands)
                return len(seen) >= count

            wait_until(begun)
            sent = time.monotonic()
            stack.ok(f"/dcdc/set?{STOP}")
        reply = replies()[0]
        assert reply.status == 200 or reply.error == "superseded by a stop"
        assert_stop_is_next(stack, sent)
        assert stack.eza("state")["state"]["mode"] == "0x0000"


def test_a_set_does_not_wait_for_waiting_reads(stack):
    """It goes out after the pass under way."""
    started(stack)
    with Readers(stack, READERS):
        for number in range(5):
            stack.wire()
            sent = time.monotonic()
            stack.ok(f"/remote/set/current?dig={1 + number / 10}")
            write = stack.wire().request("6-4")
            assert write.began - sent < len(GET) * COMMAND + SLACK


def test_reads_that_wait_are_one_pass(stack):
    """
    Seven come while a pass is under way: they do not join it, one more pass is for them all, and
    what they are told was read after they had come.
    """
    started(stack, turnaround=0.1)
    with concurrent_requests(stack.address, ["/dcdc/get"]) as first:
        seen = []

        def reading_the_last():
            seen.extend(stack.wire().commands)
            return GET[-1] in seen

        wait_until(reading_the_last)
        stack.eza("set register dvg=333")
        stack.eza("set register dig=3")
        before = stack.rpc("dcdcd", "status")["counters"]
        with concurrent_requests(stack.address, ["/dcdc/get", "/dcdc/get/status"] * 3) as others:
            pass
    after = stack.rpc("dcdcd", "status")["counters"]
    assert after["passes"] - before["passes"] in (1, 2)  # a status read may come a moment too soon
    assert after["shared"] - before["shared"] >= 4
    commands = seen + stack.wire().commands
    assert commands[: len(GET)] == GET
    assert commands[len(GET) :] in (GET, GET_STATUS + GET, GET + GET_STATUS)
    assert first()[0].json["vdis"]["dvg"] == eza.seen("4-4", "dvg", 350)
    for reply in others()[::2]:
        assert reply.json["vdis"]["dvg"] == pytest.approx(333, abs=0.03)
        assert reply.json["param"]["dig"] == pytest.approx(3, abs=0.001)
