# SPDX-License-Identifier: Apache-2.0
"""Every fault of the converter's line × every path that reaches it × first and last command.

What the client is told and how often a command is sent stands in the tables. Where a fault leaves
an answer's data whole, the broken answer carries values that are wrong but possible: none of them
may be seen. After each fault the same request must work.
"""

import pytest

import eza
from fault_tables import (
    ALL,
    CONFIG,
    DECOYS,
    ERRORS,
    FAULTS,
    HARMLESS,
    PLACES,
    READS,
    REQUESTS,
    REST,
    RETRIED,
    RUN,
    SEQUENCES,
    STOP,
    TIMEOUTS,
    UNKNOWN,
    answer_size,
    command_at,
    outcome,
    wrong_data,
)
from link import RpcError, concurrent_requests, wait_until
from stack import DCDC, Stack
from test_paths import GET_STATUS

def running(changes):
    """A stack whose battery does not follow the converter, and with something saved."""
    stack = Stack()
    order = ("eza2500-sim", "battery-sim", "dcdcd", "battd", "gatewayd")
    try:
        stack.start(*order, config={**CONFIG, **changes}, baud=0)
        stack.battery("set rsoc_raw 501")
        stack.eza("set grid_voltage 351.3")
        wait_until(lambda: stack.get("/battery/get").json.get("rsoc") == 50.1)
        stack.ok(f"/dcdc/set?{RUN}")
        yield stack
    finally:
        problems = stack.close()
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="module")
def shared():
    """One stack for all tests of a worker."""
    yield from running({})


@pytest.fixture(scope="module")
def shared_patient():
    """The same, that waits for an answer longer than a busy machine keeps one: no timeouts."""
    yield from running({f"{DCDC}.reply_timeout": "2"})


@pytest.fixture(scope="module")
def shared_default():
    """The same, that waits as long for an answer as it does by default."""
    yield from running({f"{DCDC}.reply_timeout": "0.1"})


@pytest.fixture(scope="module")
def shared_once():
    """The same with one try, that is long enough for an answer to come in the next one's time."""
    yield from running({f"{DCDC}.reply_timeout": "1", f"{DCDC}.number_of_timeout_retry": "0"})


def counters_at_rest(stack):
    """
    dcdcd's counters, once nothing is under way. It asks for the mode by itself while that is in
    doubt, after the port was opened for example: a frame that is counted and not heard yet.
    """

    def at_rest():
        status = stack.rpc("dcdcd", "status")
        return "mode" in status and not status["stop_owed"] and status["counters"]

    return wait_until(at_rest)


ODDITIES = (
    *("timeouts", "naks", "bad_values", "checksum_errors"),
    *("echoes", "foreign", "unexpected", "noise_bytes", "opens"),
)


class Counting:
    """dcdcd's counters and the frames on the wire, since the test began."""

    def __init__(self, stack):
        self.stack = stack
        self.frames = self.answers = 0
        self.before = counters_at_rest(stack)

    def wire(self):
        """The frames since the last call, answers only where they are sound."""
        wire = self.stack.wire()
        self.frames += len(wire.requests)
        self.answers += len(wire.answers)
        return wire

    def all_answered(self):
        """True when as many answers as requests have gone over the line."""
        self.wire()
        return self.answers == self.frames

    def grown(self):
        after = counters_at_rest(self.stack)
        self.wire()
        grown = {name: after[name] - self.before[name] for name in after}
        assert grown["requests"] == self.frames
        return grown

    def oddities(self):
        """What was odd on the line, by the counters; a late answer counts as unexpected."""
        grown = self.grown()
        grown["unexpected"] += grown["late"]
        return {name: grown[name] for name in ODDITIES if grown[name]}


def sound_frames(wire):
    """All whole answers of the converter among the bytes, whatever is around them."""
    found = eza.Wire(wire.requests)
    for one in wire.answers:
        for at in range(len(one.bytes) - 6):
            data = one.bytes[at : at + 7 + one.bytes[at + 1]]
            if data[2:4] != b"\x00\x10":
                continue
            record = {"dir": "tx", "t": one.began, "end": one.ended, "hex": data.hex()}
            frame = eza.decode(record)
            if frame.name != "?":
                found.append(frame)
    return found


