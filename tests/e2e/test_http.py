# SPDX-License-Identifier: Apache-2.0
"""HTTP as clients speak it, well or badly."""

import http.client
import signal
import socket
import time

import pytest

import contract
from link import TIMEOUT, ask, concurrent_requests, wait_until

PATHS = [
    "/battery/get",
    "/1/log/data",
    "/dcdc/get",
    "/remote/get",
    "/dcdc/get/status",
    "/remote/get/status",
    "/remote/ioctl/get",
    "/all/get",
    "/version/get",
]
SETS = ["/dcdc/set", "/remote/set", "/remote/set/current", "/remote/set/voltage"]
CHANGES = [*SETS, "/remote/ioctl/set", "/remote/ioctl/clr_alarm", "/essx/hello", "/essx/goodbye"]


@pytest.fixture
def raw(unit):
    """A function that opens a bare connection to gatewayd; its member `request` makes a text."""
    opened = []

    def connect(data=b""):
        connection = socket.create_connection(unit.address, TIMEOUT)
        opened.append(connection)
        connection.sendall(data)
        return connection

    def request(path, version="1.1", method="GET", extra=""):
        host = f"localhost:{unit.address[1]}"
        return f"{method} {path} HTTP/{version}\r\nHost: {host}\r\n{extra}\r\n".encode()

    connect.request = request
    yield connect
    for connection in opened:
        connection.close()


def read_reply(stream, path):
    """(status, headers, body) of one reply to a GET of path, on a file of a connection."""
    line = stream.readline().split(b" ", 2)
    headers = {}
    while True:
        text = stream.readline().decode().strip()
        if not text:
            break
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    contract.check("GET", path, int(line[1]), headers, body)
    return int(line[1]), headers, body


@pytest.mark.parametrize("path", [*PATHS, "/nothing"])
def test_head_is_get_without_the_body(unit, path):
    unit.eza("set ambient 25")
    get = unit.get(path)
    head = unit.get(path, method="HEAD")
    assert head.status == get.status
    assert head.body == b""
    assert head.headers["content-type"] == get.headers["content-type"] == "application/json"
    # The meters' texts may differ in length between the two readings.
    assert abs(int(head.headers["content-length"]) - len(get.body)) < 40


def test_head_changes_nothing(stack):
    stack.start("battery-sim", "eza2500-sim", "dcdcd", "battd")
    stack.start("gatewayd", arguments=["--goodbye"])
    stack.ok(f"/dcdc/set?{SET}")
    saved = stack.rpc("gatewayd", "status")["saved"]
    stack.wire()
    for path in CHANGES:
        for method in ("HEAD", "POST"):
            reply = stack.get(f"{path}?mode=0x0000&dvg=340&dig=1", method=method)
            assert (reply.status, reply.headers["allow"]) == (405, "GET"), path
    assert stack.wire() == []
    assert stack.rpc("gatewayd", "status")["saved"] == saved
    assert stack.get("/essx/hello").status == 200
    stack.get("/essx/goodbye")
    stack.expect_end("gatewayd", 0)


def test_head_keeps_the_connection_in_step(raw):
    connection = raw(raw.request("/version/get", method="HEAD") + raw.request("/essx/hello"))
    stream = connection.makefile("rb")
    assert stream.readline().startswith(b"HTTP/1.1 200 ")
    while stream.readline().strip():
        pass
    assert read_reply(stream, "/essx/hello")[2] == b'{"message":"hello world"}'


def test_a_kept_connection_while_it_ends(unit):
    """What is under way is answered; what comes after the wish to end is not begun."""
    gatewayd, dcdcd = unit.programs["gatewayd"], unit.programs["dcdcd"]
    connection = http.client.HTTPConnection(*unit.address, timeout=TIMEOUT)

    def listening():
        with socket.socket() as client:
            return client.connect_ex(unit.address) == 0

    assert ask(connection, "/version/get").status == 200
    dcdcd.signal(signal.SIGSTOP)
    with concurrent_requests(unit.address, ["/dcdc/get"]) as replies:
        wait_until(lambda: unit.rpc("gatewayd", "status")["connections"]["answering"] == 1)
        gatewayd.signal(signal.SIGTERM)
        wait_until(lambda: not listening())
        refused = ask(connection, "/dcdc/set?mode=0x0041&dvg=350&dig=2")
        assert (refused.status, refused.error) == (503, "gatewayd is stopping")
        assert refused.headers["connection"] == "close"
        dcdcd.signal(signal.SIGCONT)
    assert replies()[0].status == 200
    unit.expect_end("gatewayd", 0)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/dcdc/set?mode=0x0041&dvg=350&dig=2", "/all/get"])
def test_other_methods_are_405(unit, method, path):
    unit.wire()
    reply = unit.get(path, method=method)
    assert reply.status == 405
    assert reply.headers["allow"] == ("GET" if "set" in path else "GET, HEAD")
    assert reply.error
    assert unit.wire() == []


