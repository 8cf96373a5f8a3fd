# SPDX-License-Identifier: Apache-2.0
"""JSON-RPC by line on the three Unix sockets, as people and bad clients use it."""

import json
import socket
import subprocess

import pytest

import eza
from link import Line, RpcError, request_line, wait_until
from stack import DAEMONS

METHODS = {
    "dcdcd": {
        "remote_get",
        "remote_get_status",
        "remote_set",
        "remote_set_current",
        "remote_set_voltage",
        "remote_ioctl_set",
        "remote_ioctl_clr_alarm",
        "command",
        "list_commands",
        "supervisor_seen",
        "trace",
    },
    "battd": {"check_battery", "log_data", "trace"},
    "gatewayd": set(),
}
COMMON = {"ping", "list_methods", "cancel", "status", "metrics"}
PARSE, INVALID, NO_METHOD, PARAMS = -32700, -32600, -32601, -32602

every_daemon = pytest.mark.parametrize("daemon", DAEMONS)


@pytest.fixture
def line(unit):
    """A function that opens a connection to a daemon's socket."""
    opened = []

    def connect(daemon):
        opened.append(Line(unit.socket(daemon)))
        return opened[-1]

    yield connect
    for one in opened:
        one.socket.close()


def ping(id):
    return request_line("ping", id=id)


def assert_alive(unit, daemon):
    assert unit.rpc(daemon, "ping") == "pong"


@every_daemon
def test_list_methods(unit, daemon):
    methods = unit.rpc(daemon, "list_methods")
    assert {one["name"] for one in methods} == COMMON | METHODS[daemon]
    for method in methods:
        assert sorted(method) == ["help", "name", "params"]
        assert method["help"] and "\n" not in method["help"]
        for param in method["params"]:
            assert sorted(param) == ["help", "name", "required"]
            assert isinstance(param["required"], bool) and param["help"]


def test_listed_parameters_are_the_ones_that_count(unit):
    for method in unit.rpc("dcdcd", "list_methods"):
        if not any(param["required"] for param in method["params"]):
            continue
        with pytest.raises(RpcError) as error:
            unit.rpc("dcdcd", method["name"])
        assert error.value.code == PARAMS
        with pytest.raises(RpcError) as error:
            unit.rpc("dcdcd", method["name"], {"nonsense": 1})
        assert error.value.code == PARAMS


def test_list_commands(unit):
    listed = unit.rpc("dcdcd", "list_commands")
    assert [one["name"] for one in listed if not one["writes"]] == [
        f"{number}-1" for number in eza.COMMANDS
    ]
    assert {one["name"] for one in listed} == set(eza.NAMES)
    for one in listed:
        assert int(one["cmd"], 16) == eza.COMMANDS[int(one["name"].partition("-")[0])][0]
        assert [field["name"] for field in one["fields"]] == list(eza.fields_of(one["name"]))
        assert one["help"]


@pytest.mark.parametrize("name", [name for name in eza.NAMES if name.endswith("-1")])
def test_every_read_command(unit, name):
    got = unit.rpc("dcdcd", "command", {"name": name})
    wire = unit.wire()
    assert wire.commands == [name]
    expected = wire.answer(name)
    assert list(got) == list(eza.fields_of(name))
    for field, value in got.items():
        if isinstance(value, str):
            assert int(value, 16) == expected[field]
        else:
            assert value == expected[field]


@pytest.mark.parametrize("name", [name for name in eza.NAMES if name.endswith("-4")])
def test_every_write_command(unit, name):
    """What 'list_commands' describes is enough to write a command."""
    described = unit.rpc("dcdcd", "list_commands")
    fields = next(one for one in described if one["name"] == name)["fields"]
    values = {}
    for field in fields:
        if "max" in field:
            values[field["name"]] = repr((field["min"] + 3 * field["max"]) / 4)
        else:
            values[field["name"]] = {"mode": "0x0002", "bcf": "0x0001"}.get(field["name"], 0)
    got = unit.rpc("dcdcd", "command", {"name": name, **values})
    wire = unit.wire()
    assert wire.commands == [name]
    kinds = eza.fields_of(name)
    for field, value in values.items():
        sent = wire.request(name).raws[field]
        if isinstance(value, str) and value.startswith("0x"):
            assert sent == int(value, 16)
            assert got[field] == value
        else:
            assert sent == eza.raw(kinds[field], value)
            assert got[field] == eza.number(kinds[field], sent)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"name": "17-1"},
        {"name": "4-2"},
        {"name": 4},
        {"name": None},
        {"name": "4-4"},
        {"name": "4-4", "dvg": 350},
        {"name": "4-4", "dvg": 350, "drg": 0, "dig": 1},
        {"name": "4-4", "dvg": "x", "drg": 0},
        {"name": "4-4", "dvg": True, "drg": 0},
        {"name": "4-4", "dvg": [350], "drg": 0},
        {"name": "4-1", "dvg": 350},
        {"name": "9-4", "d0": 256, "d1": 0},
        {"name": "9-4", "d0": 0.5, "d1": 0},
        {"name": "1-4", "mode": "0x0099"},
        {"name": "1-4", "mode": "running"},
    ],
    ids=str,
)
def test_bad_commands(unit, params):
    with pytest.raises(RpcError) as error:
        unit.rpc("dcdcd", "command", params)
    assert error.value.code == PARAMS
    assert error.value.message
    assert unit.wire() == []


