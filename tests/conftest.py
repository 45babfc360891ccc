"""For all tests: in CI nothing is skipped (MAILBOT_NO_SKIPS), and what was validated is counted."""

import os
import sys
from typing import Any

import pytest

_COUNTED = ("requests", "answers", "beside")
_leaks: list[str] = []
_from_workers: list[dict[str, Any]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """No secret or token of the test issuer shows in what a test printed, logged or failed with."""
    module = sys.modules.get("tests.servers.issuer")
    said = f"{report.capstdout}{report.capstderr}{report.caplog}{report.longreprtext}"
    if module is not None and said and any(secret in said for secret in module.SECRETS):
        _leaks.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test fails the run where everything was to be installed; so does a secret shown."""
    if _leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for name in _leaks:
            print(f"\na secret or token stands in the output of {name}")
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["graph"] = _graph_totals()
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("MAILBOT_NO_SKIPS") and skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for report in skipped:
            print(f"\nskipped where nothing may be: {report.nodeid}: {report.longrepr}")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker process of a parallel run has ended: take over what it counted."""
    _from_workers.append(getattr(node, "workeroutput", {}).get("graph", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many calls of Graph were held to Microsoft's description."""
    totals = [*_from_workers, _graph_totals()]
    sums = {name: sum(one.get(name, 0) for one in totals) for name in _COUNTED}
    violations = [text for one in totals for text in one.get("violations", ())]
    if sums["requests"] or violations:
        terminalreporter.write_line(
            f"Graph: {sums['requests']} requests and {sums['answers']} answers validated against "
            f"the OpenAPI description, {sums['beside']} calls beside it, "
            f"{len(violations)} violations"
        )
        for text in violations[:20]:
            terminalreporter.write_line(f"  {text}")


def _graph_totals() -> dict[str, Any]:
    """What this process counted; without importing what no test has needed."""
    module = sys.modules.get("tests.servers.graph_schema")
    if module is None:
        return {}
    counted = {name: getattr(module.TOTALS, name) for name in _COUNTED}
    return {**counted, "violations": list(module.TOTALS.violations)}