def rest(stack):
    """Waiting, known values in force, no fault, nothing that could still come."""
    stack.eza("clear")
    stack.eza("back")
    for name, value in REST.items():
        stack.eza(f"set register {name}={value}")
    wait_until(lambda: stack.rpc("dcdcd", "status")["state"] != "port_closed", 5)
    stack.rpc("dcdcd", "command", {"name": "1-4", "mode": "0x0000"})

    def settled():
        stack.wire()
        stack.rpc("dcdcd", "remote_get_status")
        return stack.wire().commands == GET_STATUS

    wait_until(settled, 5)


@pytest.fixture
def stack(shared):
    """The shared stack at rest. Its programs' logs are in the report of a failure."""
    rest(shared)
    return shared


@pytest.fixture
def counting(stack):
    return Counting(stack)


@pytest.fixture
def counting_late(shared_default):
    rest(shared_default)
    return Counting(shared_default)


@pytest.fixture
def counting_once(shared_once):
    rest(shared_once)
    return Counting(shared_once)


@pytest.fixture
def patient(shared_patient):
    rest(shared_patient)
    return Counting(shared_patient)


def put(stack, name, commands, how=""):
    for one in commands:
        stack.eza(f"fault {one} for {name} {how}")


def tries(path, *names, count=2):
    """The commands of a request, some of them sent several times."""
    return [one for name in REQUESTS[path][0] for one in [name] * (count if name in names else 1)]


def check_body(path, reply, wire):
    assert reply.status == 200, f"{reply.body} {wire.commands}"
    assert reply.seconds < 4.5
    assert reply.json == REQUESTS[path][1](sound_frames(wire))


def carried_out(stack, path):
    """What the converter has done, if the request was a set."""
    state = stack.eza("state")["state"]
    raws = {"dvg": 345 if "dvg=" in path else 341, "dig": 2.3 if "dig=" in path else 1.5}
    for name, value in raws.items():
        assert state["registers"][name] == pytest.approx(value, abs=0.03)
    assert state["mode"] == ("0x0041" if RUN in path else "0x0000")


def without_extras(commands, expected, extras):
    """True if commands are the expected ones, but for a few reads between them."""
    left = list(expected)
    more = []
    for name in commands:
        if left and name == left[0]:
            left.pop(0)
        else:
            more.append(name)
    return not left and len(more) <= 3 and set(more) <= set(extras)


def check_next(counting, path):
    """
    The same request works. Another read may go ahead of one that an answer may still come for, and
    the mode is asked for when it is in doubt.
    """
    stack = counting.stack
    stack.eza("clear")
    if RUN in path:
        stack.rpc("dcdcd", "command", {"name": "1-4", "mode": "0x0000"})
    counting.wire()
    reply = stack.get(path)
    wire = counting.wire()
    check_body(path, reply, wire)
    assert without_extras(wire.commands, REQUESTS[path][0], ["1-1", "2-1"]), wire.commands
    carried_out(stack, path)


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("fault", RETRIED)
def test_cured_by_a_retry(counting, path, fault):
    """Once at the first and once at the last command."""
    stack = counting.stack
    first, last = command_at(path, "first"), command_at(path, "last")
    for name in (first, last):
        put(stack, name, FAULTS[fault].commands(name), "count 1")
    reply = stack.get(path)
    wire = counting.wire()
    assert wire.commands == tries(path, first, last)
    check_body(path, reply, wire)
    carried_out(stack, path)
    check_next(counting, path)
    grown = counting.grown()
    for counter in {outcome(FAULTS[fault], name)[2] for name in (first, last)}:
        of_it = [n for n in (first, last) if outcome(FAULTS[fault], n)[2] == counter]
        assert grown[counter] == len(of_it)
    assert grown["answers"] >= grown["requests"] - 2


def expected_failure(path, name, error):
    """The error's text: a stop that was carried out is told of."""
    stopped = path.endswith(STOP) and name != "1-4"
    return error + ("; the stop was carried out" if stopped else "")


