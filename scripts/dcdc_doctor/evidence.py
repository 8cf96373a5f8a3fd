# SPDX-License-Identifier: Apache-2.0
"""What went over a line, out of a daemon's trace (doc/socket-protocol.md)."""

import collections
import time

READS = 20
SILENT_READS = 3  # after so many nobody is expected to answer
BROKEN_READS = 10  # after so many without one good answer none is expected


def size(frame):
    return len(frame["hex"]) // 2 + frame.get("more", 0)


def is_echo(sent, received):
    """Neither protocol has an answer that begins with five bytes of its request."""
    return size(received) >= 5 and received["hex"][:10] == sent["hex"][:10]


class Evidence:
    """Requests, each with all that came back, and what came when nothing was awaited."""

    def __init__(self):
        self.exchanges = []  # (sent, received) frames
        self.strays = []
        self.sent = None

    def add(self, frame):
        if frame["dir"] == ">":
            self.sent = frame
        elif self.sent is None:
            self.strays.append(frame)
        else:
            self.exchanges.append((self.sent, frame))
            self.sent = None

    def newest(self, count):
        """The same of the last exchanges only."""
        some = Evidence()
        some.exchanges = self.exchanges[-count:]
        since = some.exchanges[0][0]["time"] if some.exchanges else 0
        some.strays = [frame for frame in self.strays if frame["time"] >= since]
        return some

    @property
    def answered(self):
        return [pair for pair in self.exchanges if pair[1]["verdict"] == "ok"]

    @property
    def failed(self):
        return [pair for pair in self.exchanges if pair[1]["verdict"] != "ok"]

    @property
    def answers(self):
        """Whether there are answers, and have been lately."""
        return any(received["verdict"] == "ok" for _, received in self.exchanges[-SILENT_READS:])

    @property
    def speaks(self):
        """Whether a device was heard, be it with a refusal."""
        signs = ("ok", "error: ERCD=", "exception ")
        return any(received["verdict"].startswith(signs) for _, received in self.exchanges)

    @property
    def hopeless(self):
        silent = all(received["hex"] == "" for _, received in self.exchanges)
        enough = SILENT_READS if silent else BROKEN_READS
        return not self.answered and len(self.exchanges) >= enough

    @property
    def echoes(self):
        return sum(is_echo(*pair) for pair in self.exchanges)

    @property
    def verdicts(self):
        """What the failures were: "3 × checksum error"."""
        counts = collections.Counter(received["verdict"] for _, received in self.failed)
        return ", ".join(f"{count} × {verdict}" for verdict, count in counts.items())

    def turnarounds(self, byte_s):
        """From the end of each request to the beginning of its answer, in s."""
        times = []
        for sent, received in self.answered:
            count = size(received) + (0 if is_echo(sent, received) else size(sent))
            times.append(max(received["time"] - sent["time"] - count * byte_s, 0))
        return times

    @property
    def lost_heads(self):
        """Whether what came back was the tail of an answer that came whole at other times."""
        whole = {sent["hex"]: received["hex"] for sent, received in self.answered}
        return any(
            received["hex"] and whole.get(sent["hex"], "").endswith(received["hex"])
            for sent, received in self.failed
        )


def recorded(client, since=0):
    """What the trace holds from a time on."""
    evidence = Evidence()
    for frame in client.call("trace")["frames"]:
        if frame["time"] >= since:
            evidence.add(frame)
    return evidence


def follow(client, deadline, enough):
    """What the trace holds and what is added to it, until enough(evidence)."""
    evidence = Evidence()
    frames = iter(client.call("trace", follow=True)["frames"])
    while time.monotonic() < deadline and not enough(evidence):
        frame = next(frames, None)
        evidence.add(frame if frame is not None else client.receive()["params"])
    return evidence
