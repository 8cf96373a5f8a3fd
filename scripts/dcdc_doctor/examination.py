# SPDX-License-Identifier: Apache-2.0
"""Asking both devices, looking for them elsewhere, and what to make of it all."""

import concurrent.futures
import contextlib
import statistics
import time

import ports
from daemons import Client, PrivateDaemons, Unreachable, device_keys, private_tree
from devices import Battery, Converter
from evidence import follow
from report import FAIL, OK, WARNING

SECONDS = 12.5  # after which nothing is begun; what is under way ends within 2 s
TRY_SECONDS = 1.5


@contextlib.contextmanager
def daemon_of(device, private, run_dir):
    """A client of the device's daemon that runs, else of a private one."""
    path = run_dir / f"{device.daemon}.sock"
    try:
        client = Client(path)
    except PermissionError as error:
        raise Unreachable(f"{path}: permission denied: start this as root") from error
    except OSError:
        with private.start(device.daemon, private_tree(device.tree)) as client:
            yield client
        return
    device.by_service = True
    with client:
        yield client


def ask(device, private, run_dir, deadline):
    """Fills what is found out about a device."""
    try:
        with daemon_of(device, private, run_dir) as client:
            path = device.served_path(client.call("status"))
            if path != device.path:
                raise Unreachable(f"{device.daemon} runs with another port: {path}")
            device.error = device.port_error(client, deadline)
            if device.error is None:
                device.evidence = device.read(client, deadline)
                with contextlib.suppress(Unreachable):
                    device.shown = device.values(client) if device.evidence.answers else None
    except Unreachable as error:
        device.error = str(error)


def answers_with(device, private, **sections):
    """Whether the device answers a private daemon with these keys changed."""
    tree, limit = private_tree(device.tree, **sections), time.monotonic() + TRY_SECONDS
    battery = device_keys(tree, "battery_dev")
    if "kwparams" in battery:
        battery["kwparams"]["timeout"] = 0.3
    try:
        with private.start(device.daemon, tree) as client:
            if device.port_error(client, limit):
                return False
            return follow(client, limit, lambda seen: seen.exchanges).speaks
    except Unreachable:
        return False


def find_swapped(converter, battery, private):
    """Those that answer on the other's port."""
    others = {"dcdc_dev": {"port": battery.path}, "battery_dev": {"port": converter.path}}
    asked = [converter, battery] if battery.harmless_to_converter else [converter]
    return [device for device in asked if answers_with(device, private, **others)]


def find_settings(device, private, deadline):
    """(the changes with which it answers or None, how many were tried)"""
    known = {**device.keys, **device.line}
    tried = []
    for keys in device.others():
        changes = {key: value for key, value in keys.items() if known[key] != value}
        if not changes or changes in tried:
            continue
        if time.monotonic() > deadline:
            break
        tried.append(changes)
        if answers_with(device, private, **{device.section: changes}):
            return changes, len(tried)
    return None, len(tried)


def search(pool, devices, private, run_dir):
    """Asks the devices side by side; returns (those on the other's port, settings by device)."""
    deadline = time.monotonic() + SECONDS
    list(pool.map(lambda one: ask(one, private, run_dir, deadline), devices))
    mute = [one for one in devices if one.mute]
    swapped = find_swapped(*mute, private) if len(mute) == 2 else []
    if swapped:
        return swapped, {}
    found = pool.map(lambda one: find_settings(one, private, deadline), mute)
    return [], dict(zip(mute, found))


