# SPDX-License-Identifier: Apache-2.0
"""The man pages say what the programs say: options, keys with ranges and defaults, statuses, files."""

import functools
import itertools
import json
import os
import re
import signal
import subprocess

import pytest

from link import RpcError, wait_until
from stack import BUILD, CONFIG, DAEMONS, ROOT, SIMULATORS, merged, yaml

PAGES = sorted((ROOT / "doc/man").iterdir())
PROGRAMS = [page for page in PAGES if page.suffix != ".5"]
CONFIG_PAGE = ROOT / "doc/man/dcdc_batt_comm.yml.5"


@functools.cache
def rendered(page):
    """The page as text, no line of it broken, and what groff complains of."""
    done = subprocess.run(
        ["man", "--warnings", "--no-hyphenation", "--local-file", str(page)],
        env={**os.environ, "MANWIDTH": "2000", "LC_ALL": "C.UTF-8", "MANROFFOPT": "-rLL=2000n"},
        text=True,
        capture_output=True,
        timeout=60,  # on a loaded machine
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def section(page, heading):
    text = rendered(page)[0]
    found = re.search(rf"^{heading}\n(.*?)(?=^\S|\Z)", text, re.DOTALL | re.M)
    assert found, f"{page.name} has no {heading}"
    return found[1]


def run(*command):
    return subprocess.run(list(map(str, command)), text=True, capture_output=True, timeout=60)


def program(page):
    return ROOT / "scripts/doctor" if page.stem == "dcdc-doctor" else BUILD / page.stem


# form


def test_each_program_has_a_page():
    assert {page.stem for page in PROGRAMS} == {*DAEMONS, *SIMULATORS, "dcdc-doctor"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_groff_does_not_complain(page):
    assert rendered(page)[1] == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_references_between_pages(page):
    """A page that is named is there; only those of others are not ours."""
    named = re.findall(r"^\.Xr (\S+) (\d)", page.read_text(), re.M)
    ours = {f"{name}.{number}" for name, number in named if (name, number) not in OTHERS}
    assert ours <= {other.name for other in PAGES}


OTHERS = {("socat", "1"), ("curl", "1"), ("sd_notify", "3")}


def test_installed(tmp_path):
    """Where `man` looks for them."""
    (ROOT / "build").mkdir(exist_ok=True)
    make = ["flock", "build/.lock", "make", "-s", "install", "install-simulators"]
    run_in_root = subprocess.run(
        [*make, f"DESTDIR={tmp_path}", "prefix=/usr"], cwd=ROOT, capture_output=True, text=True
    )
    assert run_in_root.returncode == 0, run_in_root.stderr
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("man?/*")}
    assert found == {f"usr/share/man/man{page.suffix[1:]}/{page.name}" for page in PAGES}


# options


@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: page.name)
def test_options(page):
    """The same options with the same arguments as --help, and as the page's own synopsis."""
    help_text = run(program(page), "--help").stdout
    printed = set(re.findall(r"^  (?:-h, )?(--[\w-]+(?: [^\s,]+)?)(?=  |$)", help_text, re.M))
    described = re.findall(r"^ {5,7}(--\S+(?: [A-Z%]+)?)(?=  |$)", section(page, "OPTIONS"), re.M)
    assert printed and set(described) == printed
    assert len(described) == len(printed)
    synopsis = re.findall(r"--[\w-]+(?: [^\s\]]+)?", section(page, "SYNOPSIS").replace(" --", "  --"))
    assert set(synopsis) == printed


@pytest.mark.parametrize("name", SIMULATORS)
def test_simulators_defaults(name):
    """Those that --help prints."""
    page = ROOT / f"doc/man/{name}.1"
    help_text = run(BUILD / name, "--help").stdout
    printed = dict(re.findall(r"^  --([\w-]+) .*\(default (\S+)\)$", help_text, re.M))
    described = dict(
        re.findall(r"^ {5,7}--([\w-]+) \S+\n.*Default: (\S+)\.$", section(page, "OPTIONS"), re.M)
    )
    assert printed and described == printed


