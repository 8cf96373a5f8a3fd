#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a stop waits while clients read without pause (make bench-stop).

usage: stop_latency.py [COMMAND_INTERVAL …]    (s; 0.062 and 0)

The time from sending the HTTP request to the first byte of its 1-4 on the line, beside the most it
may be: the longest command that can be under way, one gap. Then what four readers get.
"""
import http.client
import itertools
import os
import random
import statistics
import sys
import threading
import time

from bench import BAUD, TURNAROUND, running

STOPS = int(os.environ.get("DCDC_STOPS", "1000"))
READERS = 8
STOP = "05 02 00 10 00 00 00 10 00".replace(" ", "")
PASS = "05 00 00 10 00 10 00".replace(" ", "")  # the first request of /dcdc/get
LONGEST = (19 + 19) * 10 / BAUD + TURNAROUND  # 6-4: request, turnaround, answer


class Readers:
    """Clients that call /dcdc/get without pause until the block ends; all must get an answer."""

    def __init__(self, service, count):
        self.service = service
        self.done = threading.Event()
        self.failures = []
        self.threads = [threading.Thread(target=self.keep_reading) for _ in range(count)]

    def keep_reading(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=10)
        while not self.done.is_set():
            status, body = self.service.get("/dcdc/get", connection)
            if status != 200:
                self.failures.append(body)
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures


def beginnings(service, request):
    """When the simulator heard this request since it was asked last."""
    frames = service.control("eza", "wire")["wire"]
    return [f["t"] for f in frames if f["dir"] == "rx" and f["hex"].replace(" ", "") == request]


def first_stop(service, after):
    return min(t for t in beginnings(service, STOP) if t >= after)


def measure_stops(service, pass_time):
    """Stops at any moment of the readers' passes."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    latencies = []
    for _ in range(STOPS):
        time.sleep(random.uniform(0, 2 * pass_time))
        sent = time.monotonic()
        status, body = service.get("/dcdc/set?mode=0x0000&dvg=350&dig=0&drg=0", connection)
        assert status == 200, body
        latencies.append(first_stop(service, sent) - sent)
    connection.close()
    return sorted(latencies)


def measure_readers(service):
    """Times of /dcdc/get for one client and for each of four at once, and of one pass meanwhile."""
    alone = one_reader(service, 10)
    beginnings(service, PASS)
    results = []
    threads = [threading.Thread(target=lambda: results.extend(one_reader(service, 10)))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passes = beginnings(service, PASS)
    return alone, results, statistics.median(b - a for a, b in itertools.pairwise(passes))


def one_reader(service, count):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    times = []
    for _ in range(count):
        began = time.monotonic()
        status, body = service.get("/dcdc/get", connection)
        times.append(time.monotonic() - began)
        assert status == 200, body
    connection.close()
    return times


def main():
    for interval in map(float, sys.argv[1:] or ["0.062", "0"]):
        with running(interval) as service:
            with Readers(service, READERS):
                latencies = measure_stops(service, 6 * (interval + LONGEST))
            alone, four, one_pass = measure_readers(service)
        ms = [latency * 1000 for latency in latencies]
        print(f"interval {interval}: {STOPS} stops, {READERS} readers: median "
              f"{statistics.median(ms):.1f} ms, p99 {ms[int(len(ms) * 0.99)]:.1f} ms, worst "
              f"{ms[-1]:.1f} ms; command + gap {(LONGEST + interval) * 1000:.1f} ms")
        print(f"interval {interval}: /dcdc/get alone {statistics.median(alone) * 1000:.1f} ms; four "
              f"clients: median {statistics.median(four) * 1000:.1f} ms, worst "
              f"{max(four) * 1000:.1f} ms ({max(four) / one_pass:.2f} passes of "
              f"{one_pass * 1000:.1f} ms)")


if __name__ == "__main__":
    sys.exit(main())
