# SPDX-License-Identifier: Apache-2.0
"""Each example in the documents, run: it prints what the document shows."""

import os
import re
import subprocess

import pytest

from examples import agrees, plain, steps
from link import RpcError, wait_until
from stack import BUILD, DAEMONS, ROOT

DOCUMENTS = ["README.md", "doc/rest-api.md", "doc/socket-protocol.md", "doc/metrics.md", "doc/operations.md"]
DEMO, URL = "/tmp/dcdc_batt_comm.demo", re.compile(r"http://localhost:\d+")

# As users have it: the tests' own configuration is quicker.
USUAL = {
    "ess_system.battery_dev.kwparams.timeout": "1",
    "ess_system.battery_dev.poll_interval": "1",
    "ess_system.battery_dev.max_age": "5",
    "dcdc.dcdc_default_eza2500.command_interval": "0.062",
    "dcdc.dcdc_default_eza2500.reply_timeout": "0.5",  # on a loaded machine
}


class Session:
    def __init__(self, stack):
        self.stack = stack
        stack.start(config=USUAL)
        (stack.dir / ".curlrc").write_text("silent\n")
        self.environment = {
            **os.environ,
            "RUN": str(stack.dir),
            "ROOT": str(ROOT),
            "CURL_HOME": str(stack.dir),
            "PATH": f"{BUILD.resolve()}:{os.environ['PATH']}",
        }

    def configure(self, text):
        for name in DAEMONS:
            self.stack.end(name)
        changes = dict(change.split("=") for change in (text or "").split())
        self.stack.write_config(USUAL | changes)
        self.stack.start(*DAEMONS)
        wait_until(self.answers)

    def answers(self):
        """Whether both devices do; on a loaded machine one may miss a reading."""
        try:
            self.stack.settle()
        except RpcError:
            return False
        return True

    def here(self, text):
        text = URL.sub(f"http://localhost:{self.stack.address[1]}", text)
        return text.replace(DEMO, str(self.stack.dir)).replace(".ctl", ".control")

    def run(self, command):
        """What it prints, as it would be in the document."""
        names = {"dcdc.control": "eza2500-sim.control", "battery.control": "battery-sim.control"}
        command = self.here(command)
        for short, name in names.items():
            command = command.replace(f"/{short}", f"/{name}")
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            env=self.environment,
            cwd=self.stack.dir,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=20,
        )
        return done.stdout.replace(str(self.stack.dir), DEMO).splitlines()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_examples(stack, document):
    session, wrong = Session(stack), []
    for step in steps((ROOT / document).read_text()):
        if step.kind == "config":
            session.configure(step.text)
            continue
        printed = session.run(step.text)
        if step.kind == "example" and not agrees(step.printed, printed):
            wrong.append(f"{document}:{step.line}: {step.text}\n{plain(step.printed)}\n{plain(printed)}")
    assert not wrong, "\n".join(wrong)
