# SPDX-License-Identifier: Apache-2.0
"""The flight recorder: `trace`, followed or not, the file it leaves behind, and its replay."""

import json
import statistics
import subprocess

import pytest

from link import Line, RpcError, request_line, wait_until
from stack import BATTERY, BATTERY_DEV, DCDC

PARAMS = -32602
KEYS = ["age", "dir", "hex", "time", "verdict"]
DIRECTIONS = {"rx": ">", "tx": "<"}


def trace(stack, daemon="dcdcd", **params):
    return stack.rpc(daemon, "trace", params)["frames"]


def brief(frames):
    return [(one["dir"], one["hex"], one["verdict"]) for one in frames]


def last(stack, count, daemon="dcdcd"):
    return brief(trace(stack, daemon, count=count))


def fault(stack, text):
    """One command with this fault in its first answer; returns what the client got."""
    stack.eza(f"fault {text} count 1")
    try:
        return stack.rpc("dcdcd", "command", {"name": "10-1"})
    except RpcError as error:
        return error.message


@pytest.fixture
def once(stack):
    """A unit whose dcdcd tries each command once."""
    return stack.start(
        config={
            f"{DCDC}.number_of_dcdc_error_retry": "0",
            f"{DCDC}.number_of_timeout_retry": "0",
        }
    )


# what is recorded


def test_the_same_bytes_as_on_the_wire(unit):
    before = unit.rpc("dcdcd", "trace", {"count": 0})
    assert before["frames"] == []
    unit.ok("/dcdc/get")
    unit.ok("/dcdc/set?mode=0x0014&dvg=350&dig=2&drg=0.1")
    wire = unit.wire()
    frames = trace(unit, count=len(wire))
    assert [(one["dir"], bytes.fromhex(one["hex"])) for one in frames] == [
        (DIRECTIONS[one.direction], one.bytes) for one in wire
    ]
    assert unit.rpc("dcdcd", "trace")["recorded"] == before["recorded"] + len(wire)
    for frame, heard in zip(frames, wire):
        assert sorted(frame) == KEYS
        assert frame["verdict"] == ("sent" if frame["dir"] == ">" else "ok")
        assert 0 <= frame["age"] < 10
        # Of a request its first byte, of an answer its last one; both clocks are the same.
        if frame["dir"] == ">":
            assert heard.began - 1 < frame["time"] <= heard.began
        else:
            assert heard.ended <= frame["time"] < heard.ended + 1


def test_the_battery_s_bytes(unit):
    unit.battery("wire")
    wait_until(lambda: unit.battery("state")["state"]["line"]["answers"] >= 4)
    wire = unit.battery("wire")["wire"]
    seen = [(one["dir"], one["hex"]) for one in trace(unit, "battd")]
    expected = [(DIRECTIONS[one["dir"]], one["hex"]) for one in wire]
    assert expected
    assert any(seen[n : n + len(expected)] == expected for n in range(len(seen)))


@pytest.mark.parametrize(
    "text, verdict, told",
    [
        ("silence", "read timeout", "read timeout"),
        ("checksum", "checksum error", "checksum error"),
        ("nak fffe", "error: ERCD=fffe", "error: ERCD=fffe"),
        ("nak fffc", "error: ERCD=fffc", "timeout"),
        ("cut 5", "read timeout", "read timeout"),
    ],
)
def test_verdicts(once, text, verdict, told):
    assert fault(once, text) == told
    wire = once.wire()
    sent = [one.bytes.hex() for one in wire.answers if one.bytes] or [""]
    assert last(once, 2) == [(">", wire.requests[-1].bytes.hex(), "sent"), ("<", sent[-1], verdict)]


def test_noise_is_part_of_the_answer(once):
    assert fault(once, "noise_before 0x55aa55")["vg"] > 0
    direction, text, verdict = last(once, 1)[0]
    assert (direction, verdict) == ("<", "ok")
    assert text.startswith("55aa55" + "0210001009")


