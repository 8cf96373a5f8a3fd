# SPDX-License-Identifier: Apache-2.0
"""Ports that go, come back, come late, or belong to somebody else, for both device daemons.

DCDC_REPLUGS sets how often test_many_times unplugs (default 100).
"""

import concurrent.futures
import contextlib
import fcntl
import os
import re
import socket
import statistics
import time

import pytest

from link import RpcError, wait_until
from stack import BATTERY_DEV, BUILD, DCDC, SANITIZER_EXIT

BURST = 20  # lines of a module that the log takes at once: common/log_limit.h
TIMES = int(os.environ.get("DCDC_REPLUGS", "100"))
CONFIG = {f"{DCDC}.command_interval": "0", f"{BATTERY_DEV}.poll_interval": "0.1"}
AWAY_CPU = 0.02  # of a core
MEASURED = 3  # s


class Device:
    """One of the two daemons with its port, its simulator and the method that reads."""

    def __init__(self, stack, daemon, simulator, link, method):
        self.stack, self.daemon, self.simulator, self.method = stack, daemon, simulator, method
        self.path = stack.dir / link
        self.control = stack.eza if daemon == "dcdcd" else stack.battery

    def start(self):
        self.stack.start(self.simulator, self.daemon, config=CONFIG, baud=0)
        self.wait_served()
        return self

    @property
    def program(self):
        return self.stack.programs[self.daemon]

    def status(self):
        return self.stack.rpc(self.daemon, "status")

    def closed(self):
        """The error while the port is closed, else None."""
        status = self.status()
        if self.daemon == "dcdcd":
            return status.get("port_error")
        return None if status["port"]["open"] else status["last_error"]

    def served(self):
        return self.stack.served(self.daemon, self.method)

    def wait_served(self, timeout=5):
        wait_until(lambda: not self.closed() and self.served(), timeout, f"{self.daemon} serves")

    def hangup(self):
        self.control("hangup")
        wait_until(self.closed, 1, f"{self.daemon} has closed the port")

    def descriptors(self):
        return len(self.stack.descriptors(self.daemon))

    def lines(self):
        """What the log says of the port."""
        lines = self.program.log.splitlines()
        return [line for line in lines if re.match(r"\w+: (port|battery): ", line)]


DEVICES = {
    "dcdcd": ("eza2500-sim", "dcdc", "remote_get_status"),
    "battd": ("battery-sim", "battery", "check_battery"),
}


@pytest.fixture(params=DEVICES)
def device(request, stack):
    return Device(stack, request.param, *DEVICES[request.param])


def test_many_times(device):
    """Closed within 1 s, served within 5 s of the return, no descriptor lost, two log lines, until
    the log has enough of it and sums up the rest."""
    device.start()
    descriptors, lines, names = device.descriptors(), len(device.lines()), set()
    served_after = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for turn in range(TIMES):
            if turn % 2:
                device.hangup()
            else:  # in the middle of an answer
                device.control("fault hangup 4 count 1")
                pool.submit(device.served)
                wait_until(lambda: not device.control("state")["state"]["line"]["present"])
                wait_until(device.closed, 1, f"{device.daemon} has closed the port")
            device.control("back")
            back = time.monotonic()
            names.add(device.path.readlink())
            device.wait_served()
            served_after.append(time.monotonic() - back)
            wait_until(lambda: device.descriptors() <= descriptors, 1, "no more descriptors")
    print(
        f"\n{device.daemon}: {TIMES} times unplugged; served after"
        f" {statistics.median(served_after):.2f} s (median), {max(served_after):.2f} s (worst);"
        f" descriptors {descriptors} before, {device.descriptors()} after"
    )
    assert len(names) > 1
    told = device.lines()[lines:]
    assert len(told) == BURST - lines
    # Who reads sees a hang-up, who is about to write an I/O error.
    assert all(re.search("hung up|Input/output error", line) for line in told[0::2]), told
    assert all(re.search(r"back after \d+\.\d s", line) for line in told[1::2]), told
    program = device.program
    device.stack.end(device.daemon)
    last = [line for line in program.log.splitlines() if " more in " in line]
    more = [re.search(r": (?:port|battery): (\d+) more in \d+ s, the last: .*back after", line) for line in last]
    assert sum(int(match[1]) for match in more if match) == 2 * TIMES - len(told), last


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_busy_loop_while_away(stack):
    """Both ports hung up for a while; each daemon says so once, and once that it is back."""
    stack.start(config=CONFIG, baud=0)
    devices = [Device(stack, name, *DEVICES[name]) for name in DEVICES]
    lines = [len(device.lines()) for device in devices]
    for device in devices:
        device.hangup()
    before = {name: cpu_seconds(stack.programs[name].pid) for name in DEVICES}
    time.sleep(MEASURED)  # it is the time itself that is measured
    for name, used in before.items():
        used = cpu_seconds(stack.programs[name].pid) - used
        print(f"\n{name}: {100 * used / MEASURED:.1f} % of a core while the port is away")
        assert used < AWAY_CPU * MEASURED, f"{name} used {used} s"
    for device, before in zip(devices, lines):
        device.control("back")
        device.wait_served()
        lost, back = device.lines()[before:]
        assert "hung up" in lost and re.search(r"back after [3-5]\.\d s", back)


