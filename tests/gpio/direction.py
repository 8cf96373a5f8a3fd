# SPDX-License-Identifier: Apache-2.0
"""Whether a line's direction was right at all times. Pure."""

import dataclasses


@dataclasses.dataclass
class Sending:
    """One time for which the transceiver was switched to sending. Times in s."""

    begin: float
    end: float = None  # None: it still is
    sent: list = dataclasses.field(default_factory=list)  # (time, byte)
    received: list = dataclasses.field(default_factory=list)  # so too, until the next sending

    @property
    def frame(self):
        return bytes(byte for _, byte in self.sent)


def is_switch(event, switch):
    """Whether an event is the direction's: switch is the pin's number, or "rts" and the UART."""
    kind, subject = ("pin", switch) if isinstance(switch, int) else switch
    return event.what == kind and event.subject == subject


def examine(events, uart, switch, byte_s=0):
    """Returns ([Sending], [violation in words]). byte_s: the time of a byte on the line; 0 where
    the UART itself switches, because an emulated one sends its bytes in no time."""
    sendings, violations, now = [], [], None
    for event in events:
        if is_switch(event, switch):
            if event.value in ("high", True):
                now = Sending(event.time)
                sendings.append(now)
            elif now:
                now.end = event.time
                violations += judge(now, byte_s)
                now = None
        elif event.subject == uart and event.what == "sent":
            if now:
                now.sent.append((event.time, event.value))
            else:
                violations.append(f"{event.time:.6f}: {event.value:02x} was sent while low")
        elif event.subject == uart and event.what == "received":
            if now:
                violations.append(f"{event.time:.6f}: {event.value:02x} came in while high")
            elif sendings:
                sendings[-1].received.append((event.time, event.value))
    return sendings, violations


def judge(sending, byte_s):
    """What was wrong with it. An emulated UART gets its bytes when the kernel comes to it and sends
    them in no time, so that the frame's time counts from the pin's: between the two the daemon
    writes, and nothing else."""
    if not sending.sent:
        return [f"{sending.begin:.6f}: high for nothing"]
    early = sending.begin + len(sending.sent) * byte_s - sending.end
    if early > 0:
        frame = sending.frame.hex()
        return [f"{sending.end:.6f}: low {early * 1e6:.0f} µs before the end of {frame}"]
    return []


def is_high(sendings):
    return bool(sendings) and sendings[-1].end is None


def spread(values):
    """Median, 99th percentile and worst of times in s, as text in µs."""
    ordered = sorted(values)
    if not ordered:
        return "none"
    picked = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1]
    return "median {:.0f}, p99 {:.0f}, worst {:.0f} µs".format(*(1e6 * value for value in picked))


def figures(sendings, byte_s):
    """What was measured, for people: (name, text) each."""
    whole = [sending for sending in sendings if sending.end and sending.sent]
    yield "frames", str(len(whole))
    yield "high before the first byte", spread(s.sent[0][0] - s.begin for s in whole)
    yield (
        "low after the last stop bit" if byte_s else "low after the first byte",
        spread(s.end - s.sent[0][0] - len(s.sent) * byte_s for s in whole),
    )
    yield "low before the answer", spread(s.received[0][0] - s.end for s in whole if s.received)
