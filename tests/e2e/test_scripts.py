# SPDX-License-Identifier: Apache-2.0
"""scripts/run and scripts/install-packages as a new user runs them."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from link import TIMEOUT, control, http_get, rpc, wait_until
from stack import ROOT

BUILDING = 300  # s: the first run builds


class Run:
    """scripts/run, started in a process group of its own, as from a terminal."""

    def __init__(self, *arguments, **how):
        self.process = subprocess.Popen(
            [ROOT / "scripts/run", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell ignores SIGINT for what it runs in the background, and its children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **how,
        )
        self.output = ""

    def read_until(self, text):
        deadline = time.monotonic() + BUILDING
        while text not in self.output:
            line = self.process.stdout.readline()
            assert line and time.monotonic() < deadline, self.output + self.process.stderr.read()
            self.output += line

    @property
    def url(self):
        return re.search(r"^http://([^:/]+|\[::1\]):(\d+)/all/get$", self.output, re.MULTILINE)

    @property
    def address(self):
        host = self.url[1].strip("[]")
        return ("127.0.0.1" if host == "localhost" else host, int(self.url[2]))

    @property
    def sockets(self):
        return [pathlib.Path(path) for path in re.findall(r"UNIX-CONNECT:(\S+)", self.output)]

    def end(self, number=signal.SIGINT):
        os.killpg(self.process.pid, number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, self.output + out, err


@pytest.fixture
def run():
    started = []

    def start(*arguments, **how):
        started.append(Run(*arguments, **how))
        started[-1].read_until("Ctrl-C")
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGTERM)


def processes_of(directory):
    """The command lines that name a directory."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in text:
            found.append(text)
    return found


def test_run(run):
    one = run()
    body = json.loads(one.output.partition("\n\n")[0].splitlines()[-1])
    assert {"meter", "rsoc", "status"} <= set(body)
    assert http_get(one.address, "/all/get").status == 200
    directory = one.sockets[0].parent
    assert [path.name for path in one.sockets] == [
        "dcdcd.sock",
        "battd.sock",
        "gatewayd.sock",
        "eza2500-sim.control",
        "battery-sim.control",
    ]
    assert len(processes_of(directory)) == 5
    for line in one.output.splitlines():
        if "socat" in line:
            answer = subprocess.run(line, shell=True, capture_output=True, timeout=TIMEOUT)
            assert "error" not in json.loads(answer.stdout), line
    status, _, err = one.end()
    assert status == 0, err
    for text in ("hung up", "gone", "at once"):  # the daemons ended first, and in peace
        assert text not in err
    assert not directory.exists()
    assert processes_of(directory) == []


def test_two_at_once(run):
    first, second = run(), run("--host", "127.0.0.1")
    assert first.address != second.address
    assert first.sockets[0].parent != second.sockets[0].parent
    for one in (first, second):
        assert http_get(one.address, "/dcdc/set?mode=0x0041&dvg=350&dig=1").status == 200
        assert one.end(signal.SIGTERM)[0] == 0


def test_the_battery_follows_the_converter(run):
    """The simulators are coupled."""
    one = run()
    assert http_get(one.address, "/dcdc/set?mode=0x0041&dvg=350&dig=5").status == 200
    state = next(path for path in one.sockets if path.name == "battery-sim.control")
    wait_until(lambda: control(state, "state")["state"]["converter_power"] > 100)


def test_only_the_script_is_asked_to_stop(run):
    """As a service manager or `timeout` does it."""
    one = run()
    directory = one.sockets[0].parent
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(20) == 0
    assert processes_of(directory) == [] and not directory.exists()


def test_a_daemon_that_dies_ends_it_all(run):
    one = run()
    directory = one.sockets[0].parent
    battd = int(
        subprocess.run(
            ["pgrep", "-f", f"battd .*{directory}"], capture_output=True, text=True
        ).stdout.split()[0]
    )
    os.kill(battd, signal.SIGKILL)
    out, err = one.process.communicate(timeout=20)
    assert one.process.returncode == 128 + signal.SIGKILL
    assert "battd has ended" in err
    assert processes_of(directory) == [] and not directory.exists()


def test_real_ports(run, stack):
    """--config: no simulators of its own; here the ports are those of another stack."""
    stack.start("battery-sim", "eza2500-sim")
    one = run("--config", os.path.relpath(stack.config_file), "--port", "0")
    assert [path.name for path in one.sockets] == ["dcdcd.sock", "battd.sock", "gatewayd.sock"]
    assert rpc(one.sockets[0], "status")["port"] == str(stack.dir / "dcdc")
    assert http_get(one.address, "/all/get").status == 200
    assert one.end()[0] == 0


def test_real_ports_without_hardware(run, stack):
    """It says what does not work, and stays."""
    one = run("--config", stack.config_file)
    assert '{"err":' in one.output
    assert one.process.poll() is None
    assert one.end()[0] == 0


def test_a_bad_configuration_is_told(stack):
    stack.config_file.write_text("nonsense: 1\n")
    result = subprocess.run(
        [ROOT / "scripts/run", "--config", stack.config_file],
        capture_output=True,
        text=True,
        timeout=BUILDING,
    )
    assert result.returncode == 78
    assert f"{stack.config_file}:" in result.stderr


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--port"], ["--config", "/nowhere"]])
def test_wrong_usage(arguments):
    result = subprocess.run(
        [ROOT / "scripts/run", *arguments], capture_output=True, text=True, timeout=TIMEOUT
    )
    assert result.returncode == 2
    assert "usage:" in result.stderr


def test_help():
    result = subprocess.run(
        [ROOT / "scripts/run", "--help"], capture_output=True, text=True, timeout=TIMEOUT
    )
    assert result.returncode == 0
    for option in ("--config", "--host", "--port"):
        assert option in result.stdout


def stub(directory, name, text):
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("option", ["--run", "--test"])
def test_installed_packages_are_left_alone(option):
    """Silent, and neither root nor sudo nor apt-get is needed."""
    result = subprocess.run(
        [ROOT / "scripts/install-packages", option], capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_missing_packages_are_installed(tmp_path):
    """With stand-ins for dpkg-query, which misses two, and for apt-get and sudo, which tell."""
    stub(tmp_path, "dpkg-query", 'case "$*" in *socat|*libyaml-dev) exit 1;; esac; echo installed')
    stub(tmp_path, "apt-get", 'echo "apt-get $*"; env | grep DEBIAN_FRONTEND')
    stub(tmp_path, "sudo", 'echo "sudo $*"; "$@"')
    result = subprocess.run(
        [ROOT / "scripts/install-packages", "--run"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert result.returncode == 0, result.stderr
    calls = [line for line in result.stderr.splitlines() if line.startswith("apt-get ")]
    assert len(calls) == 2
    assert calls[0].endswith(" update")
    assert calls[1].endswith(" install -y --no-install-recommends libyaml-dev socat")
    assert "DEBIAN_FRONTEND=noninteractive" in result.stderr
