"""What the tests stand on.

    CLOISTER_BIN        the directory with cloisterd, cloister-bridge and fixture-daemon
    CLOISTER_WIRE       where every connection is recorded, one *.wire file each (created if missing)
    CLOISTER_MUST_RUN   set to 1, a skipped test is a failed test
"""

import os
import re
import sys
import tempfile
from pathlib import Path

import pytest

from bus import BusScene
from clients import ERAS, RawConnection, sdk_client
from daemon import Daemon
from governed import Governed, fill

TAP = Path(__file__).with_name("tap.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return failed_if_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return failed_if_skipped((yield))


def failed_if_skipped(report):
    expected = hasattr(report, "wasxfail")
    if report.skipped and not expected and os.environ.get("CLOISTER_MUST_RUN") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, although CLOISTER_MUST_RUN=1: {report.longrepr}"
    return report


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def executable():
    directory = os.environ.get("CLOISTER_BIN")
    if not directory:
        pytest.fail(
            "CLOISTER_BIN is not set: name the directory with cloisterd, cloister-bridge and fixture-daemon"
        )

    def find(name: str) -> Path:
        path = Path(directory).resolve() / name
        if not os.access(path, os.X_OK):
            pytest.fail(f"CLOISTER_BIN: there is no executable {path}")
        return path

    return find


@pytest.fixture
def cloisterd(executable):
    """The real daemon, running."""
    daemon = Daemon(executable("cloisterd"))
    yield daemon
    daemon.stop()


@pytest.fixture
def cell_daemon(executable):
    """The real daemon, whose cells may lack what a machine without cgroup v2's controllers cannot give."""
    daemon = Daemon(executable("cloisterd"), "--best-effort", "cgroup")
    yield daemon
    daemon.stop()


@pytest.fixture
def governed(executable):
    daemon = Governed(executable)
    yield daemon
    daemon.stop()


@pytest.fixture
def scene(executable):
    """The daemon on a bus of its own, with a real polkit beside it."""
    scene = BusScene(executable)
    yield scene
    scene.stop()


@pytest.fixture
def tree():
    """A directory of the host that everybody may use, with a file, a secret, and a link to the secret. Not below /tmp,
    where every cell has something of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="cloister-tree-") as path:
        yield fill(Path(path))


@pytest.fixture
def fixture_daemon(executable):
    """The same daemon with the fixture tools, and three tools to a page."""
    daemon = Daemon(executable("fixture-daemon"))
    yield daemon
    daemon.stop()


@pytest.fixture
def bridge_to(executable, request, tmp_path):
    """The command that reaches the daemon behind a socket; each use is recorded in a file of its own."""
    directory = Path(os.environ.get("CLOISTER_WIRE") or tmp_path).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "-", f"{request.path.stem}-{request.node.name}").strip("-")
    uses = 0

    def command(socket: Path, client: str | None = "interop") -> list[str]:
        nonlocal uses
        uses += 1
        recording = directory / f"{stem}-{uses}.wire"
        recording.unlink(missing_ok=True)  # of an earlier run: the tap would append to it
        bridge = [executable("cloister-bridge"), "--socket", socket]
        if client:
            bridge += ["--client", client]
        return [str(part) for part in (sys.executable, TAP, recording, "--", *bridge)]

    return command


@pytest.fixture
def connect(bridge_to):
    """`async with connect(daemon, era) as client`: the SDK's client."""

    def open(daemon, era, client="interop", **options):
        return sdk_client(bridge_to(daemon.socket, client), era, **options)

    return open


@pytest.fixture
def connect_raw(bridge_to):
    """`with connect_raw(daemon) as connection`: bare lines."""
    return lambda daemon: RawConnection(bridge_to(daemon.socket))


@pytest.fixture(params=ERAS, ids=str)
def era(request):
    return request.param