def test_opens_but_cannot_be_written_to(device):
    """An adapter that hangs: tried again ever less often, said once, served soon after it is well."""
    broken = device.stack.breakable_port()
    device.start()
    lines = len(device.lines())
    broken.touch()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(device.served)
        wait_until(device.closed, 1, f"{device.daemon} has closed the port")
        opens = device.status()["counters"]["opens"]
        time.sleep(MEASURED)  # it is the time itself that is measured
        assert 3 <= device.status()["counters"]["opens"] - opens <= 5
    assert "Input/output error" in device.closed()
    (lost,) = device.lines()[lines:]
    assert "Input/output error" in lost
    broken.unlink()
    device.wait_served()
    _, back = device.lines()[lines:]
    assert re.search(r"back after [3-9]\.\d s", back)


def test_back_with_a_silent_converter(stack):
    """The port is said to be back, once, though nothing is heard through it."""
    device = Device(stack, "dcdcd", *DEVICES["dcdcd"]).start()
    lines = len(device.lines())
    device.control("fault silence")
    device.hangup()
    device.control("back")
    wait_until(lambda: len(device.lines()) > lines + 1, 5, "the port is back")
    assert not device.closed()
    wait_until(lambda: device.status()["state"] == "silent", 5)
    assert re.search(r"back after \d\.\d s", device.lines()[-1])
    device.control("clear")
    device.wait_served()
    assert len(device.lines()) == lines + 2


def make_nothing(path):
    pass


def make_directory(path):
    path.mkdir()


def make_file(path):
    path.write_bytes(b"")


def make_dangling_link(path):
    path.symlink_to("/dev/pts/99999")


def make_link_to_itself(path):
    path.symlink_to(path)


def make_null(path):
    path.symlink_to("/dev/null")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


AT_START = {
    make_nothing: "No such file or directory",
    make_directory: "",
    make_file: "",
    make_dangling_link: "No such file or directory",
    make_link_to_itself: "symbolic links",
    make_null: "",
    make_socket: "No such device or address",  # as the node of an adapter that has gone
}


@pytest.mark.parametrize("make", AT_START, ids=lambda make: make.__name__)
def test_no_device_at_start(device, make):
    """The daemon says so once, shows the reason, and works when the device is there."""
    stack = device.stack
    make(device.path)
    stack.start(device.daemon, config=CONFIG)
    error = wait_until(device.closed, 2)
    assert str(device.path) in error and AT_START[make] in error
    assert [error in line for line in device.lines()] == [True]
    with contextlib.suppress(FileNotFoundError):
        device.path.rmdir() if device.path.is_dir() else device.path.unlink()
    stack.start(device.simulator, baud=0)
    device.wait_served()
    assert len(device.lines()) == 2
    assert re.search("is open|back|answers", device.lines()[-1])