def test_a_body_does_not_harm(unit):
    reply = unit.get("/version/get", method="POST", body=b"x" * 1000)
    assert reply.status == 405
    assert unit.get("/version/get", body=b"x" * 100).status in (200, 400)
    assert unit.get("/version/get", method="POST", body=b"x" * 100000).status in (405, 413)
    assert unit.ok("/version/get")


@pytest.mark.parametrize(
    "path",
    ["/", "/dcdc", "/dcdc/get/", "//dcdc/get", "/DCDC/GET", "/dcdc%2fget", "/dcdc/get%00", "/é",
     "/dcdc/../dcdc/get", "/dcdc/get;x", "/%ff", "/dcdc/%zz", "/" + "x" * 3000],
)  # fmt: skip
def test_unknown_paths_are_404(unit, path):
    connection = http.client.HTTPConnection(*unit.address, timeout=TIMEOUT)
    connection._encode_request = lambda text: text.encode()  # http.client takes only ASCII
    reply = ask(connection, path)
    connection.close()
    assert reply.status == 404
    assert reply.error
    assert reply.headers["content-type"] == "application/json"


def test_encoded_characters_of_a_path(unit):
    assert unit.get("/%76ersion/get").status == 200


@pytest.mark.parametrize("query", ["", "?", "?x=1", "?&&", "?%zz", "#part"])
def test_reads_take_no_notice_of_a_query(unit, query):
    assert unit.ok(f"/version/get{query}")
    assert unit.ok(f"/battery/get{query}")


# the query of a set

SET = "mode=0x0041&dvg=350&drg=0&dig=2"


@pytest.mark.parametrize(
    "query",
    [
        SET,
        "mode=%30x0041&dvg=35%30&drg=0&dig=%32",
        "m%6fde=0x0041&dvg=350&drg=0&dig=2",
        f"&{SET}&&",
        f"{SET}&",
        f"{SET}#part&dig=9",
        "dig=2&drg=0&dvg=350&mode=0x0041",
    ],
)
def test_queries_that_are_understood(unit, query):
    assert unit.ok(f"/dcdc/set?{query}")["status"]["status"] == "0x0041"


@pytest.mark.parametrize(
    "query, name",
    [
        (f"{SET}&dig=2", "dig"),
        (f"{SET}&mode=0x0041", "mode"),
        (f"{SET}&volts=1", "volts"),
        (f"{SET}&DIG=1", "DIG"),
        ("mode=0x0041&dvg=350&drg=0&dig=", "dig"),
        ("mode=0x0041&dvg=350&drg=0&dig", "dig"),
        ("mode=0x0041&dvg=350&drg=0&dig=+2", "dig"),
        ("mode=0x0041&dvg=350&drg=0&dig=2%", "dig"),
        ("mode=0x0041&dvg=350&drg=0&dig=%00", "dig"),
        ("mode=0x0041&dvg=350&drg=0&dig=2%00", "dig"),
        ("mode=0x0041&dvg=350&drg=0&dig=%ff", "dig"),
        (f"{SET}&=3", "name"),
        (f"{SET}&%zz=3", "%zz"),
        (f"{SET}&d%00ig=3", "d%00ig"),
        ("mode=&dvg=350&dig=2", "mode"),
    ],
)
def test_queries_that_are_not(unit, query, name):
    for path in ("/dcdc/set", "/remote/set"):
        reply = unit.get(f"{path}?{query}")
        assert reply.status == 400
        assert name in reply.error
    assert unit.wire() == []


def test_parameters_that_belong_to_another_path(unit):
    unit.ok(f"/dcdc/set?{SET}")
    unit.wire()
    assert "dvg" in unit.get("/remote/set/current?dig=1&dvg=350").error
    assert "dig" in unit.get("/remote/set/voltage?dvg=350&dig=1").error
    assert unit.wire() == []


# connections


def test_keep_alive(unit):
    connection = http.client.HTTPConnection(*unit.address, timeout=TIMEOUT)
    connection.connect()
    port = connection.sock.getsockname()[1]
    for path in ("/version/get", "/battery/get", "/nothing", "/dcdc/get/status", "/all/get"):
        ask(connection, path)
        assert connection.sock.getsockname()[1] == port
    connection.close()


def test_http_1_0_closes(raw):
    stream = raw(raw.request("/version/get", version="1.0")).makefile("rb")
    status, headers, body = read_reply(stream, "/version/get")
    assert status == 200 and body.startswith(b"{")
    assert stream.read() == b""


def test_http_1_0_with_keep_alive(raw):
    again = "Connection: keep-alive\r\n"
    connection = raw(raw.request("/version/get", version="1.0", extra=again))
    stream = connection.makefile("rb")
    assert read_reply(stream, "/version/get")[0] == 200
    connection.sendall(raw.request("/battery/get", version="1.0", extra=again))
    assert read_reply(stream, "/battery/get")[0] == 200


