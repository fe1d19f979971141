"""A pytest plugin for the environments of the suites: writes every test's outcome to the file CONFORMANCE_OUTCOMES.

It runs under whatever pytest a suite needs, with or without pytest-xdist, and imports nothing else.
"""

import json
import os
import sys
from pathlib import Path

WORST_LAST = ("passed", "xfailed", "xpassed", "skipped", "failed", "error")

outcomes = {}
messages = {}
uncollected = {}
foreign = set()


def pytest_runtest_logreport(report):
    outcome = report.outcome
    if hasattr(report, "wasxfail"):
        outcome = "xfailed" if report.skipped else "xpassed"
    elif report.failed and report.when != "call":
        outcome = "error"
    test = without_group(report.nodeid)
    tells = report.when == "call" or outcome != "passed"
    if tells and WORST_LAST.index(outcome) >= WORST_LAST.index(outcomes.get(test, "passed")):
        outcomes[test] = outcome
    if report.failed:
        messages[test] = last_line(report.longrepr)


def without_group(identifier):
    """Undo what `--dist loadgroup` of xdist does to the id of a test with a group: ID@GROUP."""
    if identifier.endswith("]"):
        return identifier
    head, bracket, tail = identifier.rpartition("]")
    return head + bracket + tail.partition("@")[0]


def last_line(representation):
    crash = getattr(representation, "reprcrash", None)
    text = crash.message if crash is not None else str(representation)
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return (lines[0] if crash is not None and lines else lines[-1] if lines else "")[:300]


def pytest_collectreport(report):
    if report.failed:
        uncollected[report.nodeid] = last_line(report.longrepr)


def strangers():
    """Return modules that have an adopted name and are not ours."""
    from fenrir.adopt import adopted

    names = adopted()
    return {
        name
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in names and module is not None and sys.modules.get("fenrir." + name) is not module
    }


def pytest_sessionfinish(session, exitstatus):
    output = getattr(session.config, "workeroutput", None)
    here = sorted(strangers()) if os.environ.get("FENRIR_ADOPT") else []
    if output is not None:  # a worker of xdist: the controller writes
        output["conformance_foreign"] = here
        return
    foreign.update(here)
    # A session inside a session (a suite that tests pytest itself) must not write over it.
    path = os.environ.pop("CONFORMANCE_OUTCOMES", None)
    if path:
        record = {"outcomes": outcomes, "messages": messages, "uncollected": uncollected, "foreign": sorted(foreign)}
        Path(path).write_text(json.dumps(record), encoding="utf-8")


class Nodes:
    def pytest_testnodedown(self, node, error):
        foreign.update(getattr(node, "workeroutput", {}).get("conformance_foreign", ()))


def pytest_configure(config):
    if config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Nodes(), "conformance-nodes")