PORT = {
    "dcdcd": ("ess_system.dcdc_dev.params", '["{}", 19200]'),
    "battd": (f"{BATTERY_DEV}.kwparams.port", '"{}"'),
}


def start_watched(device, path, served=True):
    """The daemon on this port, its calls recorded: tests/fake/serial.c."""
    device.stack.environment = {
        "LD_PRELOAD": BUILD / "fake" / "serial.so",
        "FAKE_SERIAL": device.stack.dir / "serial",
        "ASAN_OPTIONS": f"exitcode={SANITIZER_EXIT}:verify_asan_link_order=0",
    }
    (device.stack.dir / "serial" / "by-path").mkdir(parents=True, exist_ok=True)
    key, text = PORT[device.daemon]
    device.stack.start(device.daemon, config={**CONFIG, key: text.format(path)})
    if served:
        device.wait_served()


def test_locked_before_it_is_touched(device):
    """The lock, the mark that keeps others out, the settings; only then a byte. Again later."""
    calls = device.stack.dir / "serial" / "calls"
    device.stack.start(device.simulator, baud=0)
    start_watched(device, device.path)
    for _ in range(2):
        first = ["flock", "TIOCEXCL", "tcsetattr", "write"]
        made = calls.read_text().split()
        assert made[: len(first)] == first and set(made[len(first) :]) <= {"write"}
        device.hangup()
        calls.unlink()
        device.control("back")
        device.wait_served()


@pytest.mark.parametrize("configured", ["device", "link"])
def test_a_stable_name_is_suggested(device, configured):
    device.stack.start(device.simulator, baud=0)
    path = device.path.readlink() if configured == "device" else device.path
    (device.stack.dir / "serial" / "by-path").mkdir(parents=True)
    (device.stack.dir / "serial" / "by-path" / "pci-usb").symlink_to(device.path.readlink())
    start_watched(device, path)
    text = f"{path} may have another name after a restart: configure /dev/serial/by-path/pci-usb"
    assert device.program.count(re.escape(text)) == (configured == "device")


def test_a_stable_name_of_a_port_that_comes_later(device):
    """Suggested when the port is first opened, and once."""
    links = device.stack.dir / "serial" / "by-path"
    device.stack.start(device.simulator, baud=0)
    port = device.path.readlink()
    holder = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        start_watched(device, port, served=False)
        wait_until(device.closed)
        (links / "pci-usb").symlink_to(port)
    finally:
        os.close(holder)
    device.wait_served()
    assert device.program.count("configure /dev/serial/by-path/pci-usb") == 1


def test_held_by_somebody_else(device):
    """Named with its process id in the log and in `status`, and taken when it is free again."""
    stack = device.stack
    stack.start(device.simulator, baud=0)
    holder = os.open(device.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stack.start(device.daemon, config=CONFIG)
        error = wait_until(device.closed, 2)
        assert str(device.path) in error and re.search(rf"\b{os.getpid()}\b", error)
        assert open("/proc/self/comm").read().strip() in error
        with pytest.raises(RpcError, match=rf"\b{os.getpid()}\b"):
            stack.rpc(device.daemon, device.method)
        assert sum(error in line for line in device.lines()) == 1
        assert device.control("wire")["wire"] == []
    finally:
        os.close(holder)
    device.wait_served()
    assert len(device.lines()) == 2


def test_taken_while_away(device):
    """Somebody else is quicker when the adapter is back."""
    device.start()
    device.hangup()
    device.control("back")
    with contextlib.ExitStack() as holding:

        def take():
            """True if the port could be locked before the daemon did."""
            holder = os.open(device.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(holder)
                return False
            holding.callback(os.close, holder)
            return True

        if not take():
            pytest.skip("the daemon was quicker")
        wait_until(lambda: str(os.getpid()) in (device.closed() or ""), 3)
        device.program.wait_for(f"in use by .*{os.getpid()}")
    device.wait_served()
