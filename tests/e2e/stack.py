# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping, killing the real programs, each test its own in its own directory."""

import copy
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from eza import Wire
from link import TIMEOUT, RpcError, control, http_get, rpc, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(ROOT, os.environ.get("DCDC_BUILD", "build/asan"))

SIMULATORS = ("battery-sim", "eza2500-sim")
DAEMONS = ("dcdcd", "battd", "gatewayd")
SANITIZER_EXIT = 99
ASAN_OPTIONS = f"exitcode={SANITIZER_EXIT}:detect_leaks=1"
FINDINGS = ("AddressSanitizer", "LeakSanitizer", "UndefinedBehavior", "runtime error:")

# Scalars are texts as they stand in the file. The specification's values but for the ports, and
# for pauses that only cost time here.
CONFIG = {
    "ess_system": {
        "type": "essx_type_oes",
        "dcdc_dev": {
            "name": "dcdc1",
            "config": "dcdc_default_eza2500",
            "class": "'ESSXRS485'",
            "params": '["{dir}/dcdc", 19200]',
            "kwparams": {"dir_pin": '"not_used"'},
            "address1": "0",
            "address2": "16",
        },
        "battery_dev": {
            "name": "battery",
            "config": "battery_emulator",
            "class": "'ESSXModbus'",
            "params": "[]",
            "kwparams": {
                "method": "'rtu'",
                "port": '"{dir}/battery"',
                "timeout": "0.3",
                "baudrate": "9600",
                "dir_pin": '"not_used"',
            },
            "unit": "1",
            "modbus_adr_rsoc": "30030",
            "modbus_adr_status": "30031",
            "poll_interval": "0.2",
            "max_age": "1",
        },
    },
    "dcdc": {
        "dcdc_default_eza2500": {
            "type": "tdk_eza2500",
            "number_of_dcdc_error_retry": "3",
            "number_of_timeout_retry": "3",
            "wait_for_retry": "0.1",
            "reply_timeout": "0.1",
            "command_interval": "0.005",
            "config": {
                "cib": "52",
                "ubv": "40",
                "obv": "59",
                "ugv": "300",
                "ogv": "400",
                "bcf": "0x0003",
                "cvb": "57.6",
                "dlb": "49",
                "cdb": "1.2",
                "ddb": "1.8",
                "drb": "0.00",
            },
        }
    },
    "battery": {
        "battery_emulator": {
            "type": "battery_emulator",
            "config": {
                "battery_voltage": "52.0",
                "battery_current": "20.0",
                "force_dcdc_waiting": "No",
            },
        }
    },
}

DCDC = "dcdc.dcdc_default_eza2500"
SETUP = DCDC + ".config"
BATTERY_DEV = "ess_system.battery_dev"
BATTERY = "battery.battery_emulator.config"


def merged(changes):
    """CONFIG with {"dotted.path": text}; None leaves the key out."""
    tree = copy.deepcopy(CONFIG)
    for path, text in changes.items():
        *way, key = path.split(".")
        node = tree
        for name in way:
            node = node.setdefault(name, {})
        if text is None:
            node.pop(key)
        else:
            node[key] = text
    return tree


def yaml(tree, indent=""):
    lines = ""
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += f"{indent}{key}:\n" + yaml(value, indent + "  ")
        else:
            lines += f"{indent}{key}: {value}\n"
    return lines


