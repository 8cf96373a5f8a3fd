# SPDX-License-Identifier: Apache-2.0
"""Findings, as they are printed."""

import json

OK, WARNING, FAIL = "ok", "warn", "FAIL"
DEVICES = ["", "converter", "battery"]


class Report:
    """One finding a line, hints below it. It is good while nothing has failed."""

    def __init__(self):
        self.findings = []

    def add(self, level, device, check, text, *hints):
        self.findings.append(
            {"level": level, "device": device, "check": check, "text": text, "hints": list(hints)}
        )

    @property
    def good(self):
        return not any(one["level"] == FAIL for one in self.findings)

    def as_text(self):
        lines, device = [], ""
        for one in sorted(self.findings, key=lambda one: DEVICES.index(one["device"])):
            if one["device"] != device:
                device = one["device"]
                lines.append(device)
            lines.append(f"  {one['level']:5} {one['text']}")
            lines += [f"        - {hint}" for hint in one["hints"]]
        return "\n".join([*lines, "all is well" if self.good else "something is wrong: see FAIL"])

    def as_json(self, seconds):
        whole = {"ok": self.good, "seconds": round(seconds, 3), "findings": self.findings}
        return json.dumps(whole, ensure_ascii=False)
