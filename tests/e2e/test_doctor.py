# SPDX-License-Identifier: Apache-2.0
"""scripts/doctor: what it says of good and of bad lines, and that it only looks."""

import json
import os
import pathlib
import pwd
import signal
import subprocess
import sys

import pytest

from link import TIMEOUT, wait_until
from stack import BATTERY, BATTERY_DEV, BUILD, DCDC, ROOT

sys.path.insert(0, str(ROOT / "scripts/dcdc_doctor"))
from evidence import Evidence  # noqa: E402

DCDC_DEV = "ess_system.dcdc_dev"
LINE = f"{BATTERY_DEV}.kwparams"
LIMIT = 15  # s, in every case

# Waits that no load makes too short: a lost read is a finding here.
PATIENT = {f"{DCDC}.reply_timeout": "0.5", f"{LINE}.timeout": "1"}


class Diagnosis:
    def __init__(self, result):
        assert result.returncode in (0, 1), result.stderr
        assert result.stderr == ""
        report = json.loads(result.stdout)
        assert report["ok"] == (result.returncode == 0)
        assert report["seconds"] < LIMIT
        self.good = report["ok"]
        self.findings = report["findings"]

    def find(self, device, check, level=None):
        """The one finding of a check."""
        found = [f for f in self.findings if (f["device"], f["check"]) == (device, check)]
        assert len(found) == 1, self.findings
        assert level in (None, found[0]["level"]), self.findings
        return found[0]

    def failed(self):
        return {(f["device"], f["check"]) for f in self.findings if f["level"] == "FAIL"}

    def hints(self, device):
        return " ".join(h for f in self.findings if f["device"] == device for h in f["hints"])


def run(stack, *arguments, script=ROOT / "scripts/doctor", **how):
    command = [script, "--config", stack.config_file, "--run-dir", stack.dir, *arguments]
    environment = {**os.environ, "DCDC_BUILD": str(BUILD), "TMPDIR": str(stack.dir)}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=2 * LIMIT, env=environment, **how
    )


def diagnose(stack, *arguments, **how):
    return Diagnosis(run(stack, "--json", *arguments, **how))


@pytest.fixture
def devices(stack):
    """Both simulators, whose answers are awaited long enough."""
    return stack.start("battery-sim", "eza2500-sim", config=PATIENT)


def configure(stack, **changes):
    stack.write_config({**PATIENT, **{path.replace("__", "."): v for path, v in changes.items()}})


def test_all_is_well(devices):
    found = diagnose(devices)
    assert found.good, found.findings
    port = found.find("converter", "exists", "ok")["text"]
    assert f"{devices.dir}/dcdc → /dev/pts/" in port and "pseudo terminal" in port
    assert "Waiting, grid 350" in found.find("converter", "answer", "ok")["text"]
    assert "charge 50 %, sharing permitted" in found.find("battery", "answer", "ok")["text"]
    assert found.find("converter", "line")["text"] == "19200 baud, 8N1, no direction pin"
    for device in ("converter", "battery"):
        text = found.find(device, "quality")["text"]
        count, _, rest = text.partition(" of ")
        assert int(count) == int(rest.split()[0]) >= 20
        assert "asked by a private" in found.find(device, "answer")["text"]


def test_the_turnaround_is_measured(devices):
    """Of both lines, without the time of the bytes; load can only make it longer."""
    devices.eza("set turnaround 0.050")
    devices.battery("set turnaround 0.070")
    found = diagnose(devices)
    for device, least in (("converter", 50), ("battery", 70)):
        middle = float(found.find(device, "quality")["text"].split("turnaround ")[1].split()[0])
        assert least - 1 <= middle < 3 * least


def test_it_only_reads(devices):
    """Even where each guard of dcdcd would stop the converter: all are left out."""
    devices.write_config(
        {
            **PATIENT,
            f"{BATTERY}.force_dcdc_waiting": "yes",
            f"{DCDC}.supervisor_timeout": "0.1",
            f"{DCDC}.voltage_reference_delay": "0",
            f"{DCDC}.on_exit": "wait",
            f"{DCDC}.battery_check_interval": "1",
        }
    )
    devices.eza("set mode 0x0041")
    devices.battery("set sharing denied")
    devices.wire()
    diagnose(devices)
    commands = set(devices.wire().commands)
    assert "1-1" in commands
    assert not [name for name in commands if not name.endswith("-1")]
    assert devices.eza("state")["state"]["mode"] == "0x0041"


