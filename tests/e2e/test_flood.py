# SPDX-License-Identifier: Apache-2.0
"""The supervisor's poll while somebody floods the web side, from the same address even.

FLOOD_SECONDS: how long each flood lasts (make bench-flood: 60).
"""

import http.client
import os
import pathlib
import subprocess
import sys
import time

import pytest

from link import TIMEOUT, ask, wait_until
from stack import BATTERY_DEV, BUILD, DCDC

SECONDS = float(os.environ.get("FLOOD_SECONDS", 6))
KINDS = ["silent", "drip", "connects", "requests", "headers", "broken", "unread"]
ANSWERED = 4.5
# The simulators share the machine with the flood: the field's settings, not the tests' short ones.
PATIENT = {
    f"{DCDC}.reply_timeout": "1",
    f"{BATTERY_DEV}.kwparams.timeout": "1",
    f"{BATTERY_DEV}.poll_interval": "1",
    f"{BATTERY_DEV}.max_age": "5",
}
# A sanitizer keeps what was freed for a while, and has a shadow for all that was ever touched.
SANITIZED = b"__asan_init" in (BUILD / "gatewayd").read_bytes()
GROWTH = (40 if SANITIZED else 4) << 20


def memory(program):
    """The resident bytes of a program."""
    text = pathlib.Path(f"/proc/{program.pid}/smaps_rollup").read_text()
    return int(text.split("Rss:")[1].split()[0]) << 10


def flood(unit, kind, seconds):
    command = [sys.executable, pathlib.Path(__file__).with_name("flood.py"), kind]
    return subprocess.Popen(
        [*command, *map(str, unit.address), str(seconds)], stdout=subprocess.PIPE, text=True
    )


def poll(unit):
    """One poll as apis-main does it, on a connection of its own: how long it took."""
    began = time.monotonic()
    reply = unit.get("/all/get")
    assert reply.status == 200, reply.body
    return time.monotonic() - began


def polls_during(unit, flooding):
    times = []
    while flooding.poll() is None:
        times.append(poll(unit))
        time.sleep(0.1)  # the client's pause, not a wait for anything
    assert flooding.returncode == 0
    return times, int(flooding.stdout.read())


def connections(unit):
    return unit.rpc("gatewayd", "status")["connections"]


@pytest.fixture
def flooded(stack):
    stack.environment = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=1:quarantine_size_mb=1"}
    return stack.start(config=PATIENT)


@pytest.mark.parametrize("kind", KINDS)
def test_the_poll_is_answered(flooded, kind):
    gatewayd = flooded.programs["gatewayd"]
    polls_during(flooded, flood(flooded, kind, 1))
    before = memory(gatewayd)
    times, made = polls_during(flooded, flood(flooded, kind, SECONDS))
    wait_until(lambda: connections(flooded)["open"] == 0)
    after = memory(gatewayd)
    counters = connections(flooded)
    times.sort()
    print(
        f"\n{kind}: {made} connections in {SECONDS:.0f} s; {len(times)} polls, "
        f"median {times[len(times) // 2]:.3f} s, worst {times[-1]:.3f} s; "
        f"memory {before >> 10} kB, then {after >> 10} kB; {counters}"
    )
    assert times[-1] < ANSWERED
    assert after - before < GROWTH
    assert counters["accepted"] > made / 2
    assert gatewayd.log.count("\n") < 40


def test_a_kept_connection_is_kept(flooded):
    """The supervisor's own connection outlives those that have never asked anything."""
    connection = http.client.HTTPConnection(*flooded.address, timeout=TIMEOUT)
    assert ask(connection, "/all/get").status == 200
    port = connection.sock.getsockname()[1]
    for kind in ("silent", "drip"):
        flooding = flood(flooded, kind, 3)
        while flooding.poll() is None:
            assert ask(connection, "/all/get").status == 200
            assert connection.sock.getsockname()[1] == port
            time.sleep(0.1)
        assert int(flooding.stdout.read()) >= 1000
    connection.close()
