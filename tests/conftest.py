"""What every test shares: the fixtures of the other files, and when a skip is a failure."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import settings

pytest_plugins = (
    "tests.api_fixtures",
    "tests.demo_fixtures",
    "tests.map_fixtures",
    "tests.store_fixtures",
    "tests.stream_fixtures",
)

CI = os.environ.get("CI") == "true"
ALLOWED_SKIPS = ("shared data", "no IPv6")
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# Time says nothing about a law on a shared machine; a run that gates a change must be repeatable.
settings.register_profile("gridsvc", deadline=None, derandomize=CI, print_blob=True)
settings.load_profile("gridsvc")


def pytest_configure() -> None:
    """Hide the developer's own settings and proxies from the tests."""
    for name in [name for name in os.environ if name.startswith("GRIDSVC_")]:
        if name != "GRIDSVC_SHARED_DATA":
            del os.environ[name]
    for name in ("NO_PROXY", "no_proxy"):
        others = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join({*others, "127.0.0.1", "localhost"})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _skip_is_failure((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _skip_is_failure((yield))


def _skip_is_failure(report: Report) -> Report:
    """With ``CI=true`` only what nobody can provide may be left out."""
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(allowed in reason for allowed in ALLOWED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"CI=true allows no test to be left out: {reason}"
    return report
