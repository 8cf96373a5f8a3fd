# SPDX-License-Identifier: Apache-2.0
"""One board for all tests; each finds it without daemons. Figures are printed at the end."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import direction  # noqa: E402
from board import Board  # noqa: E402

FIGURES = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    board = item.funcargs.get("board")
    if report.when == "call" and report.failed and board:
        report.sections.append(("the daemons' logs", board.run("tail -n 20 /log/*")[1]))


@pytest.fixture(scope="session")
def emulated():
    board = Board()
    yield board
    problems = board.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def board(emulated):
    emulated.begin()
    yield emulated
    for name in list(emulated.pids):
        emulated.end(name)


@pytest.fixture
def figures():
    """Collects lines that are printed behind the results."""
    return FIGURES.append


@pytest.fixture
def figures_of(figures):
    def collect(title, sendings, byte_s):
        figures(f"{title}:")
        for name, text in direction.figures(sendings, byte_s):
            figures(f"  {name}: {text}")

    return collect


def pytest_terminal_summary(terminalreporter):
    for line in FIGURES:
        terminalreporter.write_line(line)
