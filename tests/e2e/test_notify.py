# SPDX-License-Identifier: Apache-2.0
"""What the daemons tell the service manager (sd_notify)."""

import signal
import socket

import pytest

from stack import DAEMONS


@pytest.fixture
def manager(stack):
    """A service manager's socket; what it gets from now on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(stack.dir / "notify"))
        sock.settimeout(5)
        stack.environment["NOTIFY_SOCKET"] = str(stack.dir / "notify")
        yield sock


@pytest.mark.parametrize("daemon", DAEMONS)
def test_ready_without_hardware_and_stopping(stack, manager, daemon):
    stack.start(daemon)
    assert manager.recv(64) == b"READY=1"
    assert stack.rpc(daemon, "ping") == "pong"
    stack.end(daemon)
    assert manager.recv(64) == b"STOPPING=1"


@pytest.mark.parametrize("daemon", DAEMONS)
def test_the_watchdog_is_fed(stack, manager, daemon):
    stack.environment["WATCHDOG_USEC"] = "400000"
    stack.start(daemon)
    assert [manager.recv(64) for _ in range(4)] == [b"READY=1"] + 3 * [b"WATCHDOG=1"]


def test_a_daemon_that_hangs_does_not_feed_it(stack, manager):
    stack.environment["WATCHDOG_USEC"] = "400000"
    stack.start("dcdcd")
    assert manager.recv(64) == b"READY=1"
    stack.programs["dcdcd"].signal(signal.SIGSTOP)
    manager.settimeout(1)
    with pytest.raises(TimeoutError):
        while True:
            manager.recv(64)
    stack.programs["dcdcd"].signal(signal.SIGCONT)
    assert manager.recv(64) == b"WATCHDOG=1"
