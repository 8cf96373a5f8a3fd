# SPDX-License-Identifier: Apache-2.0
"""Talking to what runs: HTTP, JSON-RPC by line, the simulators' control sockets."""

import concurrent.futures
import contextlib
import dataclasses
import http.client
import json
import socket
import time

import contract

TIMEOUT = 10  # s; nothing that the tests wait for takes longer


def wait_until(predicate, timeout=TIMEOUT, what=""):
    """Returns the first true value of predicate(); fails after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or predicate}")
        time.sleep(0.01)


@dataclasses.dataclass
class Reply:
    status: int
    headers: dict  # names in lower case
    body: bytes
    seconds: float

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The text of {"err": …}, which is all that a failure's body holds."""
        body = self.json
        assert list(body) == ["err"] and isinstance(body["err"], str), body
        return body["err"]


def ask(connection, path, method="GET", headers=None, body=None):
    """One request on an http.client connection, which may be used again.

    What comes back must be what the description of the API says.
    """
    began = time.monotonic()
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    content = response.read()
    names = {name.lower(): value for name, value in response.getheaders()}
    seconds = time.monotonic() - began
    contract.check(method, path, response.status, names, content)
    return Reply(response.status, names, content, seconds)


def http_get(address, path, timeout=TIMEOUT, **how):
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        return ask(connection, path, **how)
    finally:
        connection.close()


@contextlib.contextmanager
def concurrent_requests(address, paths):
    """GETs on connections of their own, all at once; yields a function that gives the replies."""
    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        replies = [pool.submit(http_get, address, path) for path in paths]
        yield lambda: [reply.result() for reply in replies]


class Line:
    """A connection to a Unix socket that speaks in lines."""

    def __init__(self, path, timeout=TIMEOUT):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def receive(self):
        """The next line without its end; b"" when the peer has closed."""
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                assert not self.buffer, f"half a line before the end: {self.buffer!r}"
                return b""
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def receive_json(self):
        line = self.receive()
        assert line, "the peer has closed the connection"
        return json.loads(line)


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]
        self.message = error["message"]


def request_line(method, params=None, id=1):
    request = {"jsonrpc": "2.0", "id": id, "method": method}
    if params is not None:
        request["params"] = params
    return json.dumps(request) + "\n"


def rpc(path, method, params=None):
    """The result of one call on a connection of its own; RpcError if it fails."""
    with Line(path) as line:
        line.send(request_line(method, params))
        answer = line.receive_json()
    assert answer["jsonrpc"] == "2.0" and answer["id"] == 1, answer
    assert ("result" in answer) != ("error" in answer), answer
    if "error" in answer:
        raise RpcError(answer["error"])
    return answer["result"]


def control(path, command):
    """The answer of a simulator to one line of its control socket."""
    with Line(path) as line:
        line.send(command + "\n")
        answer = line.receive_json()
    assert answer["ok"], f"{command}: {answer}"
    return answer
