# SPDX-License-Identifier: Apache-2.0
"""The tables of test_fault_matrix: requests, faults of their answers, and what becomes of them."""

import dataclasses

import eza
from stack import DCDC
from test_paths import GET, GET_STATUS, LOG_DATA, SHORT, brief, dcdc, meter, param, remote, vdis

# The two budgets differ, so that the number of tries tells which one was used.
ONCE, TIMEOUTS, ERRORS = 1, 2, 3
CONFIG = {
    f"{DCDC}.number_of_timeout_retry": str(TIMEOUTS - 1),
    f"{DCDC}.number_of_dcdc_error_retry": str(ERRORS - 1),
    f"{DCDC}.wait_for_retry": "0.01",
    f"{DCDC}.reply_timeout": "0.2",
    f"{DCDC}.command_interval": "0",
    "ess_system.dcdc_dev.params": '["{dir}/dcdc", 115200]',  # the bytes' share of the deadline
}
REST = {"dvg": 341, "drg": 0.5, "dig": 1.5}  # what is in force before each test
RUN, STOP = "mode=0x0041&dvg=345&drg=0.25&dig=2.3", "mode=0x0000&dvg=345&drg=0.25&dig=2.3"
TO_RUN = ["4-4", "6-4", "1-4", "2-1", "9-1", "10-1"]
TO_STOP = ["1-4", "4-4", "6-4", "2-1", "9-1", "10-1"]
CURRENT, VOLTAGE = ["6-4", "10-1"], ["4-4", "10-1"]
SETUP = {
    **{"bcf": "0x0003", "cdb": 1.2, "cib": 52, "cvb": 57.6, "ddb": 1.8, "dlb": 49},
    **{"drb": 0.0, "obv": 59, "ogv": 400, "ubv": 40, "ugv": 300},
}
BATTERY = {**SHORT, "rsoc": 50.1}


def current(wire):
    return {"meter": meter(wire), "param": param(wire)}


def voltage(wire):
    return {"meter": meter(wire), "vdis": vdis(wire)}


def setup(_):
    return {"dcdc_converter_name": "dcdc1", "dcdc_setup_parameter": SETUP}


# request: the commands on the wire, starting from Waiting, and the body that follows from them
REQUESTS = {
    "/all/get": (GET, lambda wire: {**dcdc(wire), **BATTERY}),
    "/dcdc/get": (GET, dcdc),
    "/remote/get": (GET, remote),
    "/dcdc/get/status": (GET_STATUS, brief),
    "/remote/get/status": (GET_STATUS, brief),
    "/remote/ioctl/get": (GET, lambda wire: {**remote(wire), **LOG_DATA}),
    "/remote/ioctl/clr_alarm": (["9-4", *GET], remote),
    "/remote/ioctl/set": (["6-1", "6-4", "7-4", "3-4"], setup),
    f"/dcdc/set?{RUN}": (TO_RUN, dcdc),
    f"/remote/set?{RUN}": (TO_RUN, dcdc),
    f"/dcdc/set?{STOP}": (TO_STOP, dcdc),
    "/dcdc/set?dig=2.3": (CURRENT, current),
    "/dcdc/set?dvg=345&drg=0.25": (VOLTAGE, voltage),
    "/remote/set/current?dig=2.3": (CURRENT, current),
    "/remote/set/voltage?dvg=345&drg=0.25": (VOLTAGE, voltage),
}
# One request for each sequence of commands, where that is all that matters.
SEQUENCES = list({tuple(commands): path for path, (commands, _) in REQUESTS.items()}.values())
READS = [path for path, (commands, _) in REQUESTS.items() if set(commands) <= set(GET)]

PLACES = [(path, at) for path in REQUESTS for at in ("first", "last")]


def command_at(path, at):
    return REQUESTS[path][0][0 if at == "first" else -1]


def wrong_data(name):
    """Data that the command could well be answered with, but is not in these tests."""
    raws = {"mode": 0x0014, "cst": 0x0002, "d0": 0x77, "d1": 0x77}
    data = b""
    for index, (field, kind) in enumerate(eza.fields_of(name).items()):
        raw = raws.get(field, 0x1230 + index)
        data += raw.to_bytes(1 if kind[0] == "B" else 2, "little")
    return data


def answer_size(name):
    return 7 + len(wrong_data(name))


def answer_frame(name, **addresses):
    return eza.frame(eza.ANSWER, cmd_of(name), wrong_data(name), **addresses)


def cmd_of(name):
    return eza.COMMANDS[int(name.partition("-")[0])][0]