def test_more_noise_than_is_kept(patient_unit):
    """The last bytes are kept: the answer is among them."""
    patient_unit.eza("fault noise_before 128")
    assert fault(patient_unit, "noise_before 128")["vg"] > 0
    frame = trace(patient_unit, count=1)[0]
    sent = patient_unit.wire().answers[-1].bytes.hex()
    assert len(sent) == 2 * (128 + 128 + 23)
    assert (frame["hex"], frame["verdict"]) == (sent[-2 * 192 :], "ok")
    assert frame["more"] == 128 + 128 + 23 - 192


def test_a_late_answer_is_a_frame_of_its_own(once):
    assert fault(once, "late 0.3") == "read timeout"
    wait_until(lambda: last(once, 1)[0][2] == "late")
    (_, _, silence), (direction, text, _) = last(once, 2)
    assert (silence, direction) == ("read timeout", "<")
    assert text == once.wire().answers[-1].bytes.hex()


def test_an_unplugged_port_ends_the_exchange(once):
    once.eza("set turnaround 1")
    with Line(once.socket("dcdcd")) as line:
        line.send(request_line("command", {"name": "10-1"}))
        wait_until(lambda: last(once, 1)[0][0] == ">")
        once.eza("hangup")
        wait_until(lambda: last(once, 1)[0][0] == "<")
    assert last(once, 1) == [("<", "", "port lost")]


BATTERY_FAULTS = {
    "silence": "no answer within 0.3 s",
    "cut 3": "no answer within 0.3 s",
    "checksum": "bad checksum",
    "unit": "answer from another unit",
    "function": "malformed answer",
    "short": "malformed answer",
    "exception 2": "exception 2: illegal data address",
}


@pytest.mark.parametrize("text", BATTERY_FAULTS)
def test_the_battery_s_verdicts(unit, text):
    """A bad answer is shown with its bytes."""
    unit.battery("wire")
    unit.battery(f"fault {text} count 1")
    bad = wait_until(
        lambda: [one for one in trace(unit, "battd") if one["verdict"] not in ("sent", "ok")]
    )
    assert bad[0]["verdict"] == BATTERY_FAULTS[text]
    if text != "silence":
        wait_until(lambda: unit.battery("state")["state"]["line"]["answers"] > 0)
        sent = [one["hex"] for one in unit.battery("wire")["wire"] if one["dir"] == "tx"]
        assert bad[0]["hex"] and bad[0]["hex"] in sent


def test_the_battery_s_strays(unit):
    unit.battery("fault noise_after 0x55aa55")
    wait_until(lambda: ("<", "55aa55", "stray") in brief(trace(unit, "battd")))


def test_the_last_512(unit):
    unit.write_config({f"{DCDC}.command_interval": "0"})
    unit.ok("/remote/ioctl/set")
    unit.eza("set baud 0")
    unit.eza("set turnaround 0")
    while unit.rpc("dcdcd", "trace", {"count": 0})["recorded"] < 600:
        unit.rpc("dcdcd", "remote_get")
    unit.wire()
    unit.rpc("dcdcd", "remote_get")
    frames = trace(unit)
    assert len(frames) == 512
    assert frames == sorted(frames, key=lambda one: one["time"])
    assert [one["hex"] for one in frames[-12:]] == [one.bytes.hex() for one in unit.wire()]


@pytest.mark.parametrize("daemon", ["dcdcd", "battd"])
@pytest.mark.parametrize(
    "params", [{"count": -1}, {"count": 513}, {"count": "x"}, {"count": 1.5}, {"count": [1]},
               {"follow": 1}, {"follow": "yes"}, {"x": 1}], ids=str,
)
def test_bad_parameters(unit, daemon, params):
    with pytest.raises(RpcError) as error:
        unit.rpc(daemon, "trace", params)
    assert error.value.code == PARAMS


@pytest.mark.parametrize("params", [{"count": "2"}, {"count": 2, "follow": None}], ids=str)
def test_good_parameters(unit, params):
    assert len(trace(unit, **params)) == 2


def test_no_battery(stack):
    stack.start("battd", config={f"{BATTERY_DEV}.class": "'None'"})
    with pytest.raises(RpcError, match="no battery"):
        trace(stack, "battd")