def test_nothing_is_left_behind(devices):
    before = set(devices.dir.iterdir())
    diagnose(devices)
    assert set(devices.dir.iterdir()) == before
    assert not processes_in(devices.dir)


def processes_in(directory):
    """Daemons that run with a private directory below this one."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{directory}/dcdc-doctor-" in text:
            found.append(text)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_behind(devices, number):
    devices.eza("fault silence")
    devices.battery("fault silence")
    process = subprocess.Popen(
        [ROOT / "scripts/doctor", "--config", devices.config_file, "--run-dir", devices.dir],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "DCDC_BUILD": str(BUILD), "TMPDIR": str(devices.dir)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    wait_until(lambda: len(processes_in(devices.dir)) == 2)
    process.send_signal(number)
    assert process.wait(TIMEOUT) != 0
    assert not processes_in(devices.dir)
    assert not list(devices.dir.glob("dcdc-doctor-*"))


def test_text(devices):
    result = run(devices)
    assert result.returncode == 0 and result.stderr == ""
    assert result.stdout.startswith("converter\n  ok    /")
    assert "\nbattery\n" in result.stdout
    assert result.stdout.endswith("\nall is well\n")


# What is wrong with a line.


def test_silence(devices):
    devices.eza("fault silence")
    devices.battery("fault silence")
    found = diagnose(devices)
    assert found.failed() == {("converter", "answer"), ("battery", "answer")}
    for device in ("converter", "battery"):
        assert "not one byte comes back" in found.hints(device)
        assert "other settings" in found.find(device, "settings", "warn")["text"]


def test_a_silent_battery_does_not_reach_the_converter(devices):
    """Unit 5 begins its requests with the converter's start byte: not tried on its port."""
    configure(devices, ess_system__battery_dev__unit="5")
    devices.eza("fault silence")
    devices.wire()
    diagnose(devices)
    assert "?" not in devices.wire().commands


def test_wrong_address(devices):
    configure(
        devices, ess_system__dcdc_dev__address2="1", ess_system__battery_dev__unit="3"
    )
    found = diagnose(devices)
    assert found.find("converter", "settings", "FAIL")["text"] == "it answers with address2 16"
    assert found.find("battery", "settings", "FAIL")["text"] == "it answers with unit 1"


def test_exchanged_ports(devices):
    devices.write_config(
        {
            **PATIENT,
            f"{DCDC_DEV}.params": '["{dir}/battery", 19200]',
            f"{LINE}.port": '"{dir}/dcdc"',
        }
    )
    found = diagnose(devices)
    for device in ("converter", "battery"):
        assert "exchanged" in found.find(device, "swapped", "FAIL")["text"]


def test_wrong_speed(devices):
    devices.eza("set speed_check on")
    devices.battery("set speed_check on")
    devices.write_config(
        {
            **PATIENT,
            f"{DCDC_DEV}.params": '["{dir}/dcdc", 9600]',
            f"{LINE}.baudrate": "38400",
        }
    )
    found = diagnose(devices)
    assert found.find("converter", "settings", "FAIL")["text"] == "it answers with baudrate 19200"
    assert found.find("battery", "settings", "FAIL")["text"] == "it answers with baudrate 9600"


def test_garbage(devices):
    """Bytes that are no answer, at whatever speed."""
    devices.eza("fault noise_before 12")
    devices.eza("fault cut 12")
    found = diagnose(devices)
    assert ("converter", "answer") in found.failed()
    assert "wrong speed or parity" in found.hints("converter")
    assert ("battery", "answer") not in found.failed()


@pytest.mark.parametrize("simulator", ["converter", "battery"])
def test_bad_checksums(devices, simulator):
    (devices.eza if simulator == "converter" else devices.battery)("fault checksum count 4")
    found = diagnose(devices)
    assert found.failed() == {(simulator, "quality")}
    text = found.find(simulator, "quality")["text"]
    assert "4 × checksum error" in text or "4 × bad checksum" in text
    assert "termination" in found.hints(simulator)


