# SPDX-License-Identifier: Apache-2.0
"""An emulated Raspberry Pi 3 with simulators on both of its UARTs: running, asking, watching it."""

import base64
import contextlib
import fcntl
import json
import os
import re
import socket
import subprocess
import threading

from link import control, wait_until
from stack import BUILD, Stack, merged, yaml
from qemu_trace import LEVEL, REGIONS, Decoder

DAEMONS = ("dcdcd", "battd", "gatewayd")
SPARE = "/dev/ttyUSB1"
TIMEOUT = 60  # s; an emulated board on a loaded machine

# What of QEMU's trace is let through; its USB host alone makes ten thousand lines a second.
FILTER = "|".join([f"name '({'|'.join(REGIONS)})'", "pl011_put_fifo"])


def connected(path):
    def connect():
        try:
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(path))
            return client
        except OSError:
            client.close()

    client = wait_until(connect, TIMEOUT, path)
    client.settimeout(TIMEOUT)
    return client


class Dialogue:
    """A socket on which each request has an answer with a known end."""

    def __init__(self, path, end):
        self.socket, self.end, self.buffer = connected(path), end, b""

    def answer(self):
        """The match of the end, and the text before it."""
        while not (match := re.search(self.end, self.buffer)):
            data = self.socket.recv(65536)
            assert data, f"the board has gone: {self.buffer!r}"
            self.buffer += data
        text, self.buffer = self.buffer[: match.start()], self.buffer[match.end() :]
        return match, text.decode(errors="replace")

    def ask(self, request):
        self.socket.sendall(request)
        return self.answer()