@pytest.mark.parametrize("name", SIMULATORS)
def test_control_commands(stack, name):
    stack.start(name)
    told = stack.eza("help") if name == "eza2500-sim" else stack.battery("help")
    commands = {line.split()[0].rstrip(":") for line in told["help"]}
    page = section(ROOT / f"doc/man/{name}.1", "CONTROL")
    assert set(re.findall(r"^ {5,7}([a-z]+)\b(?= |$)(?! text)", page, re.M)) == commands


# exit statuses and files


@pytest.mark.parametrize("name", DAEMONS)
def test_exit_statuses(stack, name):
    """Each that the page names is got, and there is no other among these."""
    stack.start(name)
    program = BUILD / name
    common = ["--config", stack.config_file, *(["--port", 0] if name == "gatewayd" else [])]
    seen = {
        run(program, "--config", stack.config_file, "--check-config").returncode,
        run(program, *common, "--run-dir", stack.dir).returncode,
        run(program, *common, "--run-dir", stack.dir / "missing").returncode,
        run(program, "--nonsense").returncode,
        run(program, "--config", stack.dir / "missing").returncode,
    }
    page = section(ROOT / f"doc/man/{name}.8", "EXIT STATUS")
    assert seen == {int(status) for status in re.findall(r"^ {5,7}(\d+) ", page, re.M)}


@pytest.mark.parametrize("name", SIMULATORS)
def test_exit_statuses_of_simulators(stack, name):
    stack.start(name)
    program = stack.programs[name]
    arguments = ["--link", stack.dir / "another", "--control", stack.control_socket(name)]
    stack.end(name)
    seen = {
        program.process.returncode,
        run(BUILD / name, "--link", stack.dir / "x", "--control", stack.dir / "no/such").returncode,
        run(BUILD / name, *arguments, "--nonsense").returncode,
    }
    page = section(ROOT / f"doc/man/{name}.1", "EXIT STATUS")
    assert seen == {int(status) for status in re.findall(r"^ {5,7}(\d+) ", page, re.M)}


def test_files_in_the_run_directory(unit):
    """All that the daemons leave there after a set, an unconfirmed stop and a lost battery, and no more."""
    unit.ok("/dcdc/set?mode=0x0041&dvg=350&drg=0&dig=2")
    unit.eza("fault silence")
    with pytest.raises(RpcError):
        unit.rpc("dcdcd", "remote_set", {"mode": "0x0000"})
    unit.battery("hangup")
    for name in ("dcdcd", "battd"):
        wait_until((unit.dir / f"{name}.trace").exists)
    described = set()
    for name in DAEMONS:
        files = section(ROOT / f"doc/man/{name}.8", "FILES")
        described |= set(re.findall(rf"^ {{5,7}}({name}\.\S+)", files, re.M))
    found = {path.name for path in unit.dir.iterdir() if path.name.partition(".")[0] in DAEMONS}
    assert found == described


# the configuration

NAMES = {"dcdc": "dcdc_default_eza2500", "battery": "battery_emulator"}
LEFT_OUT = "May be left out"


def keys():
    """The page's keys by their paths, and what it says of each."""
    found = re.findall(r"^ {5,7}([\w.]+)\n {13,15}(.*)$", section(CONFIG_PAGE, "KEYS"), re.M)
    assert len(found) == len(dict(found)) > 50
    return dict(found)


KEYS = keys()
REQUIRED = [path for path, text in KEYS.items() if not re.search(f"[Dd]efault:|{LEFT_OUT}", text)]


def real(path):
    """A path of the page as it is in CONFIG."""
    top, *rest = path.split(".")
    return ".".join([top, NAMES[top], *rest[1:]]) if rest[0] == "NAME" else path


def value(path):
    node = CONFIG
    for name in real(path).split("."):
        node = node[name]
    return node


