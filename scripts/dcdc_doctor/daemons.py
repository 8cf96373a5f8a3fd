# SPDX-License-Identifier: Apache-2.0
"""Asking dcdcd and battd: those that run, or private ones with a configuration of their own."""

import contextlib
import copy
import itertools
import json
import pathlib
import socket
import subprocess
import tempfile
import time

CALL_SECONDS = 2


class Unreachable(Exception):
    """A daemon that does not answer, or answers with an error."""


def device_keys(tree, section):
    """The keys of dcdc_dev or battery_dev in the tree that --print-config prints."""
    return tree["ess_system"][section]


def converter_settings(tree):
    """The entry of dcdc that is in use, the only one in the tree."""
    return next(iter(tree["dcdc"].values()))


def private_tree(tree, **sections):
    """
    A copy for private daemons: no guard that could stop the converter, no retries, short waits;
    sections: keys of dcdc_dev and battery_dev to be replaced.
    """
    tree = copy.deepcopy(tree)
    dcdc, battery = converter_settings(tree), device_keys(tree, "battery_dev")
    dcdc.update(number_of_dcdc_error_retry=0, number_of_timeout_retry=0, supervisor_timeout=0)
    dcdc.update(on_exit="keep", reply_timeout=min(dcdc["reply_timeout"], 0.5))
    for entry in tree.get("battery", {}).values():
        entry["config"]["force_dcdc_waiting"] = False
    if "kwparams" in battery:
        battery.update(poll_interval=0.1, max_age=60)
        battery["kwparams"]["timeout"] = min(battery["kwparams"]["timeout"], 1)
    for section, keys in sections.items():
        target = device_keys(tree, section)
        for key, value in keys.items():
            (target if key in target else target["kwparams"])[key] = value
    return tree


class Client:
    """A connection to a daemon's socket. No call takes longer than CALL_SECONDS."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(CALL_SECONDS)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rwb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.file.close()
        self.socket.close()

    def receive(self):
        """The next message, an answer or a notification."""
        try:
            line = self.file.readline()
        except OSError as error:
            raise Unreachable(f"no answer within {CALL_SECONDS} s") from error
        if not line.endswith(b"\n"):
            raise Unreachable("the daemon has closed the connection")
        return json.loads(line)

    def call(self, method, **params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request["timeout"] = CALL_SECONDS * 1000 - 100
        try:
            self.file.write(json.dumps(request).encode() + b"\n")
            self.file.flush()
        except OSError as error:
            raise Unreachable(str(error)) from error
        answer = self.receive()
        if "error" in answer:
            raise Unreachable(answer["error"]["message"])
        return answer["result"]


class PrivateDaemons:
    """Starts daemons in a directory of their own and ends them all."""

    def __init__(self, programs):
        self.programs = programs
        self.directory = tempfile.TemporaryDirectory(prefix="dcdc-doctor-")
        self.number = itertools.count()
        self.running = {}

    @contextlib.contextmanager
    def start(self, name, tree):
        """A client of a daemon that runs with this configuration, until the block is left."""
        directory = pathlib.Path(self.directory.name, str(next(self.number)))
        directory.mkdir()
        config, log = directory / "dcdc_batt_comm.yml", directory / "log"
        config.write_text(json.dumps(tree))
        with log.open("w") as errors:
            process = subprocess.Popen(
                [self.programs / name, "--config", config, "--run-dir", directory],
                stdin=subprocess.DEVNULL,
                stderr=errors,
            )
        self.running[process.pid] = process
        try:
            with self.connect(process, directory / f"{name}.sock", log) as client:
                yield client
        finally:
            self.end(process)

    @staticmethod
    def connect(process, path, log):
        deadline = time.monotonic() + CALL_SECONDS
        while True:
            try:
                return Client(path)
            except OSError as error:
                if process.poll() is not None:
                    raise Unreachable(f"it did not start: {log.read_text().strip()}") from error
                if time.monotonic() > deadline:
                    raise Unreachable(f"{path}: {error.strerror}") from error
            time.sleep(0.01)

    def end(self, process):
        """It is asked to stop first, so that it leaves a direction pin as it should be."""
        process.terminate()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.running.pop(process.pid, None)

    def close(self):
        for process in list(self.running.values()):
            self.end(process)
        self.directory.cleanup()