class Program:
    """A running program and all that it prints, as it comes."""

    def __init__(self, name, arguments, variables):
        self.name = name
        self.lines = []
        self.changed = threading.Condition()
        environment = dict(
            os.environ,
            ASAN_OPTIONS=ASAN_OPTIONS,
            UBSAN_OPTIONS="print_stacktrace=1",
        )
        environment.pop("NOTIFY_SOCKET", None)
        environment.update(variables)
        self.process = subprocess.Popen(
            [BUILD / name, *map(str, arguments)],
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        self.rest = b""  # of a line that is not complete
        os.set_blocking(self.process.stdout.fileno(), False)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _take(self):
        """Takes what has been printed by now. With the lock held. False: it is over."""
        if self.process.stdout.closed:
            return False
        while data := self.process.stdout.read(65536):
            *lines, self.rest = (self.rest + data).split(b"\n")
            self.lines += (line.decode(errors="replace") for line in lines)
            self.changed.notify_all()
        return data is None

    def _read(self):
        going = True
        while going:
            select.select([self.process.stdout], [], [])
            with self.changed:
                going = self._take()
        with self.changed:
            self.lines += [self.rest.decode(errors="replace")] if self.rest else []
            self.lines.append(None)
            self.changed.notify_all()

    def wait_for(self, pattern, timeout=TIMEOUT, count=1):
        """The match of a regular expression in what is printed, waiting for it; the count-th."""

        def find():
            found = [m for m in (re.search(pattern, one) for one in self.lines if one) if m]
            return found[count - 1] if len(found) >= count else None

        with self.changed:
            self.changed.wait_for(lambda: find() or None in self.lines, timeout)
            match = find()
        assert match, f"{self.name} did not print {pattern!r}:\n{self.log}"
        return match

    def count(self, pattern):
        with self.changed:
            self._take()
            return sum(1 for one in self.lines if one and re.search(pattern, one))

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process.poll() is None

    @property
    def log(self):
        """All that was printed by now, complete lines."""
        with self.changed:
            self._take()
            return "\n".join(one for one in self.lines if one is not None)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=TIMEOUT):
        """The exit status."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {timeout} s:\n{self.log}")
        self.reader.join(TIMEOUT)
        self.process.stdout.close()
        return status

    def check(self):
        """Fails on a sanitizer's report."""
        found = [line for line in self.log.splitlines() if any(f in line for f in FINDINGS)]
        assert not found, f"{self.name}:\n{self.log}"


