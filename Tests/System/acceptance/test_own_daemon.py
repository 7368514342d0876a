"""A machine where nobody is root: a daemon of one's own by `systemctl --user`."""

import os
import pwd

import pytest

from administrator import done, is_active, run, wait_until
from services import Client, systemctl


def own(*words):
    person = pwd.getpwnam("anna")
    runtime = f"/run/user/{person.pw_uid}"
    return run(
        *words, user="anna", group="anna", extra_groups=[], cwd="/",
        env={"PATH": "/usr/bin:/bin", "HOME": person.pw_dir, "XDG_RUNTIME_DIR": runtime,
             "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def manager():
    """Of anna, on a machine whose own daemon is off."""
    systemctl("stop", "cloisterd.socket", "cloisterd.service")
    done("loginctl", "enable-linger", "anna")
    wait_until(lambda: own("systemctl", "--user", "is-system-running").stdout.strip() in ("running", "degraded"))
    os.environ["XDG_RUNTIME_DIR"] = f"/run/user/{pwd.getpwnam('anna').pw_uid}"
    yield
    del os.environ["XDG_RUNTIME_DIR"]
    own("systemctl", "--user", "disable", "--now", "cloisterd.socket", "cloisterd.service")
    done("loginctl", "disable-linger", "anna")
    wait_until(lambda: is_active(f"user@{pwd.getpwnam('anna').pw_uid}.service") != "active")
    systemctl("start", "cloisterd.socket")


def test_a_user_switches_it_on_and_uses_it(manager):
    enabled = own("systemctl", "--user", "enable", "--now", "cloisterd.socket")
    assert enabled.returncode == 0, enabled.stderr
    with Client("anna") as anna:
        assert anna.run("id -un; id -u").output == f"cell\n{pwd.getpwnam('anna').pw_uid}\n"
    assert own("systemctl", "--user", "is-active", "cloisterd.service").stdout == "active\n"
    assert own("cloisterctl", "--root", f"{pwd.getpwnam('anna').pw_dir}/.cloister", "status").returncode == 0


def test_it_is_nobody_elses(manager):
    refused = run("setpriv", "--reuid=ben", "--regid=ben", "--clear-groups", "cloister-bridge",
                  input='{"jsonrpc":"2.0","id":1,"method":"ping"}\n')  # fmt: skip
    assert refused.returncode == 1 and '"error"' in refused.stdout


def test_a_machines_own_daemon_comes_first(manager):
    systemctl("start", "cloisterd.socket")
    try:
        with Client("anna") as anna:
            anna.ping()
        assert is_active("cloisterd.service") == "active"
    finally:
        systemctl("stop", "cloisterd.socket", "cloisterd.service")
