"""What all tests share."""

from __future__ import annotations

import pytest

ATTEMPTS = 3


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Give a test that is marked `timing` three attempts: a loaded machine is late now and then, a defect always."""
    if pyfuncitem.get_closest_marker("timing") is None:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    for attempt in range(1, ATTEMPTS + 1):
        try:
            pyfuncitem.obj(**arguments)
            break
        except (AssertionError, OSError, EOFError):  # TimeoutError is an OSError
            if attempt == ATTEMPTS:
                raise
    return True