@pytest.mark.parametrize("path, at", PLACES)
@pytest.mark.parametrize("fault", FAULTS)
def test_lasting(counting, path, at, fault):
    """The client is told of the error, and nothing after the broken command is sent."""
    stack = counting.stack
    name = command_at(path, at)
    error, count, counter = outcome(FAULTS[fault], name)
    put(stack, name, FAULTS[fault].commands(name))
    reply = stack.get(path)
    wire = counting.wire()
    assert (reply.status, reply.error) == (400, expected_failure(path, name, error))
    assert reply.seconds < 4.5
    commands = REQUESTS[path][0]
    expected = commands[: len(commands) if at == "last" else 1]
    expected = expected[:-1] + [name] * count
    assert wire.commands[: len(expected)] == expected
    # A mode that is in doubt is read, after another read that an answer cannot be late for.
    doubt = {"1-1", "2-1"} if name.startswith("1-") else set()
    assert set(wire.commands[len(expected) :]) <= doubt
    check_next(counting, path)
    grown = counting.grown()[counter]
    assert grown == count or (doubt and grown > count)


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("fault", HARMLESS)
def test_not_noticed(patient, path, fault):
    """At every command of the request: one try each, the right values."""
    stack = patient.stack
    words, counter, by = HARMLESS[fault]
    stack.eza(f"fault {words}")
    reply = stack.get(path)
    wire = patient.wire()
    assert wire.commands == REQUESTS[path][0]
    check_body(path, reply, wire)
    carried_out(stack, path)
    check_next(patient, path)
    each = [len(one.bytes) if by is ALL else by for one in wire.requests]
    assert patient.oddities() == ({counter: sum(each)} if counter else {})


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("decoy", DECOYS)
def test_decoys(patient, path, decoy):
    """Bytes before the answer that look like one: the wrong values in them are not seen."""
    stack = patient.stack
    make, counter, by = DECOYS[decoy]
    decoys = {name: make(name) for name in (command_at(path, "first"), command_at(path, "last"))}
    for name, text in decoys.items():
        stack.eza(f"fault noise_before 0x{text.hex()} for {name}")
    reply = stack.get(path)
    wire = patient.wire()
    assert wire.commands == REQUESTS[path][0]
    check_body(path, reply, wire)
    carried_out(stack, path)
    check_next(patient, path)
    each = [len(text) if by is ALL else by for text in decoys.values()]
    assert patient.oddities() == {counter: sum(each)}


# late answers


@pytest.mark.parametrize("path", REQUESTS)
def test_late_in_time(counting_late, path):
    stack = counting_late.stack
    for at in ("first", "last"):
        stack.eza(f"fault late 0.05 for {command_at(path, at)}")
    reply = stack.get(path)
    wire = counting_late.wire()
    assert wire.commands == REQUESTS[path][0]
    check_body(path, reply, wire)
    check_next(counting_late, path)
    assert counting_late.grown()["timeouts"] == 0


def first_answers(wire, name):
    """Without the second answer to a command that was sent twice: it has come after the reply."""
    fields = set(eza.fields_of(name))
    number = name.partition("-")[0]
    alike = [one for one in wire.answers if one.name == number and set(one.raws) == fields]
    return eza.Wire(one for one in wire if one not in alike[1:])


@pytest.mark.parametrize("path, at", PLACES)
def test_late_for_the_first_try(counting_late, path, at):
    """Late by 0.15 s: the first try's answer comes while the second waits for its own."""
    stack = counting_late.stack
    name = command_at(path, at)
    stack.eza(f"fault late 0.15 for {name} count 1")
    reply = stack.get(path)
    wire = counting_late.wire()
    assert wire.commands == tries(path, name)
    check_body(path, reply, first_answers(wire, name))
    if path in READS:  # what the second try is answered comes during this pass, or after it
        check_body(path, stack.get(path), counting_late.wire())
    wait_until(counting_late.all_answered)
    check_next(counting_late, path)
    grown = counting_late.grown()
    assert grown["timeouts"] == 1
    assert grown["late"] + grown["unexpected"] == 1


