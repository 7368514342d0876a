"""What celld says of the process that connected, by which policy knows an application."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from cells import Refusal
from clients import client
from machine import eventually, has_ended

PYTHON = os.path.realpath(sys.executable)
# Connects, and stays.
CONNECT = "import signal, socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); signal.pause()"


@contextlib.contextmanager
def connected(command):
    """Our end of a connection that this command makes: `NAME` in it is the socket's."""
    name = f"\0facts.{os.getpid()}.{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        listener.settimeout(10)
        # A word of a command cannot begin with NUL.
        command = [word.replace("NAME", name[1:]) for word in command]
        process = subprocess.Popen(command, start_new_session=True)
        try:
            with listener.accept()[0] as connection:
                yield connection, process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def python(*arguments):
    return [*arguments, "-c", CONNECT.replace("sys.argv[1]", "'\\0' + sys.argv[1]"), "NAME"]


def test_a_client_is_its_program_and_its_parents(celld):
    with connected(python(PYTHON)) as (connection, process):
        facts = celld.identify(connection)
        assert facts["executable"] == PYTHON
        assert facts["parent"] == os.path.realpath(f"/proc/{os.getpid()}/exe")
        with open(f"/proc/{process.pid}/cgroup") as lines:
            assert facts["group"] == next(line[3:].strip() for line in lines if line.startswith("0::"))


def test_a_bridges_parent_is_the_application(celld):
    """As a desktop application starts the bridge: a process between, which is what policy can name."""
    shell = os.path.realpath("/bin/sh")
    with connected(["sh", "-c", '"$@"; exit', "sh", *python(PYTHON)]) as (connection, _):
        facts = celld.identify(connection)
        assert (facts["executable"], facts["parent"]) == (PYTHON, shell)


def test_another_users_program_is_seen_as_well(celld):
    with client(1000) as (connection, _):
        facts = celld.identify(connection)
        assert facts["executable"] == os.path.realpath(f"/proc/{os.getpid()}/exe")


@pytest.mark.parametrize("mounted", [True, False])
def test_a_name_in_mounts_of_its_own_is_not_the_hosts(celld, mounted):
    """Anybody may mount a program of theirs over /usr/bin/env for themselves; that does not make them env."""
    env = os.path.realpath("/usr/bin/env")
    mount = f"mount --bind {PYTHON} {env} &&" if mounted else ""
    program = env if mounted else PYTHON
    # Where it looks for its library goes by its name, too.
    script = f'export PYTHONHOME={sys.base_prefix}; {mount} exec {program} -c "$0" "$1"'
    command = ["unshare", "-m", "sh", "-c", script, *python()[1:]]
    with connected(command) as (connection, process):
        assert os.readlink(f"/proc/{process.pid}/exe") == program
        assert celld.identify(connection)["executable"] == (None if mounted else PYTHON)


def test_a_program_that_was_replaced_is_not_what_has_its_name_now(celld, tmp_path):
    tmp_path.chmod(0o755)
    program = tmp_path / "application"
    shutil.copy("/usr/bin/python3", program, follow_symlinks=True)
    with connected(python(str(program))) as (connection, _):
        assert celld.identify(connection)["executable"] == str(program)
        program.unlink()
        assert celld.identify(connection)["executable"] is None
        shutil.copy("/usr/bin/true", program)
        assert celld.identify(connection)["executable"] is None


def test_a_parent_that_is_gone_is_not_known(celld):
    command = ["sh", "-c", '"$@" & exit', "sh", *python(PYTHON)]
    with connected(command) as (connection, process):
        assert eventually(lambda: has_ended(process.pid))
        parent = celld.identify(connection)["parent"]
        assert parent is None or parent != os.path.realpath("/bin/sh")


def test_a_client_that_is_gone_is_nobody(celld):
    with connected(python(PYTHON)) as (connection, process):
        process.kill()
        process.wait()
        with pytest.raises(Refusal) as refusal:
            celld.identify(connection)
        assert "gone" in refusal.value.reason
