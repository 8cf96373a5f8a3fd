# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus with the example configuration scrapes the unit; promtool checks the rules."""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.parse
import urllib.request

import pytest

from link import wait_until
from stack import ROOT

EXAMPLES = ROOT / "etc" / "prometheus"
STARTS_WITHIN = 30  # s, on a loaded machine
METER = "dcdc_grid_voltage_volts"


def promtool(*arguments):
    run = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
    assert run.returncode == 0, run
    return run.stdout


def test_the_examples_are_sound():
    promtool("check", "config", EXAMPLES / "prometheus.yml")
    promtool("check", "rules", "--lint-fatal", EXAMPLES / "dcdc_batt_comm.rules.yml")


def test_the_alerts_fire_when_they_should():
    promtool("test", "rules", pathlib.Path(__file__).with_name("alerts.test.yml"))


class Prometheus:
    def __init__(self, target):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dcdc-prometheus-"))
        shutil.copy(EXAMPLES / "dcdc_batt_comm.rules.yml", self.dir)
        text = (EXAMPLES / "prometheus.yml").read_text()
        for old, new in (
            ('"localhost:8080"', f'"{target[0]}:{target[1]}"'),
            ("scrape_interval: 15s", "scrape_interval: 500ms"),
            ("evaluation_interval: 15s", "evaluation_interval: 500ms"),
            ("scrape_timeout: 5s", "scrape_timeout: 500ms"),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (self.dir / "prometheus.yml").write_text(text)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self.dir}/prometheus.yml",
                    f"--storage.tsdb.path={self.dir}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def query(self, expression):
        """[(labels, value)] of an instant query; None while it does not answer."""
        assert self.process.poll() is None, (self.dir / "log").read_text()
        query = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/query?{query}", timeout=5
            ) as reply:
                answer = json.load(reply)
        except OSError:
            return None
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def values(self, expression):
        return [value for _, value in self.query(expression) or []]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STARTS_WITHIN)
        finally:
            self.process.kill()
            self.process.wait()
            shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture
def prometheus(unit):
    server = Prometheus(unit.address)
    yield server
    server.close()


def test_it_scrapes(unit, prometheus):
    wait_until(lambda: prometheus.values("up") == [1], STARTS_WITHIN, "the first scrape")
    unit.ok("/all/get")
    wait_until(lambda: prometheus.values(METER) == [pytest.approx(350, abs=1)])
    wait_until(lambda: prometheus.values("sum(dcdc_daemon_up)") == [2])
    wait_until(lambda: prometheus.values("count(process_cpu_seconds_total)") == [3])
    quantile = "histogram_quantile(0.9, sum by (le) (dcdc_reply_duration_seconds_bucket)) > 0"
    wait_until(lambda: prometheus.values(quantile))
    labels, _ = prometheus.query("up")[0]
    assert labels["job"] == "dcdc_batt_comm" and labels["unit"] == "unit1"
    # Unplugged: the next scrape says so, and the last value is not kept for five minutes.
    unit.eza("hangup")
    wait_until(lambda: prometheus.values('dcdc_link_up{device="converter"}') == [0])
    wait_until(lambda: prometheus.query(METER) == [])
    wait_until(lambda: prometheus.values("dcdc_battery_state_of_charge_ratio") == [0.5])
    wait_until(lambda: prometheus.query('ALERTS{alertname="DcdcLinkDown"}'))
    unit.end("gatewayd")
    wait_until(lambda: prometheus.values("up") == [0])
