# SPDX-License-Identifier: Apache-2.0
"""Says what is wrong with the ports that the configuration names.

The devices are asked by the daemons themselves: by those that run or, where none runs, by private
ones with a run directory of their own, without guards and retries. Only reads are sent. What went
over the line is taken from the daemons' traces. Ends within 15 s.

Arguments: the directory of scripts/doctor, which starts this, then the options.
"""

import argparse
import json
import os
import pathlib
import pwd
import signal
import subprocess
import sys
import time

from examination import examine
from report import FAIL, Report

SERVICE_USER = "dcdc"


def parse_options(arguments):
    parser = argparse.ArgumentParser(
        prog="doctor",
        description="Says what is wrong with the ports of the converter and the battery. Only"
        " reads are sent to them.",
        epilog="Exit status: 0 all is well, 1 something is not, 2 usage.",
    )
    run_dir = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or "/run/dcdc_batt_comm"
    parser.add_argument("--config", metavar="FILE", help="default: as the daemons")
    parser.add_argument(
        "--run-dir", metavar="DIR", type=pathlib.Path, default=run_dir, help=f"({run_dir})"
    )
    parser.add_argument(
        "--user", metavar="NAME", help=f"who must have access ({SERVICE_USER} if there, else you)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        options.user = find_user(options.user)
    except KeyError:
        parser.error(f"no such user: {options.user}")
    return options


def find_user(name):
    if name is not None:
        return pwd.getpwnam(name)
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return pwd.getpwuid(os.geteuid())


def find_programs(here):
    """Beside the script where it is installed, in the build directory of a checkout otherwise."""
    if (here / "dcdcd").exists():
        return here
    return pathlib.Path(here.parent, os.environ.get("DCDC_BUILD", "build"))


def load(programs, path):
    """The configuration's tree, or what is wrong with it: (tree, None) or (None, text)."""
    command = [programs / "dcdcd", "--print-config", *(["--config", path] if path else [])]
    try:
        printed = subprocess.run(command, capture_output=True, text=True, timeout=5)
    except OSError as error:
        return None, f"{command[0]}: {error.strerror}"
    if printed.returncode != 0:
        return None, printed.stderr.strip()
    return json.loads(printed.stdout), None


def main(here, *arguments):
    began = time.monotonic()
    options = parse_options(arguments)
    report, programs = Report(), find_programs(pathlib.Path(here))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tree, wrong = load(programs, options.config)
    if tree is None:
        report.add(FAIL, "", "config", wrong)
    else:
        examine(report, tree, programs, options.run_dir, options.user)
    seconds = time.monotonic() - began
    print(report.as_json(seconds) if options.json else report.as_text())
    return 0 if report.good else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
