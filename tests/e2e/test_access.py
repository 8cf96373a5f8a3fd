# SPDX-License-Identifier: Apache-2.0
"""Who may ask and who may change something: over HTTP, from pages in a browser, on the sockets."""

import contextlib
import http.client
import os
import re
import signal
import subprocess

import pytest

import eza
from link import TIMEOUT, Line, RpcError, ask, request_line, wait_until
from stack import BATTERY, DCDC

CHARGE = "mode=0x0041&dvg=350&drg=0&dig=2"
CHANGES = [
    f"/dcdc/set?{CHARGE}",
    "/dcdc/set?mode=0x0000",
    f"/remote/set?{CHARGE}",
    "/remote/set/current?dig=2",
    "/remote/set/voltage?dvg=350&drg=0",
    "/remote/ioctl/set",
    "/remote/ioctl/clr_alarm",
    "/essx/hello",
]
READS = ["/all/get", "/remote/get", "/1/log/data", "/version/get", "/metrics", "/healthz"]
PARAMS = {"mode": "0x0041", "dvg": 350, "drg": 0, "dig": 2}
OWN = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
FURTHER = {
    "gateway.allow": "[127.0.0.1, 127.0.0.2]",
    "gateway.allow_control": "[127.0.0.1]",
}


def get(stack, path, source="127.0.0.1", address=None, **how):
    """A GET from this address."""
    connection = http.client.HTTPConnection(
        *(address or stack.address), timeout=TIMEOUT, source_address=(source, 0)
    )
    with contextlib.closing(connection):
        return ask(connection, path, **how)


def own_host(stack):
    return "{}:{}".format(*stack.address)


def asked(stack):
    """How many calls gatewayd has made, by daemon; telling dcdcd of requests counts too."""
    daemons = stack.rpc("gatewayd", "status")["daemons"]
    return {name: daemon["calls"] for name, daemon in daemons.items()}


def refused(stack):
    return stack.rpc("gatewayd", "status")["refused"]


def audit(stack, daemon):
    lines = stack.programs[daemon].log.splitlines()
    return [line.split(": audit: ")[1] for line in lines if ": audit: " in line]


# addresses


def test_by_default_loopback_alone(stack):
    """Listening everywhere opens nothing."""
    stack.start("eza2500-sim", "battery-sim", "dcdcd", "battd")
    stack.start("gatewayd", arguments=["--host", "0.0.0.0"])
    port = stack.address[1]
    stack.address = ("127.0.0.1", port)
    assert get(stack, "/all/get", "127.0.0.9").status == 200
    assert get(stack, "/essx/hello").status == 200
    outside = [address for address in OWN if "." in address]
    if not outside:
        pytest.skip("this machine has no other address")
    before = asked(stack)
    for path in READS + CHANGES:
        reply = get(stack, path, outside[0], (outside[0], port))
        assert reply.status == 403
        assert reply.error == f"{outside[0]} may not ask: it is not in gateway.allow"
    assert asked(stack) == before


@pytest.mark.parametrize("family", ["0.0.0.0", "::"])
def test_the_address_that_a_connection_came_in_on(stack, family):
    """It is a name of the service for that connection, and for no other."""
    stack.start("gatewayd", arguments=["--host", family])
    port = stack.address[1]
    assert get(stack, "/version/get", "127.0.0.1", ("127.0.0.2", port)).status == 200
    stack.address = ("127.0.0.3", port)
    assert stack.get("/version/get").status == 200
    reply = stack.get("/version/get", headers={"Host": f"127.0.0.2:{port}"})
    assert reply.status == 403 and "Host" in reply.error


@pytest.mark.parametrize("family", ["0.0.0.0", "::"])
def test_reading_from_outside_is_not_control(stack, family):
    outside = [address for address in OWN if ("." in address) == ("." in family)]
    if not outside:
        pytest.skip("this machine has no such address")
    stack.start("eza2500-sim", "battery-sim", "dcdcd", "battd")
    stack.write_config({"gateway.allow": f'["{outside[0]}", loopback]'})
    stack.start("gatewayd", arguments=["--host", family])
    address = (outside[0], stack.address[1])
    stack.settle()
    for path in READS:
        assert get(stack, path, outside[0], address).status == 200
    for path in CHANGES:
        reply = get(stack, path, outside[0], address)
        assert reply.status == 403 and "not in gateway.allow_control" in reply.error
    assert writes(stack) == []