def test_echo(devices):
    devices.eza("fault echo")
    devices.battery("fault echo")
    found = diagnose(devices)
    assert found.good, found.findings
    for device in ("converter", "battery"):
        assert "echoes" in found.find(device, "echo", "ok")["text"]


def test_an_echo_and_nothing_else(devices):
    """The adapter works; what it is connected to does not."""
    devices.eza("fault echo")
    devices.eza("fault cut 0")
    found = diagnose(devices)
    assert ("converter", "answer") in found.failed()
    assert "nothing but our own request" in found.hints("converter")


def test_bytes_that_come_unasked(devices):
    devices.battery("fault noise_after 3")
    found = diagnose(devices)
    assert found.good, found.findings
    assert "bias" in " ".join(found.find("battery", "strays", "warn")["hints"])


def test_registers_that_are_not_there(devices):
    configure(
        devices,
        ess_system__battery_dev__modbus_adr_rsoc="30100",
        ess_system__battery_dev__modbus_adr_status="30101",
    )
    found = diagnose(devices)
    assert found.failed() == {("battery", "answer")}
    assert "modbus_adr_rsoc" in found.hints("battery")


# What is wrong with a port.


def test_missing_port(devices):
    devices.eza("hangup")
    devices.write_config({**PATIENT, f"{DCDC_DEV}.params": '["/dev/ttyO99", 19200]'})
    found = diagnose(devices)
    assert found.failed() == {("converter", "exists")}
    hints = found.hints("converter")
    assert "ports that are there" in hints and "/dev/ttyS99" in hints
    assert found.find("battery", "answer", "ok")


def test_not_a_port(devices):
    devices.eza("hangup")
    (devices.dir / "dcdc").write_text("")
    found = diagnose(devices)
    assert found.failed() == {("converter", "exists")}
    assert "not a serial port" in found.find("converter", "exists")["text"]


def holder(path, locked):
    """A process that has a port open until it is killed; returns when it has."""
    code = f"import fcntl, sys; f = open({str(path)!r}, 'rb', 0); "
    code += "fcntl.flock(f, fcntl.LOCK_EX); " if locked else ""
    code += "print('open', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "open\n"
    return process


@pytest.mark.parametrize("locked", [True, False])
def test_a_port_that_is_held(devices, locked):
    """With a lock our daemons keep off; without one both get half of the bytes."""
    with holder(devices.dir / "dcdc", locked) as process:
        found = diagnose(devices)
        process.stdin.close()
    expected = f"(process {process.pid})"
    assert expected in found.find("converter", "holder", "FAIL")["text"]
    if locked:
        text = found.find("converter", "answer", "FAIL")["text"]
        assert f"in use by process {process.pid}" in text


def test_no_permission(devices):
    """The mode of the port, seen as the service's user."""
    nobody = pwd.getpwnam("nobody").pw_name
    os.chmod(os.path.realpath(devices.dir / "dcdc"), 0o600)
    os.chmod(os.path.realpath(devices.dir / "battery"), 0o666)
    found = diagnose(devices, "--user", nobody)
    assert found.failed() == {("converter", "access")}
    finding = found.find("converter", "access")
    assert "user nobody may not open it" in finding["text"] and "mode 0600" in finding["text"]
    assert "udev rule" in found.hints("converter")


def test_the_missing_group_is_named(devices):
    os.chmod(os.path.realpath(devices.dir / "dcdc"), 0o660)
    os.chmod(os.path.realpath(devices.dir / "battery"), 0o666)
    found = diagnose(devices, "--user", "nobody")
    assert "adduser nobody" in found.hints("converter")


# Where the service runs.


def test_the_running_daemons_are_asked(devices):
    devices.start("dcdcd", "battd")
    devices.settle()
    found = diagnose(devices)
    assert found.good, found.findings
    for device, daemon in (("converter", "dcdcd"), ("battery", "battd")):
        assert f"asked by the running {daemon}" in found.find(device, "answer")["text"]
        pid = devices.programs[daemon].pid
        assert found.find(device, "holder", "ok")["text"] == f"open in {daemon} (process {pid})"
    assert devices.rpc("dcdcd", "status")["counters"]["opens"] == 1


