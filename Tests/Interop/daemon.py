"""A daemon of our own for one test: started, reachable, and stopped properly at the end."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path


class Daemon:
    def __init__(
        self, executable: Path, *options: str, environment: dict[str, str] | None = None, user: int | None = None
    ):
        # Not pytest's tmp_path: a Unix socket's path must stay below 108 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="cloister-"))
        self.socket = self.directory / "mcp.sock"
        if user is not None:
            os.chown(self.directory, user, -1)
        self.process = subprocess.Popen(
            [executable, "--standalone", self.directory, *options], stdin=subprocess.DEVNULL,
            env=os.environ | (environment or {}), user=user, extra_groups=None if user is None else [],
        )  # fmt: skip
        try:
            self.wait_until_reachable()
        except BaseException:
            self.process.kill()
            self.process.wait()
            self.remove()
            raise

    def wait_until_reachable(self, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended at once, status {self.process.returncode}")
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(os.fspath(self.socket))
                    return
                except OSError:
                    time.sleep(0.01)
        raise AssertionError(f"the daemon did not listen on {self.socket} within {seconds} s")

    def ask_to_stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def assert_stopped(self, seconds: float = 10) -> None:
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the daemon did not end within {seconds} s of SIGTERM") from None
        finally:
            self.remove()
        assert status == 0, f"the daemon ended with status {status}"

    def stop(self) -> None:
        self.ask_to_stop()
        self.assert_stopped()

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
