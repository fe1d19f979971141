"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from _pytest.runner import runtestprotocol

ATTEMPTS = 3
LATE = (AssertionError, OSError, EOFError)  # TimeoutError is an OSError

_late = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Give a test that is marked `timing` three attempts: a loaded machine is late now and then, a defect always.

    Every attempt has fixtures of its own, so that a test which changes its application can be run again. What is told
    is the last one.
    """
    if item.get_closest_marker("timing") is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for attempt in range(1, ATTEMPTS + 1):
        item.stash[_late] = False
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if attempt == ATTEMPTS or not item.stash[_late] or reports[-1].failed:  # the last one is of the teardown
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            break
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Note of a test that it failed as a late one does, not while it was ended."""
    if call.when != "teardown" and call.excinfo is not None and isinstance(call.excinfo.value, LATE):
        item.stash[_late] = True
    return (yield)