def failure_hints(device):
    evidence, verdicts = device.evidence, device.evidence.verdicts
    on_board = ports.is_on_board(device.path)
    if "exception" in verdicts:
        return ["it does not have these registers: check modbus_adr_rsoc and modbus_adr_status"]
    if "answer from another unit" in verdicts:
        return ["another unit answers: check unit"]
    if evidence.answered and evidence.lost_heads:
        return ["the heads of answers are missing: the direction is released too late"]
    if evidence.answered or "checksum error" in verdicts:
        return ["noise: check termination, bias resistors, common ground and the cable"]
    if evidence.echoes:
        return ["nothing but our own request comes back: check the device's power and its wires"]
    if any(received["hex"] for _, received in evidence.exchanges):
        return [
            "what comes back is no answer: wrong speed or parity, or A and B exchanged",
            "a line without bias resistors makes such bytes too",
        ]
    hints = ["not one byte comes back: check power, cable, port, A and B exchanged"]
    if device.pin:
        hints.append(f"check pin {device.pin}: high while a request is sent, low otherwise")
    elif on_board and device.direction == "no direction pin":
        hints.append("a transceiver on a board needs its direction switched: see dir_pin")
    return hints


def judge_answers(report, device):
    name, evidence = device.name, device.evidence
    where = f"at {device.address}, {device.settings}, asked by "
    where += f"the running {device.daemon}" if device.by_service else f"a private {device.daemon}"
    count = f"{len(evidence.answered)} of {len(evidence.exchanges)} reads answered"
    if not evidence.answers:
        text = f"no valid answer {where}: {evidence.verdicts or 'nothing was sent'}"
        report.add(FAIL, name, "answer", text, *failure_hints(device))
        return
    report.add(OK, name, "answer", f"answers {where}: {device.shown or 'valid values'}")
    times = [1000 * one for one in evidence.turnarounds(device.byte_s)]
    text = f"{count}; turnaround {statistics.median(times):.1f} ms"
    text += f" ({min(times):.1f} to {max(times):.1f})"
    if evidence.failed:
        report.add(FAIL, name, "quality", f"{text}; {evidence.verdicts}", *failure_hints(device))
    elif max(times) > 800 * device.timeout:
        hint = f"near the timeout of {device.timeout:g} s: make that longer"
        report.add(WARNING, name, "quality", text, hint)
    else:
        report.add(OK, name, "quality", text)


def judge_line(report, device):
    evidence = device.evidence
    if evidence.echoes:
        text = f"the adapter echoes what is sent ({evidence.echoes} of {len(evidence.exchanges)})"
        report.add(OK if evidence.answers else WARNING, device.name, "echo", text)
    elif evidence.strays:
        kinds = ", ".join(sorted({frame["verdict"] for frame in evidence.strays}))
        text = f"{len(evidence.strays)} times something came unasked: {kinds}"
        hint = "a line without bias resistors floats while nobody sends"
        report.add(WARNING, device.name, "strays", text, hint)


def judge(report, device, swapped, settings):
    """settings: of find_settings, or None."""
    if device.error:
        report.add(FAIL, device.name, "answer", device.error)
        return
    judge_answers(report, device)
    judge_line(report, device)
    changes, tried = settings or (None, 0)
    if swapped:
        text = "the ports are exchanged: it answers on the other's port"
        report.add(FAIL, device.name, "swapped", text, "exchange the ports in the configuration")
    elif changes:
        text = ", ".join(f"{key} {value}" for key, value in changes.items())
        report.add(FAIL, device.name, "settings", f"it answers with {text}", "configure that")
    elif tried:
        text = f"nor does it answer with {tried} other settings"
        report.add(WARNING, device.name, "settings", text)
    elif device.by_service and not device.evidence.answers:
        text = f"other settings were not tried, because {device.daemon} runs"
        report.add(WARNING, device.name, "settings", text, "stop it and start this again")


def examine(report, tree, programs, run_dir, user):
    devices = [Converter(tree), Battery(tree)]
    if devices[1].path is None:
        report.add(OK, "battery", "config", "none is configured")
        devices.pop()
    devices = [device for device in devices if ports.look(report, device, user)]
    private = PrivateDaemons(programs)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        try:
            swapped, settings = search(pool, devices, private, run_dir)
        finally:
            private.close()  # what waits for them in the pool ends too
    for device in devices:
        judge(report, device, device in swapped, settings.get(device))