def test_the_running_daemons_with_silent_devices(devices):
    devices.start("dcdcd", "battd")
    devices.eza("fault silence")
    devices.battery("fault silence")
    wait_until(lambda: devices.rpc("battd", "status")["counters"]["timeouts"] >= 3)
    found = diagnose(devices)
    assert found.failed() == {("converter", "answer"), ("battery", "answer")}
    for device in ("converter", "battery"):
        assert "stop it and start this again" in found.hints(device)


def test_only_one_daemon_runs(devices):
    devices.start("battd")
    found = diagnose(devices)
    assert found.good, found.findings
    assert "a private dcdcd" in found.find("converter", "answer")["text"]
    assert "the running battd" in found.find("battery", "answer")["text"]


def test_a_daemon_with_another_configuration(devices):
    devices.start("dcdcd")
    os.symlink(os.path.realpath(devices.dir / "dcdc"), devices.dir / "other")
    devices.write_config({**PATIENT, f"{DCDC_DEV}.params": '["{dir}/other", 19200]'})
    found = diagnose(devices)
    text = found.find("converter", "answer", "FAIL")["text"]
    assert text == f"dcdcd runs with another port: {devices.dir}/dcdc"


# Configurations and usage.


def test_a_bad_configuration(stack):
    stack.config_file.write_text("ess_system: 1\n")
    found = diagnose(stack)
    assert found.failed() == {("", "config")}
    assert found.find("", "config")["text"].startswith(f"{stack.config_file}:1: ess_system: ")


def test_a_unit_without_battery(devices):
    devices.write_config({**PATIENT, f"{BATTERY_DEV}.class": "'None'"})
    found = diagnose(devices)
    assert found.good, found.findings
    assert found.find("battery", "config")["text"] == "none is configured"


@pytest.mark.parametrize("arguments", [["--nonsense"], ["stray"], ["--user", "no-such-user"]])
def test_wrong_usage(stack, arguments):
    result = run(stack, *arguments)
    assert result.returncode == 2 and "usage: " in result.stderr


def test_installed(devices, tmp_path):
    """As it is installed, it finds its parts and the daemons beside it."""
    make = ["make", "-s", f"BUILD={BUILD}", f"DESTDIR={tmp_path}", "prefix=/usr"]
    flags = ["-o", BUILD / "dcdcd", "-o", BUILD / "battd", "-o", BUILD / "gatewayd"]
    subprocess.run([*make, *flags, "install"], cwd=ROOT, check=True, timeout=60)
    script = tmp_path / "usr/sbin/dcdc-doctor"
    found = diagnose(devices, script=script)
    assert found.good, found.findings
    subprocess.run([*make, "uninstall"], cwd=ROOT, check=True, timeout=60)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == [tmp_path / "etc/dcdc_batt_comm/dcdc_batt_comm.yml"]


# What is made of a trace.


def exchange(evidence, request, answer, verdict, sent=1.0, received=1.02):
    evidence.add({"time": sent, "dir": ">", "hex": request, "verdict": "sent"})
    evidence.add({"time": received, "dir": "<", "hex": answer, "verdict": verdict})


REQUEST, ANSWER = "05000010001000", "020200100000001000"


def test_turnaround_is_what_the_bytes_do_not_need():
    evidence = Evidence()
    exchange(evidence, REQUEST, ANSWER, "ok")
    exchange(evidence, REQUEST, REQUEST + ANSWER, "ok")
    assert evidence.turnarounds(0.001) == pytest.approx([0.004, 0.004])
    assert evidence.echoes == 1


def test_lost_heads():
    evidence = Evidence()
    exchange(evidence, REQUEST, ANSWER, "ok")
    assert not evidence.lost_heads
    exchange(evidence, REQUEST, "", "read timeout")
    assert not evidence.lost_heads
    exchange(evidence, REQUEST, ANSWER[4:], "read timeout")
    assert evidence.lost_heads


def test_a_device_that_has_just_fallen_silent_does_not_answer():
    evidence = Evidence()
    for _ in range(17):
        exchange(evidence, REQUEST, ANSWER, "ok")
    assert evidence.answers
    for _ in range(3):
        exchange(evidence, REQUEST, "", "read timeout")
    assert not evidence.answers and evidence.speaks and not evidence.hopeless
