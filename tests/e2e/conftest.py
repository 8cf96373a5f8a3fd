# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a stack of the real programs for each test, its logs in the report of a failure."""

import pytest

from stack import BUILD, DAEMONS, DCDC, SIMULATORS, Stack


def pytest_sessionstart(session):
    missing = [name for name in SIMULATORS + DAEMONS if not (BUILD / name).exists()]
    if missing:
        raise pytest.UsageError(f"not built in {BUILD}: {', '.join(missing)}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    stack = item.funcargs.get("stack")
    if report.when == "call" and report.failed and stack:
        for program in [*stack.ended, *stack.programs.values()]:
            report.sections.append((program.name, "\n".join(program.log.splitlines()[-60:])))


def ending_well():
    stack = Stack()
    yield stack
    problems = stack.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def stack():
    """Programs to be started by the test; at its end they must all end as they should."""
    yield from ending_well()


@pytest.fixture
def another():
    """A second stack beside the first."""
    yield from ending_well()


@pytest.fixture
def unit(stack):
    """Both simulators and all daemons, with the test configuration, ready."""
    return stack.start()


@pytest.fixture
def patient_unit(stack):
    """The same with a reply timeout of 1 s: slow answers are in time, on a busy machine too."""
    return stack.start(config={f"{DCDC}.reply_timeout": "1"})
