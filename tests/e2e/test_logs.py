# SPDX-License-Identifier: Apache-2.0
"""What --debug adds to the log."""


def test_debug_shows_every_frame(stack):
    """Mode 1-1 and its answer "Waiting"; both battery registers and theirs: 50 %, permitted."""
    stack.start("eza2500-sim", "battery-sim")
    stack.start("dcdcd", "battd", arguments=["--debug"])
    dcdcd, battd = stack.programs["dcdcd"], stack.programs["battd"]
    dcdcd.wait_for(r"^dcdcd: link: > 05 00 00 10 00 10 00 \(sent\)$")
    dcdcd.wait_for(r"^dcdcd: link: < 02 02 00 10 00 00 00 10 00 \(ok\)$")
    battd.wait_for(r"^battd: bus: > 01 04 00 1d 00 02 e1 cd \(sent\)$")
    battd.wait_for(r"^battd: bus: < 01 04 04 01 f4 00 00 [0-9a-f ]{5} \(ok\)$")


def test_without_it_no_frame_is_shown(unit):
    unit.ok("/all/get")
    for daemon in ("dcdcd", "battd"):
        assert unit.programs[daemon].count(r": (link|bus): [<>]") == 0