@pytest.mark.parametrize("path", SEQUENCES)
@pytest.mark.parametrize("at", ["first", "last"])
def test_late_for_all_tries(counting, path, at):
    """Late by 1 s: the answers to a request that has failed come when the line is idle again."""
    stack = counting.stack
    name = command_at(path, at)
    stack.eza(f"fault late 1 for {name}")
    reply = stack.get(path)
    failure = expected_failure(path, name, "read timeout")
    assert (reply.status, reply.error) == (400, failure)
    assert counting.wire().commands.count(name) == TIMEOUTS
    stack.eza("clear")
    wait_until(counting.all_answered)
    check_next(counting, path)
    grown = counting.grown()
    if name == "1-4" and at == "first":  # a stop is repeated until it is confirmed
        assert grown["timeouts"] >= TIMEOUTS
    else:
        assert grown["timeouts"] == TIMEOUTS
    assert grown["answers"] + grown["late"] + grown["unexpected"] == grown["requests"]
    assert grown["late"] + grown["unexpected"] > 0


def test_late_refusal(counting_once):
    """Of a read that has failed, while a write with the same CMD waits: the write was carried out."""
    stack = counting_once.stack
    stack.eza("fault nak fffb for 1-1")
    stack.eza("fault late 1.3 for 1-1")
    stack.eza("fault late 0.6 for 1-4")
    with pytest.raises(RpcError, match="read timeout"):
        stack.rpc("dcdcd", "command", {"name": "1-1"})
    stack.rpc("dcdcd", "command", {"name": "1-4", "mode": "0x0041"})
    assert stack.eza("state")["state"]["mode"] == "0x0041"
    assert counting_once.wire().commands == ["1-1", "1-4"]
    grown = counting_once.grown()
    assert grown["late"] == 1 and grown["naks"] == 0


def test_refused_after_a_timeout(counting):
    """The first refusal might be the lost read's; the client is told of it all the same."""
    stack = counting.stack
    stack.eza("fault silence for 1-1")
    with pytest.raises(RpcError, match="read timeout"):
        stack.rpc("dcdcd", "command", {"name": "1-1"})
    stack.eza("fault nak fffb for 1-4")
    counting.wire()
    with pytest.raises(RpcError, match="error: ERCD=fffb"):
        stack.rpc("dcdcd", "command", {"name": "1-4", "mode": "0x0041"})
    assert counting.wire().commands[:2] == ["1-4", "1-4"]


# values outside the specification


@pytest.mark.parametrize("path, fault, name, error", UNKNOWN)
def test_unknown_values(counting, path, fault, name, error):
    """Never shown; tried again from the budget of errors."""
    stack = counting.stack
    put(stack, name, [fault], f"count {ERRORS - 1}")
    reply = stack.get(path)
    wire = counting.wire()
    assert wire.commands == tries(path, name, count=ERRORS)
    check_body(path, reply, wire)
    check_next(counting, path)
    assert counting.grown()["bad_values"] == ERRORS - 1
    rest(stack)
    put(stack, name, [fault])
    reply = stack.get(path)
    assert (reply.status, reply.error) == (400, expected_failure(path, name, error))
    wire = counting.wire()
    assert [one for one in wire.commands if one == name][:ERRORS] == [name] * ERRORS
    check_next(counting, path)


# every length


def check_size(stack, path, faults, expected):
    """
    The request from rest with these faults, given by command, and the same once more without. The
    commands on the wire and the counters are as expected.
    """
    rest(stack)
    counting = Counting(stack)
    for name, words in faults.items():
        put(stack, name, words, "count 1")
    reply = stack.get(path)
    wire = counting.wire()
    assert wire.commands == expected[0]
    check_body(path, reply, wire)
    carried_out(stack, path)
    check_next(counting, path)
    assert counting.oddities() == expected[1]


@pytest.mark.parametrize("at", ["first", "last"])
@pytest.mark.parametrize("path", SEQUENCES)
def test_cut_after_each_byte(shared, path, at):
    name = command_at(path, at)
    for size in range(answer_size(name)):
        faults = {name: [f"data {wrong_data(name).hex()}", f"cut {size}"]}
        counters = {"timeouts": 1, **({"noise_bytes": size} if size else {})}
        check_size(shared, path, faults, (tries(path, name), counters))


LONG = ["/dcdc/get", f"/dcdc/set?{RUN}"]


