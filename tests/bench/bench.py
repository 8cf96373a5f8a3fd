#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed and memory of the daemons on paced lines, each figure beside its limit (make bench).

The converter's line runs at 19200 baud with 2 ms turnaround, the battery's at 9600. Times are set
against what the same run's frames need on the wire, so the machine's own speed matters little.
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BUILD = pathlib.Path(os.environ.get("DCDC_BUILD", "build")).resolve()
BAUD, TURNAROUND = 19200, 0.002
CONFIG = """
ess_system:
  type: essx_type_oes
  dcdc_dev:
    name: dcdc1
    config: dcdc_default_eza2500
    class: 'ESSXRS485'
    params: ["{dir}/eza", 19200]
    kwparams: {{dir_pin: "not_used"}}
    address1: 0
    address2: 16
  battery_dev:
    name: battery
    config: battery_emulator
    class: 'ESSXModbus'
    params: []
    kwparams: {{method: 'rtu', port: "{dir}/bat", timeout: 1, baudrate: 9600, dir_pin: "not_used"}}
    unit: 1
    modbus_adr_rsoc: 30030
    modbus_adr_status: 30031
    poll_interval: 1
    max_age: 5
dcdc:
  dcdc_default_eza2500:
    type: tdk_eza2500
    number_of_dcdc_error_retry: 3
    number_of_timeout_retry: 3
    wait_for_retry: 0.1
    command_interval: {interval}
    config: {{cib: 52, ubv: 40, obv: 59, ugv: 300, ogv: 400, bcf: 0x0003, cvb: 57.6, dlb: 49,
             cdb: 1.2, ddb: 1.8, drb: 0.00}}
battery:
  battery_emulator:
    type: battery_emulator
    config: {{battery_voltage: 52.0, battery_current: 20.0, force_dcdc_waiting: No}}
"""


class Service:
    """Simulators and daemons in a directory of their own."""

    def __init__(self, interval):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
        self.config = self.dir / "dcdc_batt_comm.yml"
        self.config.write_text(CONFIG.format(dir=self.dir, interval=interval))
        self.children = []
        self.pids = {}
        self.port = None

    def start(self, *argv, **options):
        child = subprocess.Popen([str(a) for a in argv], text=True, **options)
        self.children.append(child)
        return child

    def start_simulators(self):
        for name, link, more in (("eza2500-sim", "eza", ["--turnaround", TURNAROUND]),
                                 ("battery-sim", "bat", [])):
            child = self.start(BUILD / name, "--link", self.dir / link, "--control",
                               self.dir / (link + ".ctl"), *more, stdout=subprocess.PIPE)
            assert child.stdout.readline().startswith("ready")

    def start_daemons(self):
        common = ["--config", self.config, "--run-dir", self.dir]
        quiet = {"stderr": subprocess.DEVNULL}
        for name in ("dcdcd", "battd"):
            self.pids[name] = self.start(BUILD / name, *common, **quiet).pid
        gateway = self.start(BUILD / "gatewayd", *common, "--port", "0", stderr=subprocess.PIPE)
        self.pids["gatewayd"] = gateway.pid
        for line in gateway.stderr:
            found = re.search(r"listening on http://[^:]+:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                break
        threading.Thread(target=gateway.stderr.read, daemon=True).start()

    def control(self, link, command):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.dir / (link + ".ctl")))
            sock.sendall((command + "\n").encode())
            return json.loads(sock.makefile().readline())

    def get(self, path, connection=None):
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        own.request("GET", path)
        reply = own.getresponse()
        body = reply.read()
        if connection is None:
            own.close()
        return reply.status, body

    def stop(self):
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
            child.wait()
        for path in self.dir.iterdir():
            path.unlink()
        self.dir.rmdir()


@contextlib.contextmanager
def running(interval):
    service = Service(interval)
    try:
        service.start_simulators()
        service.start_daemons()
        wait_ready(service)
        yield service
    finally:
        service.stop()


def wait_ready(service):
    while service.get("/all/get")[0] != 200:
        pass


ROWS = []


def row(figure, value, limit, lower_is_better=True, unit=""):
    good = value <= limit if lower_is_better else value >= limit
    sign = "≤" if lower_is_better else "≥"
    ROWS.append((figure, f"{value:.3f}{unit}", f"{sign} {limit}{unit}", "ok" if good else "MISSED"))


