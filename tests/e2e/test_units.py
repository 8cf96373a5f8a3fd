# SPDX-License-Identifier: Apache-2.0
"""The systemd units as `make install` puts them: valid, hardened, and what they promise."""

import configparser
import os
import re
import stat
import subprocess

import pytest

from stack import DAEMONS, ROOT

# The least exposure that systemd-analyze may find, in tenths: 10 is none, 100 all.
EXPOSURE = {"dcdcd": 15, "battd": 15, "gatewayd": 20}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Installed as on a machine, below a directory of its own."""
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(
        ["flock", "build/.lock", "make", "-s", "install", f"prefix={prefix}", f"sysconfdir={prefix}/etc"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return prefix


@pytest.fixture
def units(installed):
    return installed / "lib/systemd/system"


def read(path):
    """The settings of a unit; of one given several times the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.optionxform = str
    parser.read(path)
    return parser


def analyze(units, *arguments):
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_UNIT_PATH": f"{units}:/lib/systemd/system"},
        text=True,
        capture_output=True,
        timeout=60,
    )


def test_verify(units):
    """No unknown key, no missing program, no ordering cycle. Of other units it may complain."""
    names = [f"{name}.service" for name in DAEMONS] + ["dcdc-batt-comm.target"]
    done = analyze(units, "verify", "--man=no", *(str(units / name) for name in names))
    ours = [line for line in done.stderr.splitlines() if re.search("dcdc|battd|gatewayd", line)]
    assert ours == []


@pytest.mark.parametrize("name", DAEMONS)
def test_exposure(units, name):
    done = analyze(
        units, "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE[name]}",
        str(units / f"{name}.service"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level" in done.stdout


@pytest.mark.parametrize("name", DAEMONS)
def test_supervision(units, name):
    """Restarted for ever, but for a configuration that cannot be right; no device is waited for."""
    unit = read(units / f"{name}.service")
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"] == "78"
    assert int(service["WatchdogSec"]) > 0
    assert service["RuntimeDirectoryPreserve"] == "yes"
    assert service["User"] == "dcdc"
    assert '$$EXIT_STATUS" != 75 ]' in service["ExecStopPost"]
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert not {"BindsTo", "Requires", "Requisite", "After", "Before"} & set(unit["Unit"])


@pytest.mark.parametrize("name", ["dcdcd", "battd"])
def test_devices_only(units, name):
    service = read(units / f"{name}.service")["Service"]
    assert service["RestrictAddressFamilies"] == "AF_UNIX"
    assert service["PrivateNetwork"] == "yes"
    assert set(service["SupplementaryGroups"].split()) == {"dialout", "gpio"}


@pytest.mark.parametrize("name", ["dcdcd", "battd"])
def test_real_time_priority_is_permitted(units, name):
    """To the thread that drives a direction pin, by itself."""
    text = (units / f"{name}.service").read_text()
    filters = re.findall("^SystemCallFilter=(.*)$", text, re.MULTILINE)
    assert read(units / f"{name}.service")["Service"]["LimitRTPRIO"] == "10"
    assert filters[-1] == "sched_setscheduler"  # after the filter that forbids @resources
    assert "RestrictRealtime" not in text


@pytest.fixture
def machine(installed, tmp_path):
    """An empty tree with the user and the groups that the units name."""
    (tmp_path / "etc").mkdir()
    done = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", str(installed / "lib/sysusers.d/dcdc-batt-comm.conf")],
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_sysusers(machine):
    assert re.search(r"^dcdc:", (machine / "etc/passwd").read_text(), re.MULTILINE)
    groups = dict(
        (line.split(":")[0], line.split(":")[3])
        for line in (machine / "etc/group").read_text().splitlines()
    )
    assert groups["dialout"] == groups["gpio"] == "dcdc"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory away")
def test_tmpfiles(installed, machine):
    """The run directory of daemons started by hand."""
    subprocess.run(
        ["systemd-tmpfiles", "--create", f"--root={machine}", str(installed / "lib/tmpfiles.d/dcdc-batt-comm.conf")],
        check=True,
    )
    directory = (machine / "run/dcdc_batt_comm").stat()
    user = re.search(r"^dcdc:x:(\d+):(\d+):", (machine / "etc/passwd").read_text(), re.MULTILINE)
    assert (directory.st_uid, directory.st_gid) == (int(user[1]), int(user[2]))
    assert stat.S_IMODE(directory.st_mode) == 0o750


def test_modules(installed):
    """The classes of devices that the units allow exist when they start."""
    modules = (installed / "lib/modules-load.d/dcdc-batt-comm.conf").read_text()
    assert {"usbserial", "cdc_acm"} <= set(modules.split())


def test_prometheus_examples(installed):
    examples = installed / "share/doc/dcdc_batt_comm/etc/prometheus"
    assert {path.name for path in examples.iterdir()} == {"prometheus.yml", "dcdc_batt_comm.rules.yml"}
    done = subprocess.run(
        ["promtool", "check", "config", examples / "prometheus.yml"], capture_output=True, text=True
    )
    assert done.returncode == 0 and "rules found" in done.stdout, done


@pytest.mark.parametrize("name", DAEMONS)
def test_sandbox(units, name):
    """What no daemon needs; test_exposure weighs it all."""
    service = read(units / f"{name}.service")["Service"]
    assert service["NoNewPrivileges"] == service["MemoryDenyWriteExecute"] == "yes"
    assert service["CapabilityBoundingSet"] == "" and service["ProtectSystem"] == "strict"
    assert service["DevicePolicy"] == "closed"
    allowed = {"AF_UNIX"} | ({"AF_INET", "AF_INET6"} if name == "gatewayd" else set())
    assert set(service["RestrictAddressFamilies"].split()) == allowed


def test_target(units):
    target = read(units / "dcdc-batt-comm.target")
    assert set(target["Unit"]["Wants"].split()) == {f"{name}.service" for name in DAEMONS}
    assert target["Install"]["WantedBy"] == "multi-user.target"
    assert all(read(units / f"{name}.service")["Unit"]["PartOf"] == "dcdc-batt-comm.target" for name in DAEMONS)


def test_uninstall(tmp_path):
    """What install and install-simulators put is gone, but the configuration."""
    make = ["flock", "build/.lock", "make", "-s", f"DESTDIR={tmp_path}", "prefix=/usr"]
    for targets in (["install", "install-simulators"], ["uninstall"]):
        subprocess.run([*make, *targets], cwd=ROOT, check=True, capture_output=True)
    left = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["etc/dcdc_batt_comm/dcdc_batt_comm.yml"]
