"""The tap changes nothing and misses nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TAP = Path(__file__).with_name("tap.py")


@pytest.fixture
def tap(tmp_path):
    """Starts a Python program behind the tap; `tap.recording` is the file."""

    def start(program: str) -> subprocess.Popen:
        command = [sys.executable, TAP, start.recording, "--", sys.executable, "-c", program]
        return subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    start.recording = tmp_path / "recording.wire"
    return start


def test_bytes_pass_unchanged_and_every_line_is_recorded(tap):
    sent = b'{"a":1}\r\n\xff\xfe\x00\n\n' + b"x" * 300_000 + b"\nno end"
    copy = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
    output, _ = tap(copy).communicate(sent)
    assert output == sent
    lines = tap.recording.read_bytes().split(b"\n")
    for direction in (b">", b"<"):
        recorded = [line[1:] for line in lines if line.startswith(direction)]
        assert recorded == [b'{"a":1}\r', b"\xff\xfe\x00", b"", b"x" * 300_000, b"no end"]


def test_nothing_waits_in_a_buffer(tap):
    with tap("import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)") as process:
        for word in (b"a\n", b"b\n"):
            process.stdin.write(word)
            assert os.read(process.stdout.fileno(), 100) == word.upper()
        assert tap.recording.read_bytes() == b">a\n<A\n>b\n<B\n"
        process.stdin.close()


def test_the_end_of_input_reaches_the_command_and_its_status_comes_back(tap):
    process = tap("import sys; sys.stdin.read(); sys.exit(7)")
    process.communicate(b"")
    assert process.returncode == 7


def test_the_end_of_output_reaches_the_client_while_the_command_runs_on(tap):
    with tap("import os, sys; os.close(1); sys.stdin.read()") as process:
        assert process.stdout.read() == b""
        assert process.poll() is None
        process.stdin.close()


def test_the_end_of_the_command_reaches_a_client_that_still_holds_the_input_open(tap):
    with tap("print('bye')") as process:
        assert process.stdout.read() == b"bye\n"
        assert process.wait(5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_command_ends_with_the_tap(tap, number):
    with tap("import os, time; print(os.getpid(), flush=True); time.sleep(60)") as process:
        child = int(process.stdout.readline())
        process.send_signal(number)
        process.wait(5)
        deadline = time.monotonic() + 5
        while running(child) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not running(child)


def running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