def test_connection_close(raw):
    stream = raw(raw.request("/battery/get", extra="Connection: close\r\n")).makefile("rb")
    assert read_reply(stream, "/battery/get")[0] == 200
    assert stream.read() == b""


def test_pipelining(raw):
    """Answered in their order, each with its own answer."""
    paths = ["/dcdc/get/status", "/essx/hello", "/nothing", "/battery/get", "/version/get"]
    stream = raw(b"".join(map(raw.request, paths))).makefile("rb")
    replies = [read_reply(stream, path) for path in paths]
    assert [status for status, _, _ in replies] == [200, 200, 404, 200, 200]
    for (_, _, body), key in zip(replies, [b"meter", b"hello", b"/nothing", b"rsoc", b"2.0"]):
        assert key in body


def test_a_request_byte_by_byte(raw):
    connection = raw()
    for byte in raw.request("/version/get"):
        connection.sendall(bytes([byte]))
    assert read_reply(connection.makefile("rb"), "/version/get")[0] == 200


def test_half_close_is_still_answered(raw):
    connection = raw(raw.request("/dcdc/get/status"))
    connection.shutdown(socket.SHUT_WR)
    assert read_reply(connection.makefile("rb"), "/dcdc/get/status")[0] == 200


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_hangs_up(unit, raw, reset):
    """While its answer is being prepared: nothing happens to anybody else."""
    for path in ("/dcdc/get", "/all/get", f"/dcdc/set?{SET}", "/remote/ioctl/set"):
        connection = raw(raw.request(path) + raw.request("/dcdc/get"))
        wait_until(lambda: unit.wire().requests)
        if reset:
            linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
        assert unit.ok("/dcdc/get/status")
    wait_until(lambda: unit.rpc("gatewayd", "status")["connections"]["answering"] == 0)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500 + b"\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"get /version/get HTTP/1.1\r\n\r\n",
        b"GET /version/get HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10000 + b"\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
        b"\0" * 10000,
    ],
    ids=range(12),
)
def test_garbage(unit, raw, data):
    connection = raw()
    try:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read(12)
    except ConnectionError:
        answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.1 5")
    assert unit.ok("/version/get")


def test_several_clients_each_get_their_own_answer(unit):
    paths = ["/dcdc/get", "/dcdc/get/status", "/battery/get", "/nothing", "/version/get"] * 8
    keys = {"/dcdc/get": "vdis", "/dcdc/get/status": "meter", "/battery/get": "rsoc",
            "/nothing": "err", "/version/get": "comm_interface_version"}  # fmt: skip
    with concurrent_requests(unit.address, paths) as replies:
        for path, reply in zip(paths, replies()):
            assert keys[path] in reply.json, path
            assert reply.seconds < 4.5


def test_many_connections(unit):
    """More than are allowed at once: the idle ones make room."""
    limit = unit.rpc("gatewayd", "status")["connections"]["max"]
    idle = []
    try:
        for _ in range(limit + 40):
            idle.append(socket.create_connection(unit.address, TIMEOUT))
        assert unit.ok("/version/get")
        assert unit.ok("/dcdc/get/status")
        assert unit.rpc("gatewayd", "status")["connections"]["open"] <= limit
    finally:
        for connection in idle:
            connection.close()


def test_waiting_answers_do_not_delay_others(patient_unit):
    patient_unit.eza("set turnaround 0.05")
    with concurrent_requests(patient_unit.address, ["/dcdc/get"] * 4) as replies:
        wait_until(lambda: patient_unit.wire().requests)
        began = time.monotonic()
        assert patient_unit.ok("/battery/get")
        assert patient_unit.ok("/version/get")
        assert time.monotonic() - began < 0.3
    assert {reply.status for reply in replies()} == {200}


def test_status_counts_by_path_and_outcome(unit):
    before = unit.rpc("gatewayd", "status")["requests"]
    for path in ("/battery/get", "/battery/get", "/nothing", "/dcdc/set?mode=1"):
        unit.get(path)
    after = unit.rpc("gatewayd", "status")["requests"]
    assert after["/battery/get"]["ok"] == before.get("/battery/get", {}).get("ok", 0) + 2
    assert after["unknown"] == {"no_path": 1}
    assert after["/dcdc/set"] == {"bad_value": 1}


def test_ipv6_loopback_and_a_given_host(stack):
    stack.start("battery-sim", "battd")
    stack.start("gatewayd", arguments=["--host", "::1"])
    assert stack.address[0] == "::1"
    assert stack.ok("/battery/get")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", stack.address[1]), TIMEOUT)


def test_listens_on_loopback_only(unit):
    """Every other address of this machine refuses."""
    port = unit.address[1]
    with open("/proc/net/tcp", encoding="ascii") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert [one for one in listening if one.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