@pytest.mark.parametrize("path", LONG)
@pytest.mark.parametrize("where", ["before", "after"])
def test_noise_of_every_length(shared_patient, path, where):
    """At every command."""
    commands = REQUESTS[path][0]
    for size in range(1, 65):
        faults = {name: [f"noise_{where} {size}"] for name in commands}
        counters = {"noise_bytes": size * len(commands)}
        check_size(shared_patient, path, faults, (commands, counters))


@pytest.mark.parametrize("path", LONG)
@pytest.mark.parametrize("at", ["first", "last"])
def test_noise_of_every_length_inside(shared, path, at):
    name = command_at(path, at)
    whole = answer_size(name)
    for size in range(1, 65):
        faults = {name: [f"data {wrong_data(name).hex()}", f"noise_inside 0x{'a5' * size}"]}
        counter = outcome(FAULTS["inside 1"], name)[2]
        counters = {counter: 1, "noise_bytes": size + (whole if counter == "timeouts" else 0)}
        check_size(shared, path, faults, (tries(path, name), counters))


# the line


@pytest.mark.parametrize("path, at", PLACES)
def test_hung_up_in_an_answer(patient, path, at):
    """
    Back at once under another pty: a read and a stop go on, a set fails and is not repeated. The
    half answer is not believed. Nothing is given up and repeated before the line hangs up.
    """
    stack = patient.stack
    name = command_at(path, at)
    link = stack.dir / "dcdc"
    before = link.readlink()
    broken = [f"data {wrong_data(name).hex()}", f"hangup {answer_size(name) - 1}"]
    put(stack, name, broken, "count 1")
    with concurrent_requests(stack.address, [path]) as replies:
        wait_until(lambda: not stack.eza("state")["state"]["line"]["present"])
        stack.eza("back")
    reply = replies()[0]
    assert link.readlink() != before
    wire = patient.wire()
    if path in READS or (path.endswith(STOP) and at == "first"):
        check_body(path, reply, wire)
    else:
        text = expected_failure(path, name, f"{link}: hung up")
        assert (reply.status, reply.error) == (400, text)
        for write in (one for one in REQUESTS[path][0] if one.endswith("-4")):
            assert wire.commands.count(write) <= 1
    check_next(patient, path)
    assert patient.grown()["opens"] == 1


def writes(wire):
    """What was written, and the mode where that is it."""
    return [(one.name, one.raws.get("mode")) for one in wire.requests if one.name.endswith("-4")]


def test_hung_up_for_good(counting):
    """All requests at once: each is told after a while. Nothing is set late, but the stop."""
    stack = counting.stack
    stack.ok(f"/dcdc/set?{RUN}")
    counting.wire()
    stack.eza("hangup")
    with concurrent_requests(stack.address, list(REQUESTS)) as replies:
        pass
    for path, reply in zip(REQUESTS, replies()):
        assert reply.status == 400, path
        assert f"{stack.dir}/dcdc" in reply.error or reply.error == "superseded by a stop"
        assert reply.seconds < 4.5
    stack.eza("back")
    wait_until(lambda: stack.get("/dcdc/get").status == 200, 5)
    wait_until(lambda: stack.eza("state")["state"]["mode"] == "0x0000", 2)
    assert set(writes(counting.wire())) == {("1-4", 0)}


def test_silent_for_good(counting):
    """The same with a converter that does not hear."""
    stack = counting.stack
    stack.ok(f"/dcdc/set?{RUN}")
    counting.wire()
    stack.eza("fault silence")
    with concurrent_requests(stack.address, list(REQUESTS)) as replies:
        pass
    for path, reply in zip(REQUESTS, replies()):
        assert reply.status in (400, 503), path
        assert reply.error in ("read timeout", "superseded by a stop", "not done in time")
        assert reply.seconds < 4.5
    stack.eza("clear")
    counting.wire()
    wait_until(lambda: stack.eza("state")["state"]["mode"] == "0x0000", 2)
    assert set(writes(counting.wire())) == {("1-4", 0)}
    for path in REQUESTS:
        rest(stack)
        counting.wire()
        reply = stack.get(path)
        check_body(path, reply, counting.wire())