class Stack:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dcdc-e2e-"))
        self.config_file = self.dir / "dcdc_batt_comm.yml"
        self.programs = {}  # by name, those that run
        self.ended = []  # those that a test ended itself
        self.address = None  # of gatewayd
        self.environment = {}  # variables for the programs to be started
        self.write_config()

    # configuration and start

    def write_config(self, changes=None, text=None):
        if text is None:
            text = yaml(merged(changes or {})).replace("{dir}", str(self.dir))
        self.config_file.write_text(text)

    def fake_gpio(self, rows):
        """Gives the programs to be started GPIO lines, none of them real: see tests/fake.

        {name} in a row becomes the socket of the simulator's pin, which then obeys it.
        """
        for name in SIMULATORS:
            rows = rows.replace(f"{{{name}}}", f"socket={self.pin_socket(name)}")
        self.gpio_file.write_text(rows)
        self.environment["FAKE_GPIO"] = str(self.gpio_file)
        self.environment["LD_LIBRARY_PATH"] = str(BUILD / "fake")

    def breakable_port(self):
        """Lets the programs to be started not write to their port while the returned file is there."""
        file = self.dir / "broken"
        self.environment.update(
            LD_PRELOAD=str(BUILD / "fake" / "broken_port.so"),
            BROKEN_PORT=str(file),
            ASAN_OPTIONS=f"{ASAN_OPTIONS}:verify_asan_link_order=0",
        )
        return file

    @property
    def gpio_file(self):
        return self.dir / "gpio"

    def pin_socket(self, simulator):
        return self.dir / f"{simulator}.pin"

    def arguments(self, name, baud):
        if name in SIMULATORS:
            link = self.dir / ("dcdc" if name == "eza2500-sim" else "battery")
            arguments = ["--control", self.control_socket(name), "--link", link]
            if name == "eza2500-sim" and "battery-sim" in self.programs:
                arguments += ["--battery", self.control_socket("battery-sim")]
            if self.gpio_file.exists() and str(self.pin_socket(name)) in self.gpio_file.read_text():
                arguments += ["--pin", self.pin_socket(name)]
            return arguments + (["--baud", baud] if baud is not None else [])
        common = ["--config", self.config_file, "--run-dir", self.dir]
        return common + (["--port", 0] if name == "gatewayd" else [])

    def start(self, *names, config=None, baud=None, arguments=()):
        """Starts these programs (none named: all) and returns when they are ready.

        config: changes to the test configuration; baud: of the simulators, 0: unpaced.
        """
        if config is not None:
            self.write_config(config)
        for name in names or SIMULATORS + DAEMONS:
            self.launch(name, *arguments, baud=baud)
            self.wait_ready(name)
        if not names:
            self.settle()
        return self

    def launch(self, name, *arguments, baud=None):
        """Starts one program without waiting for it."""
        assert name not in self.programs, f"{name} is running"
        program = Program(name, [*self.arguments(name, baud), *arguments], self.environment)
        self.programs[name] = program
        return program

    def wait_ready(self, name):
        program = self.programs[name]
        if name in SIMULATORS:
            program.wait_for(r"^ready ")
            return
        if name == "gatewayd":
            match = program.wait_for(r"listening on http://\[?([^\]]+?)\]?:(\d+)$")
            host = "127.0.0.1" if match[1] == "localhost" else match[1]
            self.address = (host, int(match[2]))
        wait_until(
            lambda: self.connectable(name) or not program.running, what=f"{name}'s socket"
        )
        assert program.running, f"{name} has ended:\n{program.log}"

    def connectable(self, name):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket(name))) == 0

    def settle(self):
        """Lets dcdcd learn the converter's mode, and forgets the frames until now."""
        wait_until(lambda: self.served("dcdcd", "remote_get_status"))
        if "battd" in self.programs:
            wait_until(lambda: self.served("battd", "check_battery"))
        self.wire()

    # talking

    def socket(self, daemon):
        return self.dir / f"{daemon}.sock"

    def control_socket(self, simulator):
        return self.dir / f"{simulator}.control"

    def get(self, path, **how):
        return http_get(self.address, path, **how)

    def ok(self, path):
        """The body of a GET that must succeed."""
        reply = self.get(path)
        assert reply.status == 200, f"{path}: {reply.status} {reply.body}"
        return reply.json

    def rpc(self, daemon, method, params=None):
        return rpc(self.socket(daemon), method, params)

    def served(self, daemon, method):
        """The result of a call, None if it fails."""
        try:
            return self.rpc(daemon, method)
        except RpcError:
            return None

    def eza(self, command):
        return control(self.control_socket("eza2500-sim"), command)

    def battery(self, command):
        return control(self.control_socket("battery-sim"), command)

    def descriptors(self, name):
        """The open files of a program."""
        return os.listdir(f"/proc/{self.programs[name].pid}/fd")

    def wire(self):
        """What went over the converter's line since the last call."""
        return Wire.from_records(self.eza("wire")["wire"])

    # ending

    def end(self, name, number=signal.SIGTERM, status=0):
        """Ends one program and checks how it went; SIGKILL has no status to check."""
        program = self.programs.pop(name)
        self.ended.append(program)
        program.signal(number)
        ended = program.wait()
        expected = -signal.SIGKILL if number == signal.SIGKILL else status
        assert ended == expected, f"{name} ended with {ended}:\n{program.log}"
        program.check()

    def kill(self, name):
        self.end(name, signal.SIGKILL)

    def expect_end(self, name, status, timeout=TIMEOUT):
        """Waits for a program that ends by itself; returns what it printed."""
        program = self.programs.pop(name)
        self.ended.append(program)
        ended = program.wait(timeout)
        assert ended == status, f"{name} ended with {ended}:\n{program.log}"
        program.check()
        return program.log

    def restart(self, name, number=signal.SIGTERM):
        self.end(name, number)
        self.start(name)

    def close(self):
        """Ends all; returns what was wrong with how they ended."""
        problems = []
        for group in (DAEMONS, SIMULATORS):
            ending = [self.programs[name] for name in group if name in self.programs]
            for program in ending:
                if not program.running:
                    problems.append(f"{program.name} had ended by itself")
                program.signal(signal.SIGCONT)
                program.signal(signal.SIGTERM)
            for program in ending:
                problems += self.conclude(program)
        self.programs.clear()
        shutil.rmtree(self.dir, ignore_errors=True)
        return problems

    @staticmethod
    def conclude(program):
        began = time.monotonic()
        try:
            status = program.wait(7)
            program.check()
        except AssertionError as error:
            return [str(error)]
        took = time.monotonic() - began
        if status != 0:
            return [f"{program.name} ended with {status}:\n{program.log}"]
        return [] if took < 5 else [f"{program.name} took {took:.1f} s to end"]