# lines


@every_daemon
def test_several_lines_in_one_write(line, daemon):
    connection = line(daemon)
    connection.send("".join(ping(n) for n in range(40)))
    assert [connection.receive_json()["id"] for _ in range(40)] == list(range(40))


@every_daemon
def test_one_line_in_many_writes(line, daemon):
    connection = line(daemon)
    for byte in ping(7).encode():
        connection.send(bytes([byte]))
    assert connection.receive_json() == {"jsonrpc": "2.0", "id": 7, "result": "pong"}


@every_daemon
def test_half_a_line_and_gone(unit, line, daemon):
    connection = line(daemon)
    connection.send(ping(1) + ping(2)[:20])
    assert connection.receive_json()["id"] == 1
    connection.socket.close()
    assert_alive(unit, daemon)


@every_daemon
def test_last_line_without_its_end(line, daemon):
    """A client that closes its side early still gets its answers."""
    connection = line(daemon)
    connection.send(ping(1))
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.receive_json()["id"] == 1
    assert connection.receive() == b""


@every_daemon
def test_ids_come_back_as_they_were(line, daemon):
    connection = line(daemon)
    for id in (0, -1, 2**53, "text", "ü", ""):
        connection.send(ping(id))
        assert connection.receive_json()["id"] == id


@every_daemon
@pytest.mark.parametrize(
    "text, code",
    [
        ("{", PARSE),
        ("nonsense", PARSE),
        ('{"jsonrpc":"2.0","id":1,"method":"ping"} x', PARSE),
        ("{'jsonrpc':'2.0','id':1,'method':'ping'}", PARSE),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}', PARSE),
        ("[" * 1000, PARSE),
        (b"\xff\xfe", PARSE),
        ('"\xff"'.encode("latin-1"), PARSE),
        ("[]", INVALID),
        ("1", INVALID),
        ("null", INVALID),
        ('[{"jsonrpc":"2.0","id":1,"method":"ping"}]', INVALID),
        ('{"id":1,"method":"ping"}', INVALID),
        ('{"jsonrpc":"1.0","id":1,"method":"ping"}', INVALID),
        ('{"jsonrpc":"2.0","id":1}', INVALID),
        ('{"jsonrpc":"2.0","id":1,"method":5}', INVALID),
        ('{"jsonrpc":"2.0","method":"ping"}', INVALID),
        ('{"jsonrpc":"2.0","id":{},"method":"ping"}', INVALID),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', INVALID),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","params":5}', INVALID),
        ('{"jsonrpc":"2.0","id":1,"method":"nothing"}', NO_METHOD),
        ('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1}}', PARAMS),
    ],
    ids=range(22),
)
def test_wrong_lines(line, daemon, text, code):
    """One answer each, and the connection goes on."""
    connection = line(daemon)
    connection.send((text if isinstance(text, bytes) else text.encode()) + b"\n" + ping(2).encode())
    error = connection.receive_json()
    assert error["error"]["code"] == code or (code == INVALID and error["error"]["code"] == PARAMS)
    assert error["error"]["message"]
    assert connection.receive_json() == {"jsonrpc": "2.0", "id": 2, "result": "pong"}


@every_daemon
def test_a_line_that_is_too_long(unit, line, daemon):
    connection = line(daemon)
    try:
        connection.send(b'{"x":"' + b"x" * 70000 + b'"}\n')
        answer = connection.receive()
    except ConnectionError:
        answer = b""
    assert answer == b"" or "error" in json.loads(answer)
    assert_alive(unit, daemon)


@every_daemon
def test_the_longest_line(line, daemon):
    connection = line(daemon)
    text = ping("x" * (64 * 1024 - 100))
    connection.send(text)
    assert connection.receive_json()["result"] == "pong"


@every_daemon
def test_a_client_that_never_reads(unit, line, daemon):
    """It is cut off or left alone, the others are served."""
    connection = line(daemon)
    connection.socket.settimeout(1)
    try:
        for n in range(20000):
            connection.send(request_line("list_methods", id=n))
    except (TimeoutError, ConnectionError):
        pass
    assert_alive(unit, daemon)
    resident = int(open(f"/proc/{unit.programs[daemon].pid}/statm").read().split()[1]) * 4096
    assert resident < 200 * 2**20


@every_daemon
def test_a_hundred_clients(unit, line, daemon):
    connections = [line(daemon) for _ in range(100)]
    for n, connection in enumerate(connections):
        connection.send(ping(n))
    for n, connection in enumerate(connections):
        assert connection.receive_json()["id"] == n
    assert unit.ok("/all/get")