def wire_seconds(frames, interval):
    """What these frames need at least: their bytes, a turnaround a pair, a gap between pairs."""
    exchanges = sum(1 for f in frames if f["dir"] == "rx")
    octets = sum(len(f["hex"].split()) if " " in f["hex"] else len(f["hex"]) // 2 for f in frames)
    return octets * 10 / BAUD + exchanges * TURNAROUND + (exchanges - 1) * interval


def measure(service, path, interval, count):
    times, wires = [], []
    for _ in range(count):
        time.sleep(interval)  # the gap after the last request is not this one's
        service.control("eza", "wire")
        begin = time.monotonic()
        status, body = service.get(path)
        times.append(time.monotonic() - begin)
        assert status == 200, body
        wires.append(wire_seconds(service.control("eza", "wire")["wire"], interval))
    return statistics.median(times), statistics.median(wires)


def bench_converter(interval, count):
    """Returns the median of /dcdc/get and /all/get."""
    medians = {}
    with running(interval) as service:
        for path in ("/dcdc/get", "/dcdc/get/status",
                     "/dcdc/set?mode=0x0014&dvg=350.0&dig=2.3&drg=0.1", "/remote/ioctl/set",
                     "/all/get"):
            median, wire = measure(service, path, interval, count)
            medians[path] = median
            name = path.split("?")[0]
            if name != "/all/get":
                row(f"{name}, interval {interval}: {median * 1000:.1f} ms ÷ wire "
                    f"{wire * 1000:.1f} ms", median / wire, 1.05)
    row(f"/all/get ÷ /dcdc/get, interval {interval}", medians["/all/get"] / medians["/dcdc/get"],
        1.02)


def p99(values):
    return sorted(values)[int(len(values) * 0.99)]


def time_gets(service, path, count):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    times = []
    for _ in range(count):
        begin = time.monotonic()
        status, body = service.get(path, connection)
        times.append(time.monotonic() - begin)
        assert status == 200, body
    connection.close()
    return times


def bench_scrape():
    with running(0.062) as service:
        service.get("/all/get")
        row("/metrics, median", statistics.median(time_gets(service, "/metrics", 300)) * 1000, 5, unit=" ms")


def bench_battery():
    with running(0.062) as service:
        service.control("bat", "fault silence")
        row("/battery/get p99, battery silent for less than max_age",
            p99(time_gets(service, "/battery/get", 1000)) * 1000, 2, unit=" ms")
        service.control("bat", "clear")
        wait_ready(service)
        done = threading.Event()

        def keep_busy():
            while not done.is_set():
                service.get("/dcdc/get")

        busy = [threading.Thread(target=keep_busy) for _ in range(4)]
        for thread in busy:
            thread.start()
        row("/battery/get p99, converter busy",
            p99(time_gets(service, "/battery/get", 1000)) * 1000, 2, unit=" ms")
        done.set()
        for thread in busy:
            thread.join()


def wrk(port, path):
    out = subprocess.run(["wrk", "-t1", "-c16", "-d1s", f"http://127.0.0.1:{port}{path}"],
                         capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    return float(re.search(r"Requests/sec:\s*([\d.]+)", out).group(1))


def bare(size):
    child = subprocess.Popen([str(BUILD / "bare-evhttp"), str(size)], stdout=subprocess.PIPE,
                             text=True)
    try:
        return wrk(int(child.stdout.readline()), "/")
    finally:
        child.terminate()
        child.wait()


def bench_throughput():
    """Turn and turn about: the machine's own speed may change from one second to the next."""
    with running(0.062) as service:
        for path, limit in (("/version/get", 0.8), ("/battery/get", 0.25)):
            size = len(service.get(path)[1])
            pairs = [(wrk(service.port, path), bare(size)) for _ in range(15)]
            ours, yardstick = (statistics.median(values) for values in zip(*pairs))
            row(f"{path}: {ours:.0f}/s ÷ bare evhttp {yardstick:.0f}/s, medians of {len(pairs)}",
                statistics.median(a / b for a, b in pairs), limit, lower_is_better=False)


def pss(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) / 1024


def bench_memory():
    with running(0) as service:
        for path, count in (("/battery/get", 9000), ("/version/get", 900), ("/all/get", 100)):
            time_gets(service, path, count)
        parts = {name: pss(pid) for name, pid in service.pids.items()}
    text = ", ".join(f"{name} {size:.2f}" for name, size in parts.items())
    row(f"memory (PSS) after 10,000 requests: {text}", sum(parts.values()), 8, unit=" MB")


def bench_start():
    versions, alls = [], []
    for _ in range(10):
        service = Service(0)
        try:
            service.start_simulators()
            service.control("eza", "wire")
            begin = time.monotonic()
            service.start_daemons()
            assert service.get("/version/get")[0] == 200
            versions.append(time.monotonic() - begin)
            status, body = service.get("/all/get")
            took = time.monotonic() - begin
            assert status == 200, body
            alls.append(took - wire_seconds(service.control("eza", "wire")["wire"], 0))
        finally:
            service.stop()
    row("start to first /version/get, median of 10", statistics.median(versions) * 1000, 30,
        unit=" ms")
    row("start to first /all/get less its wire time, median of 10", statistics.median(alls) * 1000,
        30, unit=" ms")


def main():
    bench_converter(0, 40)
    bench_converter(0.062, 15)
    bench_battery()
    bench_scrape()
    bench_throughput()
    bench_memory()
    bench_start()
    width = max(len(r[0]) for r in ROWS)
    for figure, value, limit, verdict in ROWS:
        print(f"{figure:<{width}}  {value:>10}  {limit:>10}  {verdict}")
    return 1 if any(r[3] != "ok" for r in ROWS) else 0


if __name__ == "__main__":
    sys.exit(main())
