"""What the tests stand on.

    CLOISTER_BIN        the directory with cloister-celld and cloister-cell (default: the debug build)
    CLOISTER_LACKING    the walls that no cell of this machine has (default: cgroup)
    CLOISTER_MUST_RUN   set to 1, a skipped test is a failed test
"""

import contextlib
import os
import shutil

import pytest

from cells import NATIVE, Celld
from machine import Traces


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and os.environ.get("CLOISTER_MUST_RUN") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, although CLOISTER_MUST_RUN=1: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items):
    missing = [program for program in ("mke2fs", "setpriv") if shutil.which(program) is None]
    why = "needs root" if os.geteuid() != 0 else f"there is no {missing[0]}" if missing else None
    if why:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=why))



@pytest.fixture
def started():
    """`with started(...) as (celld, traces)`: a celld of our own, which must leave nothing at its end."""

    @contextlib.contextmanager
    def start(best_effort=NATIVE, **options):
        keeper = Celld(best_effort=best_effort, **options)
        traces = Traces(keeper)
        try:
            yield keeper, traces
        finally:
            keeper.stop()
        traces.assert_gone()

    return start


@pytest.fixture
def celld(started):
    with started() as (keeper, _):
        yield keeper


@pytest.fixture
def cell(celld):
    standing = celld.build()
    yield standing
    standing.close()