@every_daemon
def test_more_clients_than_allowed(unit, line, daemon):
    """Those over the limit are told so; when some have gone there is room again."""
    connections = []
    refused = []

    def serves(n):
        connection = line(daemon)
        connections.append(connection)
        try:
            connection.send(ping(n))
            answer = connection.receive()
        except ConnectionError:
            return False
        return answer and "result" in json.loads(answer)

    for n in range(160):
        if not serves(n):
            refused.append(n)
    assert refused and min(refused) >= 100
    for connection in connections:
        connection.socket.close()
    wait_until(lambda: serves("again"))
    assert unit.ok("/all/get")


def test_slow_answers_do_not_hold_up_quick_ones(unit, line):
    unit.eza("set turnaround 0.06")
    connection = line("dcdcd")
    connection.send(request_line("remote_get", id="slow") + ping("quick"))
    assert connection.receive_json()["id"] == "quick"
    assert connection.receive_json()["id"] == "slow"


def test_each_answer_to_its_own_request(unit, line):
    connection = line("dcdcd")
    names = ["1-1", "4-1", "6-1", "10-1", "15-1", "16-1"] * 4
    connection.send(
        "".join(request_line("command", {"name": name}, id=n) for n, name in enumerate(names))
    )
    answers = {}
    for _ in names:
        answer = connection.receive_json()
        answers[answer["id"]] = answer["result"]
    for n, name in enumerate(names):
        assert list(answers[n]) == list(eza.fields_of(name))


def test_answers_when_the_daemon_stops(unit, line):
    """Every request gets exactly one answer, also then."""
    unit.eza("set turnaround 0.06")
    connection = line("dcdcd")
    connection.send("".join(request_line("remote_get", id=n) for n in range(5)))
    wait_until(lambda: unit.wire().requests)
    unit.end("dcdcd")
    answers = [connection.receive_json() for _ in range(5)]
    assert sorted(one["id"] for one in answers) == list(range(5))
    assert connection.receive() == b""


# what the methods answer


def test_status_of_dcdcd(unit):
    status = unit.rpc("dcdcd", "status")
    assert status["state"] == "ok"
    assert status["mode"] == "0x0000"
    assert status["port"] == str(unit.dir / "dcdc")
    assert 0 <= status["last_answer_age"] < 60
    assert status["counters"]["answers"] > 0
    assert status["guards"]["battery"] == {"enabled": False}
    unit.eza("hangup")
    wait_until(lambda: unit.rpc("dcdcd", "status")["state"] == "port_closed", 1)
    assert unit.rpc("dcdcd", "status")["port_error"]


def test_status_of_gatewayd(unit):
    unit.ok("/all/get")
    status = unit.rpc("gatewayd", "status")
    assert status["requests"]["/all/get"] == {"ok": 1}
    assert status["daemons"]["dcdcd"]["connected"] and status["daemons"]["battd"]["connected"]
    assert status["saved"] == {}
    unit.kill("battd")
    wait_until(lambda: not unit.rpc("gatewayd", "status")["daemons"]["battd"]["connected"], 1)


def test_status_of_battd(unit):
    status = unit.rpc("battd", "status")
    assert status["state"] == "ok"
    assert status["reading"]["battery_operation_status"] == 3
    assert 0 <= status["age"] < 1
    assert status["counters"]["polls"] >= 1


def test_check_battery(unit):
    reading = unit.rpc("battd", "check_battery")
    assert sorted(reading) == ["age", "battery_operation_status", "rsoc"]
    assert reading["battery_operation_status"] == 3 and 0 <= reading["age"] < 1
    assert reading["rsoc"] == pytest.approx(50, abs=0.2)


@pytest.mark.parametrize(
    "daemon, method, key",
    [
        ("dcdcd", "remote_get_status", "meter"),
        ("dcdcd", "list_commands", "name"),
        ("battd", "check_battery", "rsoc"),
        ("gatewayd", "status", "requests"),
    ],
)
def test_socat(unit, daemon, method, key):
    """The line that the documents show."""
    result = subprocess.run(
        f"""echo '{{"jsonrpc":"2.0","id":1,"method":"{method}"}}' | """
        f"socat - UNIX-CONNECT:{unit.socket(daemon)}",
        shell=True,
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert result.returncode == 0 and result.stderr == ""
    assert f'"{key}":' in result.stdout
    assert result.stdout.count("\n") == 1


def test_socat_with_the_simulators(unit):
    result = subprocess.run(
        ["socat", "-", f"UNIX-CONNECT:{unit.control_socket('eza2500-sim')}"],
        input="state\nnonsense\n",
        capture_output=True,
        text=True,
        timeout=10,
    )
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["ok"] and first["state"]["mode"] == "0x0000"
    assert not second["ok"] and "nonsense" in second["error"]