def check(tmp_path, changes, option="--check-config"):
    """What dcdcd says to a file with only what is needed, and these changes to it."""
    paths = {real(path): None for path in KEYS if in_config(path) and path not in REQUIRED}
    paths["ess_system.dcdc_dev.params"] = '["{dir}/dcdc"]'
    tree = merged(paths | {real(path): text for path, text in changes.items()})
    file = tmp_path / "dcdc_batt_comm.yml"
    file.write_text(yaml(tree).replace("{dir}", "/dev"))
    return run(BUILD / "dcdcd", option, "--config", file)


def in_config(path):
    try:
        return value(path) is not None
    except KeyError:
        return False


def leaves(tree, path=""):
    for key, node in tree.items():
        if isinstance(node, dict):
            yield from leaves(node, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def test_keys_are_those_of_the_schema():
    """By name, other names of the same value included."""
    source = (ROOT / "common/config_schema.c").read_text()
    schema = set(re.findall(r'\b(?:KEY|SETUP)\("(\w+)"', source))
    assert {name for path in KEYS for name in path.split(".")} - {"NAME"} == schema


def test_paths_are_those_that_are_printed(tmp_path):
    printed = check(tmp_path, {}, "--print-config")
    assert printed.returncode == 0, printed.stderr
    paths = leaves(json.loads(printed.stdout))
    assert {re.sub(r"^(dcdc|battery)\.\w+\.", r"\1.NAME.", path) for path in paths} <= set(KEYS)


@pytest.mark.parametrize("path", KEYS)
def test_key_is_known(tmp_path, path):
    assert "unknown key" not in check(tmp_path, {path: "?"}).stderr


@pytest.mark.parametrize("path", REQUIRED)
def test_required_key(tmp_path, path):
    done = check(tmp_path, {path: None})
    assert done.returncode == 78
    assert re.search(rf"\b{path.split('.')[-1]}: required key missing", done.stderr)


# What must stand beside a key so that its values can be tried.
BESIDE = {
    "ess_system.battery_dev.poll_interval": {"ess_system.battery_dev.max_age": "3600"},
    "ess_system.battery_dev.kwparams.dir_pin": {"ess_system.dcdc_dev.kwparams.dir_pin": "not_used"},
}
for delay, line in itertools.product(("before", "after"), ("dcdc_dev", "battery_dev")):
    keys = f"ess_system.{line}.kwparams"
    BESIDE[f"{keys}.rts_delay_{delay}"] = {
        f"{keys}.direction": "kernel",
        f"{keys}.dir_pin": "not_used",
    }
DEFAULTS = {
    path: match[1]
    for path, text in KEYS.items()
    if (match := re.search(r"[Dd]efault: (.*)\.$", text))
}


@pytest.mark.parametrize("path", DEFAULTS)
def test_default(tmp_path, path):
    """The file with the default written into it means the same as the file without."""
    beside = BESIDE.get(path, {})
    without, given = (
        check(tmp_path, beside | changes, "--print-config") for changes in ({}, {path: DEFAULTS[path]})
    )
    assert without.returncode == given.returncode == 0, given.stderr
    assert json.loads(given.stdout) == json.loads(without.stdout)


RANGES = {
    path: match
    for path, text in KEYS.items()
    if (match := re.search(r"(-?[\d.]+) to (-?[\d.]+)\b", text))
}


@pytest.mark.parametrize("path", RANGES)
def test_range(tmp_path, path):
    """Both ends are taken, what is just beyond them is not."""
    ends = [float(end) for end in RANGES[path].groups()]
    step = 0.001 if any("." in end for end in RANGES[path].groups()) else 1
    beside = BESIDE.get(path, {}) | without_other_name(path)
    for number, status in [(ends[0], 0), (ends[1], 0), (ends[0] - step, 78), (ends[1] + step, 78)]:
        done = check(tmp_path, beside | {path: f"{number:.10g}"})
        assert done.returncode == status, f"{number}: {done.stderr}"


def without_other_name(path):
    """For a key that is another name: leaves the one out that it stands for."""
    other = re.search(r"Another name of (\w+)\.", KEYS[path])
    replaced = path.rpartition(".")[0] + "." + other[1] if other else None
    return {replaced: None} if replaced in REQUIRED else {}