# live


class Socat:
    """echo '…' | socat: what it prints, as it comes."""

    def __init__(self, path, params):
        self.process = subprocess.Popen(
            ["socat", "-", f"UNIX-CONNECT:{path}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.process.stdin.write(request_line("trace", params).encode())
        self.process.stdin.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.stdout.close()
        self.process.wait()

    def read(self):
        return json.loads(self.process.stdout.readline())

    def frame(self):
        note = self.read()
        assert sorted(note) == ["jsonrpc", "method", "params"]
        assert (note["jsonrpc"], note["method"]) == ("2.0", "trace")
        assert sorted(note["params"]) == KEYS
        return note["params"]


def test_socat_shows_the_line_live(patient_unit):
    with Socat(patient_unit.socket("dcdcd"), {"follow": True, "count": 2}) as socat:
        answer = socat.read()
        assert answer["id"] == 1 and len(answer["result"]["frames"]) == 2
        patient_unit.eza("set turnaround 0.08")
        with Line(patient_unit.socket("dcdcd")) as line:
            line.send(request_line("command", {"name": "10-1"}))
            assert socat.frame()["dir"] == ">"  # before its answer
            assert line.receive_json()["result"]
        assert socat.frame()["verdict"] == "ok"
        wire = patient_unit.wire()
        # socat's input has ended long ago: it stays all the same, also when nothing happens.
        with pytest.raises(subprocess.TimeoutExpired):
            socat.process.wait(1.5)
        patient_unit.rpc("dcdcd", "remote_get_status")
        frames = [socat.frame() for _ in range(6)]
        assert [one["hex"] for one in frames] == [one.bytes.hex() for one in patient_unit.wire()]
        assert len(wire) == 2
    clients = lambda: patient_unit.rpc("dcdcd", "status")["rpc"]["clients"]
    wait_until(lambda: clients() <= 3, what="it has gone")


def test_socat_shows_the_battery_live(unit):
    with Socat(unit.socket("battd"), {"follow": True}) as socat:
        seen = socat.read()["result"]["frames"]
        seen += [socat.frame() for _ in range(6)]
    recorded = brief(trace(unit, "battd"))
    expected = brief(seen)
    assert recorded[: len(expected)] == expected
    assert [one[0] for one in expected] == ([">", "<"] * len(expected))[: len(expected)]


def test_a_follower_may_ask_other_things(unit):
    with Line(unit.socket("dcdcd")) as line:
        line.send(request_line("trace", {"follow": True, "count": 0}, id="follow"))
        assert line.receive_json()["id"] == "follow"
        line.send(request_line("command", {"name": "1-1"}, id="read"))
        lines = [line.receive_json() for _ in range(3)]
    assert [one.get("method") for one in lines] == ["trace", "trace", None]
    assert lines[2]["id"] == "read"


def test_a_stopped_follower_holds_nobody_up(unit):
    with Line(unit.socket("dcdcd")) as line:
        line.send(request_line("trace", {"follow": True}))
        for _ in range(5):
            assert unit.ok("/dcdc/get")
        unit.end("dcdcd")


# the file


def saved(stack, daemon="dcdcd"):
    return stack.dir / f"{daemon}.trace"


def lines_of_file(stack, daemon="dcdcd"):
    wait_until(saved(stack, daemon).exists, 5, "the file")
    header, *frames = map(json.loads, saved(stack, daemon).read_text().splitlines())
    assert header["trace"] == daemon
    assert sorted(header) == ["baud", "date", "port", "reason", "time", "trace", "version"]
    assert 0 < len(frames) <= 512
    return header, frames


def test_a_file_when_the_battery_guard_stops(stack):
    stack.start(
        config={f"{BATTERY}.force_dcdc_waiting": "Yes", f"{DCDC}.battery_check_interval": "1"}
    )
    wait_until(lambda: stack.rpc("dcdcd", "status")["guards"]["battery"]["permitted"])
    stack.ok("/dcdc/set?mode=0x0041&dvg=350&drg=0&dig=2")
    assert not saved(stack).exists()
    stack.battery("set sharing denied")
    header, frames = lines_of_file(stack)
    assert "the battery denies sharing" in header["reason"]
    # The set before and the stop after, with its confirmation.
    sent = [one["hex"] for one in frames if one["dir"] == ">"]
    assert "050200100041005100" in sent
    stop = brief(frames).index((">", "050200100000001000", "sent"))
    assert brief(frames)[stop + 1] == ("<", "020200100000001000", "ok")


def test_a_file_when_a_guard_stops_after_something_else(stack):
    """Saved although the converter was silent, and that was saved, a moment ago."""
    stack.start(
        config={f"{BATTERY}.force_dcdc_waiting": "Yes", f"{DCDC}.battery_check_interval": "1"}
    )
    wait_until(lambda: stack.rpc("dcdcd", "status")["guards"]["battery"]["permitted"])
    stack.eza("fault silence")
    assert stack.get("/dcdc/get").error == "read timeout"
    assert "does not answer" in lines_of_file(stack)[0]["reason"]
    stack.eza("clear")
    stack.ok("/dcdc/set?mode=0x0041&dvg=350&drg=0&dig=2")
    stack.battery("set sharing denied")
    wait_until(lambda: "the battery denies sharing" in lines_of_file(stack)[0]["reason"], 5)
    assert ("<", "020200100000001000", "ok") in brief(lines_of_file(stack)[1])
    assert [one.name for one in stack.dir.glob("*.trace*")] == ["dcdcd.trace"]


def test_a_file_when_the_supervisor_guard_stops(stack):
    stack.start(config={f"{DCDC}.supervisor_timeout": "1"})
    stack.ok("/dcdc/set?mode=0x0041&dvg=350&drg=0&dig=2")
    assert not saved(stack).exists()
    header, frames = lines_of_file(stack)
    assert header["reason"] == "the converter is sent to Waiting: the supervisor is silent"
    assert ("<", "020200100000001000", "ok") in brief(frames)


def test_a_file_when_the_converter_falls_silent(unit):
    unit.ok("/dcdc/get")
    assert not saved(unit).exists()
    unit.eza("fault silence")
    assert unit.get("/dcdc/get").error == "read timeout"
    header, frames = lines_of_file(unit)
    assert header["reason"] == "the converter does not answer: read timeout"
    assert header["port"] == str(unit.dir / "dcdc") and header["baud"] == 19200
    assert brief(frames)[:8] == brief(trace(unit))[:8]
    assert len([one for one in frames if one["verdict"] == "read timeout"]) >= 4
    # One a minute: what happens next is not written.
    written = saved(unit).stat()
    unit.eza("hangup")
    unit.eza("back")
    unit.eza("clear")
    wait_until(lambda: unit.get("/dcdc/get").status == 200)
    unit.end("dcdcd")
    after = saved(unit).stat()
    assert (after.st_ino, after.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert [one.name for one in unit.dir.glob("*.trace*")] == ["dcdcd.trace"]


def test_a_file_when_the_battery_is_lost(unit):
    assert not saved(unit, "battd").exists()
    unit.battery("fault silence")
    header, frames = lines_of_file(unit, "battd")
    assert header["reason"] == "lost: no answer within 0.3 s"
    assert header["port"] == str(unit.dir / "battery") and header["baud"] == 9600
    # What went well before it, and what did not.
    assert {"ok", "no answer within 0.3 s"} <= {one["verdict"] for one in frames}


def test_a_file_when_the_battery_port_is_lost_and_battd_ends(unit):
    unit.battery("hangup")
    wait_until(lambda: unit.rpc("battd", "status")["state"] == "error")
    unit.end("battd")
    header, _ = lines_of_file(unit, "battd")
    assert "lost: " in header["reason"]


def test_a_file_when_the_port_is_lost(unit):
    unit.eza("hangup")
    wait_until(lambda: unit.rpc("dcdcd", "status")["state"] == "port_closed")
    unit.end("dcdcd")  # it does not take the file with it
    header, _ = lines_of_file(unit)
    assert header["reason"].startswith(str(unit.dir / "dcdc"))


def test_nothing_is_written_without_reason(unit):
    unit.ok("/dcdc/get")
    unit.end("dcdcd")
    assert not saved(unit).exists()


def record(stack):
    """A unit that is read, set, and then silent; the body of the last good reading."""
    stack.start()
    stack.ok("/dcdc/set?mode=0x0014&dvg=340&dig=2.5&drg=0.039")
    body = stack.ok("/dcdc/get")
    stack.eza("fault silence")
    assert stack.get("/dcdc/get").error == "read timeout"
    lines_of_file(stack)
    return body


def replay(stack, path):
    stack.start("battery-sim")
    stack.start("eza2500-sim", arguments=["--replay", path])
    stack.start("dcdcd", "battd", "gatewayd")
    stack.settle()


def test_a_trace_is_replayed(stack, another):
    """The same values, then the same fault, of a converter that is not there any more."""
    body = record(stack)
    replay(another, saved(stack))
    assert another.eza("state")["state"]["mode"] == "0x0000"  # the model has no part in it
    answer = another.ok("/dcdc/set?mode=0x0014&dvg=340&dig=2.5&drg=0.039")
    assert answer["status"]["operationMode"] == "Grid Autonomy"
    assert another.ok("/dcdc/get") == body
    reply = another.get("/dcdc/get")
    assert reply.status == 400 and reply.error == "read timeout"
    other = another.get("/dcdc/set?dvg=300&drg=0")
    assert other.status == 400 and other.error == "read timeout"  # was never asked


def save_answer(stack):
    """What `trace` answers, as a file."""
    path = stack.dir / "answer"
    path.write_text(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"frames": trace(stack)}}))
    return path


