# SPDX-License-Identifier: Apache-2.0
"""What the daemons tell the service manager (sd_notify)."""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import time

import pytest

from link import wait_until
from stack import BATTERY, DAEMONS, DCDC

# linux/ptrace.h, linux/wait.h
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000


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


def test_guards_that_do_not_run_do_not_feed_it(stack, manager):
    """The loop is awake again, but the guards have not run for 5 s: that is the first it says."""
    stack.environment["WATCHDOG_USEC"] = "400000"
    stack.start("eza2500-sim", "dcdcd", config={f"{DCDC}.supervisor_timeout": "600"})
    stack.settle()
    dcdcd = stack.programs["dcdcd"]

    def just_run():
        return stack.rpc("dcdcd", "status")["guards"]["supervisor"]["last_run_age"] < 0.2

    wait_until(just_run)  # so that the watchdog's turn comes before theirs
    dcdcd.signal(signal.SIGSTOP)
    time.sleep(5.5)
    dcdcd.signal(signal.SIGCONT)
    dcdcd.wait_for("watchdog: not fed")
    drain(manager)
    manager.settimeout(5)
    assert manager.recv(64) == b"WATCHDOG=1"


@contextlib.contextmanager
def frozen(thread):
    """One thread of a program is stopped meanwhile; the others run (ptrace(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        if libc.ptrace(request, thread, None, None) != 0:
            pytest.skip(f"ptrace: {os.strerror(ctypes.get_errno())}")
    os.waitpid(thread, WALL)
    yield
    assert libc.ptrace(PTRACE_DETACH, thread, None, None) == 0


def thread_named(program, name):
    for task in pathlib.Path(f"/proc/{program.pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    emulator = os.readlink(f"/proc/{program.pid}/exe")
    assert "qemu" in emulator, f"no thread {name}"
    pytest.skip(f"{emulator} does not pass on the names of threads")


def test_a_thread_that_hangs_is_not_covered_up_by_the_loop(stack, manager):
    """battd still answers, but polls no more: it must be started anew."""
    stack.environment["WATCHDOG_USEC"] = "400000"
    stack.start("battery-sim", "battd")
    battd = stack.programs["battd"]
    with frozen(thread_named(battd, "modbus")):
        battd.wait_for("watchdog: not fed")
        drain(manager)
        assert stack.rpc("battd", "ping") == "pong"
        manager.settimeout(1)
        with pytest.raises(TimeoutError):
            manager.recv(64)
    manager.settimeout(5)
    assert manager.recv(64) == b"WATCHDOG=1"
    assert stack.rpc("battd", "check_battery")["battery_operation_status"] == 3


@pytest.mark.parametrize("daemon", ["dcdcd", "battd"])
def test_dead_hardware_is_no_reason_to_starve_it(stack, manager, daemon):
    """No port, then a device that is silent: states in which a daemon must not be restarted."""
    stack.environment["WATCHDOG_USEC"] = "400000"
    simulator = {"dcdcd": "eza2500-sim", "battd": "battery-sim"}[daemon]
    guard = {f"{DCDC}.battery_check_interval": "1", f"{BATTERY}.force_dcdc_waiting": "Yes"}
    stack.start(daemon, config=guard)
    count_fed(manager, 15)
    stack.start(simulator)
    control = stack.eza if daemon == "dcdcd" else stack.battery
    control("fault silence")
    count_fed(manager, 15)
    assert stack.programs[daemon].count("watchdog") == 0


def drain(manager):
    manager.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            manager.recv(64)


def count_fed(manager, times):
    while times > 0:
        times -= manager.recv(64) == b"WATCHDOG=1"