def test_two_lists(stack):
    stack.start(config=FURTHER)
    for path in READS:
        assert get(stack, path, "127.0.0.2").status == 200
    before = asked(stack)
    for path in CHANGES:
        reply = get(stack, path, "127.0.0.2")
        assert (reply.status, reply.error) == (
            403,
            "127.0.0.2 may not change anything: it is not in gateway.allow_control",
        )
    for path in READS + CHANGES:
        assert get(stack, path, "127.0.0.3").status == 403
    assert asked(stack) == before
    assert writes(stack) == []
    assert get(stack, f"/dcdc/set?{CHARGE}").status == 200
    assert refused(stack) == {"address": len(READS + CHANGES), "control": len(CHANGES)}


def writes(stack):
    """The commands that write, of those that went over the line."""
    return [name for name in stack.wire().commands if name.endswith("-4")]


# what a browser can be tricked into


HOSTS = ["evil.example", "evil.example:{port}", "localhost.evil.example:{port}", "localhost:1",
         "127.0.0.2:{port}", "0.0.0.0:{port}", "", "localhost:{port}, evil.example"]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_another_host(unit, host):
    """A name that was made to point here (DNS rebinding), another port, nonsense."""
    before = asked(unit)
    for path in ("/all/get", f"/dcdc/set?{CHARGE}"):
        reply = unit.get(path, headers={"Host": host.format(port=unit.address[1])})
        assert reply.status in (400, 403) and "Host" in reply.error
    assert asked(unit) == before and unit.wire() == []


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LOCALHOST:{port}"])
def test_own_hosts(unit, host):
    assert unit.get("/all/get", headers={"Host": host.format(port=unit.address[1])}).status == 200


def test_further_names(stack):
    stack.start(config={"gateway.names": '[unit7.example, "proxy.example:80"]'})
    port = stack.address[1]
    for host, status in (
        (f"unit7.example:{port}", 200),
        ("unit7.example", 403),
        ("proxy.example", 200),
        ("proxy.example:80", 200),
        (f"proxy.example:{port}", 403),
    ):
        assert stack.get("/version/get", headers={"Host": host}).status == status, host


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost:{port}", "http://localhost:1"])
def test_pages_of_other_sites(unit, origin):
    before = asked(unit)
    for path in ("/all/get", f"/dcdc/set?{CHARGE}"):
        reply = unit.get(path, headers={"Origin": origin.format(port=unit.address[1])})
        assert reply.status == 403 and "Origin" in reply.error
    assert asked(unit) == before and unit.wire() == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_an_image_of_another_page(unit, site):
    """<img src="http://localhost:8080/dcdc/set?…"> has no Origin."""
    before = asked(unit)
    for path in CHANGES:
        reply = unit.get(path, headers={"Sec-Fetch-Site": site})
        assert reply.status == 403 and "Sec-Fetch-Site" in reply.error
    assert asked(unit) == before and unit.wire() == []
    assert unit.get("/all/get", headers={"Sec-Fetch-Site": site}).status == 200


