# SPDX-License-Identifier: Apache-2.0
"""Reading /metrics: the Prometheus text format 0.0.4, strictly, and promtool's opinion of it."""

import re
import subprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (\S+)")
COMMENT = re.compile(rf"# (?:HELP ({NAME}) (.+)|TYPE ({NAME}) (counter|gauge|histogram))")
SUFFIXES = re.compile("_(bucket|sum|count)$")


class Metrics(dict):
    """Values by series: 'dcdc_link_up{device="battery"}'."""

    def __init__(self, text):
        super().__init__()
        self.types = {}
        self.helps = {}
        for line in text.splitlines():
            if line.startswith("#"):
                self._comment(line)
            else:
                self._sample(line)
        assert text.endswith("\n")

    def _comment(self, line):
        match = COMMENT.fullmatch(line)
        assert match, line
        table, name, value = (
            (self.helps, match[1], match[2]) if match[1] else (self.types, match[3], match[4])
        )
        assert name not in table, f"twice: {line}"
        table[name] = value

    def _sample(self, line):
        match = SAMPLE.fullmatch(line)
        assert match, line
        name = match[1]
        family = SUFFIXES.sub("", name) if SUFFIXES.sub("", name) in self.types else name
        assert list(self.types)[-1] == family == list(self.helps)[-1], f"not grouped: {line}"
        series = match[1] + (match[2] or "")
        assert series not in self, f"twice: {line}"
        self[series] = float(match[3])

    def of(self, name):
        """The series of a family, by their labels: {'{device="battery"}': 1.0}."""
        return {
            key[len(name) :]: value
            for key, value in self.items()
            if key == name or key.startswith(name + "{")
        }


def scrape(stack):
    reply = stack.get("/metrics")
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == CONTENT_TYPE
    return Metrics(reply.body.decode())


def assert_promtool_is_quiet(text):
    """promtool's lint: names, units, help texts, duplicates."""
    run = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b""), run
