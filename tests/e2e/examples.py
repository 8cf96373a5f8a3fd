# SPDX-License-Identifier: Apache-2.0
"""The examples in the documents: indented lines, `$ COMMAND` and below it what it prints.

Comments before an example, which no reader sees, say what has happened before it:
    <!-- first: COMMAND -->        run unseen
    <!-- config: PATH=TEXT … -->   all daemons are started anew with this in their configuration
    <!-- not run: WHY -->          until the next such comment, or <!-- run -->
"""

import dataclasses
import re

COMMENT = re.compile(r"<!-- (first|config|not run|run)(?:: (.*))? -->")


@dataclasses.dataclass
class Step:
    kind: str  # of the comments, or "example"
    text: str
    line: int  # in the document, from 1
    printed: list = dataclasses.field(default_factory=list)


def steps(document):
    """What is to be done for a document's text, in order."""
    found, example, skipped = [], None, False
    for number, line in enumerate(document.splitlines(), 1):
        comment, command = COMMENT.fullmatch(line), re.fullmatch(r" {4,}\$ (.*)", line)
        if comment or command or not line.startswith("    "):
            example = None
        if comment:
            skipped = comment[1] == "not run"
            if comment[1] in ("first", "config"):
                found.append(Step(comment[1], comment[2], number))
        elif command and not skipped:
            example = Step("example", command[1], number)
            found.append(example)
        elif example:
            example.printed.append(line)
    return found


# What differs from one time to the next, and what stands for it.
VOLATILE = [
    (r'"date":"[^"]*"', '"date":"…"'),
    (r'"hex":"[0-9a-f]*"', '"hex":"…"'),
    (r"(?<=[:\[,])-?\d+(\.\d+)?(?=[,}\]])", "N"),
    (r"\d+\.\d+ s\b", "N s"),
    (r"^(\w+(?:\{.*\})?) [\d.]+$", r"\1 N"),
]


def plain(lines):
    """The text of lines without what differs each time, however it was broken into lines."""
    for pattern, replacement in VOLATILE:
        lines = [re.sub(pattern, replacement, line.strip()) for line in lines]
    return "".join(line for line in lines if line)


def agrees(expected, printed):
    """Whether it is what the document shows; … in a line of its own leaves something out."""
    pieces = [[]]
    for line in expected:
        if line.strip().rstrip(",]}") == "…":
            pieces.append([])
        else:
            pieces[-1].append(line)
    text, at = plain(printed), 0
    if len(pieces) == 1:  # answers to several requests come in any order
        return sorted(plain([line]) for line in expected) == sorted(plain([line]) for line in printed)
    for piece in map(plain, pieces):
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True