class Board:
    def __init__(self):
        self.stack = Stack()
        self.dir = self.stack.dir
        self.events, self.looks, self.began = [], 0, 0
        self.changed = threading.Condition()
        self.pids = {}
        self.closing = contextlib.ExitStack()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        # An emulated board answers late: leave its direction time before the devices answer.
        self.stack.start("eza2500-sim", "battery-sim", arguments=("--turnaround", "0.25"))
        read, write = os.pipe()
        # While the pipe is full, the board stands still.
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.filter = subprocess.Popen(
            ["grep", "--line-buffered", "-E", FILTER],
            stdin=read,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, LC_ALL="C"),
        )
        self.closing.callback(self.filter.wait, TIMEOUT)
        self.qemu = subprocess.Popen(self._command(write), pass_fds=[write])
        self.closing.callback(self.qemu.wait, TIMEOUT)
        self.closing.callback(self.qemu.terminate)
        os.close(read)
        os.close(write)
        threading.Thread(target=self._follow, daemon=True).start()
        self.monitor = Dialogue(self.dir / "monitor", rb"\(qemu\) ")
        self.monitor.answer()
        self.console = Dialogue(self.dir / "console", rb"\nEND (\d+)\n")
        self.console.answer()

    def close(self):
        """Ends all of it; returns what was wrong with the simulators."""
        self.closing.close()
        return self.stack.close()

    def _command(self, trace):
        kernel, initrd, tree = (BUILD / name for name in ("kernel", "initrd.gz", "board.dtb"))
        arguments = f"""
            -M raspi3b -display none -no-reboot -kernel {kernel} -initrd {initrd} -dtb {tree}
            -D /dev/fd/{trace} -msg timestamp=on -trace memory_region_ops_read
            -trace memory_region_ops_write -trace pl011_put_fifo
            -chardev serial,id=pl011,path={self.dir}/dcdc -serial chardev:pl011
            -chardev serial,id=mini,path={self.dir}/battery -serial chardev:mini
            -chardev socket,id=console,path={self.dir}/console,server=on,wait=off
            -chardev null,id=spare -usb
            -device usb-serial,chardev=console
            -device usb-serial,chardev=spare,always-plugged=on
            -monitor unix:{self.dir}/monitor,server=on,wait=off
        """.split()
        return ["qemu-system-aarch64", *arguments, "-append", "quiet panic=-1 maxcpus=2"]

    def _follow(self):
        decoder = Decoder()
        for line in self.filter.stdout:
            events = decoder.decode(line)
            look = "cpu -1 " in line and f"addr {LEVEL:#x} " in line
            if events or look:
                with self.changed:
                    self.events += events
                    self.looks += look
                    self.changed.notify_all()

    # the board

    def run(self, script):
        """The exit status and the output of a shell script on the board."""
        match, text = self.console.ask(base64.b64encode(script.encode()) + b"\n")
        return int(match[1]), text

    def run_when(self, wanted, script):
        """Runs a script on the board as soon as an event is seen; its exit status."""
        self.begin()
        self.console.socket.sendall(base64.b64encode(f"read go; {script}".encode()) + b"\n")
        self.wait_event(wanted)
        match, _ = self.console.ask(b"\n")
        return int(match[1])

    def check(self, script):
        """The output of a script that must succeed."""
        status, text = self.run(script)
        assert status == 0, f"{script}: {status}: {text}"
        return text

    def wait(self, script, what=""):
        """Waits until a script on the board succeeds."""
        wait_until(lambda: self.run(script)[0] == 0, TIMEOUT, what or script)

    def levels(self):
        """The levels of pins 0 to 31 as the emulator has them."""
        _, text = self.monitor.ask(f"xp /1wx {LEVEL:#x}\n".encode())
        return int(re.search(r": (0x\w+)", text)[1], 16)

    # the daemons

    def configure(self, changes):
        """Writes the configuration: the tests' own with the board's ports, and the changes."""
        ports = {
            "ess_system.dcdc_dev.params": '["/dev/ttyAMA0", 19200]',
            "ess_system.battery_dev.kwparams.port": '"/dev/ttyS1"',
            "ess_system.battery_dev.kwparams.timeout": "1",
            "ess_system.battery_dev.max_age": "5",
            "dcdc.dcdc_default_eza2500.reply_timeout": "1",
            "dcdc.dcdc_default_eza2500.command_interval": "0.02",
        }
        text = yaml(merged({**ports, **changes}))
        self.check(f"cat >/etc/dcdc_batt_comm.yml <<'END'\n{text}END\n")

    def start(self, *daemons):
        options = "--config /etc/dcdc_batt_comm.yml --run-dir /run"
        for name in daemons:
            self.pids[name] = int(self.check(f"{name} {options} >/log/{name} 2>&1 & echo $!"))

    def end(self, name, signal="TERM"):
        """Ends a daemon and returns its exit status, 128 and more for a signal."""
        pid = self.pids.pop(name)
        return self.run(f"kill -{signal} {pid}; wait {pid}")[0]

    def log(self, name):
        return self.check(f"cat /log/{name}")

    def wait_log(self, name, text):
        """The first line of a daemon's log with a text, waiting for it."""
        self.wait(f"grep -qF '{text}' /log/{name}", f"{name} says {text}")
        return next(line for line in self.log(name).splitlines() if text in line)

    def ok(self, path):
        """The JSON of a GET, tried until it succeeds: an emulated board may be too late for one."""
        self.wait(f"wget -q -O /tmp/body 'http://127.0.0.1:8080{path}'", path)
        return json.loads(self.check("cat /tmp/body"))

    def error(self, path):
        """The text of a GET of which wget tells no more than that it failed. For reads only: nc
        ends its side at once, which ends a set."""
        answer = self.check(f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 8080")
        return json.loads(answer.replace("\r", "").partition("\n\n")[2])["err"]

    def set_baud(self, simulator, baud):
        control(self.stack.control_socket(simulator), f"set baud {baud}")

    # what is seen

    def begin(self):
        """From here on since() counts."""
        self.began = len(self.now())

    def now(self):
        """All events until now. The monitor's look at a register comes behind them in the trace."""
        with self.changed:
            looks = self.looks
        self.levels()
        with self.changed:
            assert self.changed.wait_for(lambda: self.looks > looks, TIMEOUT)
            return list(self.events)

    def since(self):
        return self.now()[self.began :]

    def wait_event(self, wanted):
        """Waits for an event since begin()."""
        with self.changed:
            found = self.changed.wait_for(
                lambda: any(map(wanted, self.events[self.began :])), TIMEOUT
            )
        assert found, "what was waited for did not happen on the board"
