#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floods an HTTP server: flood.py KIND HOST PORT SECONDS. A process of its own, so that who measures
meanwhile is not slowed down by it. Prints how many connections it has made.

It never has more than 1,000 connections at once and never makes more than 10,000 in a second.
"""

import errno
import random
import selectors
import socket
import sys
import time

OPEN_MAX, PER_SECOND = 1000, 10000
STRANGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500 + b"\n\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET /dcdc/set?mode=0x0041 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /all/get HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
    b"\0" * 10000,
    b"GET /" + b"x" * 7000 + b" HTTP/1.1\r\n\r\n",
]


class Connection:
    """What one connection of the flood sends, and when; None: nothing more."""

    def __init__(self, kind, host):
        self.kind = kind
        self.due = 0
        self.pending = b""
        self.left = 0
        if kind == "drip":
            self.pending = f"GET /all/get HTTP/1.1\r\nHost: {host}\r\nX: ".encode() + b"x" * 4000
        elif kind == "headers":
            self.pending = f"GET /all/get HTTP/1.1\r\nHost: {host}\r\n".encode()
            self.left = 8 << 20
        elif kind == "broken":
            self.pending = random.choice(STRANGE)
        elif kind == "requests":
            self.pending = f"GET /version/get HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        elif kind == "unread":
            self.pending = f"GET /version/get HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() * 50
            self.left = 8 << 20

    def chunk(self):
        if not self.pending and self.left > 0:
            if self.kind == "headers":
                self.pending = (b"X-Header: " + b"y" * 90 + b"\r\n") * 160
            else:
                self.pending = self.again
            self.left -= len(self.pending)
        return self.pending[:1] if self.kind == "drip" else self.pending

    def sent(self, count):
        if self.kind == "unread" and not hasattr(self, "again"):
            self.again = self.pending
        self.pending = self.pending[count:]


class Flood:
    def __init__(self, kind, address, seconds):
        self.kind = kind
        self.address = address
        self.end = time.monotonic() + seconds
        self.host = "{}:{}".format(*address)
        self.selector = selectors.DefaultSelector()
        self.open = {}
        self.made = 0

    def connect(self):
        client = socket.socket()
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
        if client.connect_ex(self.address) not in (0, errno.EINPROGRESS):
            client.close()
            return
        self.made += 1
        self.open[client] = Connection(self.kind, self.host)
        self.selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def close(self, client):
        self.selector.unregister(client)
        del self.open[client]
        client.close()

    def serve(self, client, events, now):
        connection = self.open[client]
        try:
            if events & selectors.EVENT_READ and self.kind != "unread":
                answered = client.recv(65536)
                if not answered or self.kind in ("requests", "broken"):
                    self.close(client)
                    return
            if not events & selectors.EVENT_WRITE:
                return
            if self.kind == "connects":
                self.close(client)  # as soon as it is connected
                return
            chunk = connection.chunk()
            if chunk and now >= connection.due:
                connection.sent(client.send(chunk))
                connection.due = now + (0.2 if self.kind == "drip" else 0)
            if not connection.pending and not connection.left:
                self.selector.modify(client, selectors.EVENT_READ)
        except BlockingIOError:
            pass
        except OSError:
            self.close(client)

    def run(self):
        began = time.monotonic()
        rest = 0.01 if self.kind in ("silent", "drip", "unread") else 0
        while (now := time.monotonic()) < self.end:
            allowed = int((now - began) * PER_SECOND) + OPEN_MAX - self.made
            for _ in range(min(allowed, OPEN_MAX - len(self.open), 50)):
                self.connect()
            for key, events in self.selector.select(0.01):
                if key.fileobj in self.open:
                    self.serve(key.fileobj, events, now)
            time.sleep(rest)  # those that wait are many, not quick
        for client in list(self.open):
            self.close(client)


if __name__ == "__main__":
    flood = Flood(sys.argv[1], (sys.argv[2], int(sys.argv[3])), float(sys.argv[4]))
    flood.run()
    print(flood.made)