@pytest.mark.parametrize(
    "faults",
    [
        ["noise_before 64"],
        ["noise_after 64"],
        ["echo", "noise_before 64", "noise_after 64"],
        ["noise_before 128", "noise_before 120"],
    ],
    ids=", ".join,
)
def test_noise_is_replayed(stack, another, faults):
    """Around each answer of a full reading; the last row has more than a frame keeps."""
    patient = {f"{DCDC}.reply_timeout": "1"}
    stack.start(config=patient)
    stack.eza("set grid_voltage 351.3")
    for one in faults:
        stack.eza(f"fault {one}")
    body = stack.ok("/dcdc/get")
    path = save_answer(stack)
    another.start("eza2500-sim", arguments=["--replay", path])
    another.start("dcdcd", "battd", "gatewayd", config=patient)
    assert another.ok("/dcdc/get") == body
    counters = another.rpc("dcdcd", "status")["counters"]
    assert counters["timeouts"] == counters["checksum_errors"] == 0
    assert counters["noise_bytes"] > 0


def test_a_replay_keeps_the_times(stack, another):
    stack.start(config={f"{DCDC}.reply_timeout": "1"})
    stack.eza("set turnaround 0.04")
    stack.ok("/dcdc/get")
    path = save_answer(stack)
    recorded = [(one["dir"], one["time"]) for one in trace(stack)][-12:]
    replay(another, path)
    another.ok("/dcdc/get")
    replayed = [(one["dir"], one["time"]) for one in trace(another)][-12:]
    # Never sooner than recorded; later only as far as the machine makes it.
    late = [after - before for before, after in zip(delays(recorded), delays(replayed))]
    assert min(late) > -0.001 and statistics.median(late) < 0.03, late
    assert min(delays(replayed)) > 0.04


def delays(frames):
    """From each request to its answer."""
    assert [direction for direction, _ in frames] == [">", "<"] * (len(frames) // 2)
    return [frames[n + 1][1] - frames[n][1] for n in range(0, len(frames), 2)]


def test_what_cannot_be_replayed(stack):
    stack.launch("eza2500-sim", "--replay", stack.dir / "nothing")
    assert "No such file" in stack.expect_end("eza2500-sim", 1)
