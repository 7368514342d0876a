"""Last of all: as if it had never been there."""

import shutil

from administrator import BEFORE, UNITS, done, files, run


def test_a_purge_leaves_nothing():
    # The drop-ins are this suite's.
    for unit in UNITS:
        shutil.rmtree(f"/etc/systemd/system/{unit}.service.d", ignore_errors=True)
    done("apt-get", "purge", "--yes", "cloister")
    with open(BEFORE) as file:
        before = set(file.read().split("\n"))
    left = {path for path in files() - before if "cloister" in path}
    assert left == set()
    # Nothing else either, but for what the machine made meanwhile for itself.
    own = ("/etc/", "/var/lib/systemd", "/var/lib/polkit-1", "/var/lib/private", "/usr/lib/python3", "/usr/share/perl")
    assert {path for path in files() - before if not path.startswith(own)} == set()
    for name in "cloister", "cloister-cell":
        assert run("getent", "passwd", name).returncode == run("getent", "group", name).returncode == 2
    assert run("systemctl", "cat", "cloisterd.socket").returncode != 0
    assert run("pgrep", "-f", "cloister").returncode == 1