def test_what_the_client_sends_passes(unit):
    """Host and port, nothing else; and an own page, or a typed address, may change something."""
    assert get(unit, f"/dcdc/set?{CHARGE}").status == 200
    for headers in (
        {"Origin": f"http://{own_host(unit)}", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ):
        reply = unit.get("/dcdc/set?dig=2", headers=headers)
        assert reply.status == 200, reply.body


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_no_cors(unit, method):
    """No page of another site ever gets leave to read, nor a preflight to change."""
    for origin in (f"http://{own_host(unit)}", "http://evil.example"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        reply = unit.get("/all/get", method=method, headers=headers)
        assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
def test_only_get_changes_anything(unit, method):
    for path in CHANGES:
        assert unit.get(path, method=method).status == 405
    assert unit.wire() == []


# read_only


READ_ONLY = {"gateway.read_only": "yes"}


def test_read_only_over_http(stack):
    stack.start(config=READ_ONLY)
    for path in CHANGES:
        reply = stack.get(path)
        assert reply.status == 403 and "gateway.read_only" in reply.error
    for path in READS:
        assert stack.get(path).status == 200
    assert writes(stack) == []


def test_read_only_on_the_socket(stack):
    """Every method and every command that writes, asked of dcdcd itself."""
    stack.start("eza2500-sim", "dcdcd", config=READ_ONLY)
    stack.settle()
    calls = [
        ("remote_set", PARAMS),
        ("remote_set", {"mode": "0x0000"}),
        ("remote_set_current", {"dig": 2}),
        ("remote_set_voltage", {"dvg": 350, "drg": 0}),
        ("remote_ioctl_set", None),
        ("remote_ioctl_clr_alarm", None),
    ]
    commands = stack.rpc("dcdcd", "list_commands")
    for command in commands:
        if command["writes"]:
            fields = {field["name"]: field.get("min", 0) for field in command["fields"]}
            calls.append(("command", {"name": command["name"], **fields}))
    assert len(calls) > 12
    for method, params in calls:
        with pytest.raises(RpcError, match="gateway.read_only"):
            stack.rpc("dcdcd", method, params)
    assert stack.wire() == []
    for command in commands:
        if not command["writes"]:
            stack.rpc("dcdcd", "command", {"name": command["name"]})
    assert writes(stack) == []


def test_read_only_keeps_the_guard_s_stop(stack):
    guard = {f"{BATTERY}.force_dcdc_waiting": "Yes", f"{DCDC}.battery_check_interval": "1"}
    stack.start(config={**READ_ONLY, **guard})
    wait_until(lambda: stack.rpc("dcdcd", "status")["guards"]["battery"]["permitted"])
    stack.eza("set mode 0x0041")
    stack.battery("set sharing denied")
    wait_until(lambda: stack.eza("state")["state"]["mode"] == "0x0000", what="the stop")
    assert set(writes(stack)) == {"1-4"}


def test_read_only_keeps_the_stop_that_is_owed(unit):
    """Asked for before a restart with read_only: it goes out all the same, and nothing else does."""
    unit.ok(f"/dcdc/set?{CHARGE}")
    unit.eza("fault silence for 1-4")
    assert unit.get("/dcdc/set?mode=0x0000").status == 400
    unit.write_config(READ_ONLY)
    unit.restart("dcdcd", signal.SIGKILL)
    unit.wire()
    unit.eza("clear")
    wait_until(lambda: unit.eza("state")["state"]["mode"] == "0x0000", what="the stop")
    assert {one.bytes for one in unit.wire().requests if one.bytes[1] > 0} == {
        eza.write_frame("1-4", {"mode": 0})
    }
    wait_until(lambda: not unit.rpc("dcdcd", "status")["stop_owed"])


# the audit


def test_a_set_leaves_one_line(unit):
    unit.ok(f"/dcdc/set?{CHARGE}")
    gatewayd = unit.programs["gatewayd"].pid
    (line,) = audit(unit, "dcdcd")
    assert re.fullmatch(
        r'remote_set \{"mode":"0x0041","dvg":"350","dig":"2","drg":"0"\} '
        rf"from uid {os.getuid()} pid {gatewayd} for 127\.0\.0\.1: ok in \d\.\d{{3}} s",
        line,
    ), line
    assert unit.get("/dcdc/set?dig=99").status == 400
    unit.ok("/all/get")
    assert len(audit(unit, "dcdcd")) == 2
    assert re.search(r": failed in \d\.\d{3} s: ", audit(unit, "dcdcd")[1])
    assert audit(unit, "gatewayd") == []


def test_who_asked_on_the_socket(unit):
    unit.rpc("dcdcd", "remote_set", PARAMS)
    unit.rpc("dcdcd", "command", {"name": "10-1"})
    (line,) = audit(unit, "dcdcd")
    assert f" from uid {os.getuid()} pid {os.getpid()}: ok in " in line


def test_a_refusal_leaves_a_line(unit):
    assert unit.get(f"/dcdc/set?{CHARGE}", headers={"Origin": "http://evil.example"}).status == 403
    (line,) = audit(unit, "gatewayd")
    assert re.fullmatch(
        rf"GET /dcdc/set\?{re.escape(CHARGE)} from 127\.0\.0\.1: refused in \d\.\d{{3}} s: "
        r"Origin: http://evil\.example: another site's pages may not ask",
        line,
    ), line


def test_repeated_refusals_are_summed_up(unit):
    """Also those by dcdcd, on its socket: nobody can fill the log."""
    for _ in range(100):
        assert unit.get("/all/get", headers={"Host": "evil.example"}).status == 403
    with Line(unit.socket("dcdcd")) as line:
        for _ in range(100):
            line.send(request_line("remote_set_current", {"dig": 99}))
            assert line.receive_json()["error"]
    gatewayd, dcdcd = unit.programs["gatewayd"], unit.programs["dcdcd"]
    assert (len(audit(unit, "gatewayd")), len(audit(unit, "dcdcd"))) == (1, 10)
    unit.end("gatewayd")
    unit.end("dcdcd")
    assert re.search(r"audit: 99 more from 127\.0\.0\.1 in \d+ s: refused", gatewayd.log)
    assert re.search(rf"audit: 90 more from uid {os.getuid()} in \d+ s: ", dcdcd.log)