@dataclasses.dataclass
class Fault:
    """A fault of one command's answer, and what becomes of the request while it lasts."""

    words: list  # for the simulator; {n}: half the answer's bytes, {m}: all but one
    error: str
    tries: int
    counter: str  # of dcdcd's status; grows by one with each try
    wrong: bool = True  # the answer carries wrong values

    def commands(self, name):
        size = answer_size(name)
        words = [one.format(n=size // 2, m=size - 1) for one in self.words]
        return [f"data {wrong_data(name).hex()}"] * self.wrong + words


def timeout(*words, counter="timeouts", wrong=True):
    return Fault(words, "read timeout", TIMEOUTS, counter, wrong)


def refusal(ercd, error=None):
    text = error or f"error: ERCD={ercd}"
    return Fault([f"nak {ercd}"], text, ERRORS if error else ONCE, "naks", False)


FAULTS = {
    "silence": timeout("silence", wrong=False),
    "drop": timeout("drop"),
    "cut 1": timeout("cut 1"),
    "cut half": timeout("cut {n}"),
    "cut last": timeout("cut {m}"),
    "ad1": timeout("ad1", counter="foreign"),
    "ad2": timeout("ad2", counter="foreign"),
    "length more": timeout("length"),
    "length 0": timeout("length 0"),
    "checksum": Fault(["checksum"], "checksum error", ERRORS, "checksum_errors"),
    "command": Fault(["command"], "bad value: response command: 0x{:02x}", ERRORS, "bad_values"),
    "nak fffd": refusal("fffd", "timeout"),
    "nak fffc": refusal("fffc", "timeout"),
    "nak ffff": refusal("ffff"),
    "nak fffe": refusal("fffe"),
    "nak fffb": refusal("fffb"),
    "inside 1": Fault(["noise_inside 0xa5"], None, None, None),
    "inside 64": Fault(["noise_inside 0x" + "a5" * 64], None, None, None),
}
RETRIED = [name for name, fault in FAULTS.items() if fault.tries != ONCE]


def outcome(fault, name):
    """(error, tries, counter) while the fault lasts."""
    if fault.error is None:  # noise inside: before the command byte nobody knows the frame
        known = answer_size(name) // 2 >= 5
        return outcome(FAULTS["checksum" if known else "cut half"], name)
    return fault.error.format(cmd_of(name) ^ 0x20), fault.tries, fault.counter


# Faults that a correct reader of the line does not notice: (words, counter, by how much each time);
# ALL: by as many as the request, or the decoy, has bytes
ALL = "all its bytes"
HARMLESS = {
    "noise before 1": ("noise_before 1", "noise_bytes", 1),
    "noise before 9": ("noise_before 9", "noise_bytes", 9),
    "noise before 64": ("noise_before 64", "noise_bytes", 64),
    "noise after 1": ("noise_after 1", "noise_bytes", 1),
    "noise after 9": ("noise_after 9", "noise_bytes", 9),
    "noise after 64": ("noise_after 64", "noise_bytes", 64),
    "echo": ("echo", "echoes", 1),
    "echo changed at 0": ("echo_changed 0", "noise_bytes", ALL),
    "echo changed at 4": ("echo_changed 4", "noise_bytes", ALL),
    "echo changed at 6": ("echo_changed 6", "noise_bytes", ALL),
    "twice": ("twice", "unexpected", 1),
    "byte by byte": ("split 0.00052", None, 0),
}

# Bytes before the answer that look like one, with wrong values: (bytes, counter, by how much)
DECOYS = {
    "of a foreign address": (lambda name: answer_frame(name, address1=7), "foreign", 1),
    "of a foreign driver": (lambda name: answer_frame(name, address2=17), "foreign", 1),
    "of another command": (
        lambda name: answer_frame("11-1" if name != "11-1" else "10-1"), "unexpected", 1
    ),
    "with a bad checksum": (lambda name: answer_frame(name)[:-1] + b"\xee", "checksum_errors", 1),
    "as a request": (
        lambda name: eza.frame(eza.REQUEST, cmd_of(name), wrong_data(name)), "noise_bytes", ALL
    ),
    "without its end": (lambda name: answer_frame(name)[:-2], "noise_bytes", ALL),
    "header alone": (lambda name: answer_frame(name)[:5], "noise_bytes", ALL),
    "longer than what comes": (
        lambda name: b"\x02\xff\x00\x10" + bytes([cmd_of(name)]), "noise_bytes", ALL
    ),
}

# Values outside the specification: (fault, command, error)
UNKNOWN_VALUES = [
    ("mode 99", "1-1", "bad value: operationMode: 153"),
    ("mode 99", "1-4", "bad value: operationMode: 153"),
    ("alarm_state 3", "2-1", "bad value: alarmState: 3"),
    ("running_state 3", "2-1", "bad value: runningState: 3"),
]
UNKNOWN = [
    (path, *row)
    for path, (commands, _) in REQUESTS.items()
    for row in UNKNOWN_VALUES
    if row[1] in commands
]
