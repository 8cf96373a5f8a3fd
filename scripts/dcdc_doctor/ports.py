# SPDX-License-Identifier: Apache-2.0
"""What can be seen of a port without opening it."""

import glob
import grp
import os
import pathlib
import stat

from report import FAIL, OK, WARNING


def driver_of(path):
    real = os.path.realpath(path)
    if real.startswith("/dev/pts/"):
        return "a pseudo terminal"
    link = f"/sys/class/tty/{os.path.basename(real)}/device/driver"
    return f"driver {os.path.basename(os.readlink(link))}" if os.path.islink(link) else "no driver"


def is_on_board(path):
    return os.path.basename(os.path.realpath(path)).startswith(("ttyS", "ttyO", "ttyAMA"))


def stable_name(path):
    """The link that udev has made for a port; None for one that is named by a link."""
    if os.path.islink(path):
        return None
    links = sorted(glob.glob("/dev/serial/by-path/*")) + sorted(glob.glob("/dev/serial/by-id/*"))
    return next((link for link in links if os.path.realpath(link) == os.path.realpath(path)), None)


def present_ports():
    """Links before names. Most of /dev/ttyS* is there without hardware, with the driver's dummy."""
    usb = glob.glob("/dev/ttyUSB*") + glob.glob("/dev/ttyACM*")
    board = glob.glob("/dev/tty[SO][0-9]*") + glob.glob("/dev/ttyAMA*")
    real = [path for path in board if driver_of(path) not in ("no driver", "driver serial8250")]
    return sorted((glob.glob("/dev/serial/by-path/*") or usb) + real)


def group_name(gid):
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def may_open(status, user):
    """Whether the mode lets a user read and write."""
    if user.pw_uid == 0:
        return True
    if user.pw_uid == status.st_uid:
        return status.st_mode >> 6 & 6 == 6
    in_group = status.st_gid in os.getgrouplist(user.pw_name, user.pw_gid)
    return status.st_mode >> (3 if in_group else 0) & 6 == 6


def holders(path):
    """(process, name) of those that have it open. The far end of a pseudo terminal is none."""
    real = os.path.realpath(path)
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            files = {os.readlink(one) for one in (directory / "fd").iterdir()}
            name = (directory / "comm").read_text().strip()
        except OSError:
            continue
        if real in files and not {"/dev/ptmx", "/dev/pts/ptmx"} & files:
            yield int(directory.name), name


def look(report, device, user):
    """Reports what is there. Returns whether it can be asked."""
    name, path = device.name, device.path
    try:
        status = os.stat(path)
    except OSError as error:
        hints = [f"ports that are there: {', '.join(present_ports()) or 'none'}"]
        if "/ttyO" in path:
            hints.append(f"current kernels call it {path.replace('/ttyO', '/ttyS')}")
        report.add(FAIL, name, "exists", f"{path}: {error.strerror}", *hints)
        return False
    real = os.path.realpath(path)
    shown = f"{path} → {real}" if real != path else path
    if not stat.S_ISCHR(status.st_mode):
        report.add(FAIL, name, "exists", f"{shown} is not a serial port")
        return False
    report.add(OK, name, "exists", f"{shown}: {driver_of(path)}")
    if stable_name(path):
        text = f"the name {path} may be another port's after a restart"
        report.add(WARNING, name, "name", text, f"use {stable_name(path)}")
    check_access(report, name, status, user)
    check_holders(report, device)
    report.add(OK, name, "line", f"{device.settings}, {device.direction}")
    return True


def check_access(report, name, status, user):
    group = group_name(status.st_gid)
    owner = f"group {group}, mode {stat.S_IMODE(status.st_mode):04o}"
    if may_open(status, user):
        report.add(OK, name, "access", f"user {user.pw_name} may open it ({owner})")
    else:
        hint = f"as root: adduser {user.pw_name} {group}, then start the service again"
        if status.st_mode & 0o060 != 0o060:
            hint = "its group may not either: set GROUP and MODE by a udev rule"
        report.add(FAIL, name, "access", f"user {user.pw_name} may not open it ({owner})", hint)


def check_holders(report, device):
    for pid, name in holders(device.path):
        text = f"open in {name} (process {pid})"
        if name == device.daemon:
            report.add(OK, device.name, "holder", text)
        else:
            report.add(FAIL, device.name, "holder", text, "two programs steal each other's bytes")
