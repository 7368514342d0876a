"""Two people on one machine: neither sees anything of the other's."""

import os
import pwd

from services import groups_of_cells, processes, uid

WORKSPACES = "/var/lib/cloister/workspaces"


def test_each_has_a_cell_of_its_own_user(anna, ben):
    for client, name in (anna, "anna"), (ben, "ben"):
        person = pwd.getpwnam(name)
        assert client.run("id -u; id -g; id -G").output.split() == [str(person.pw_uid), *[str(person.pw_gid)] * 2]
    found = {uid(processes(group)[0]) for group in groups_of_cells()}
    assert found == {pwd.getpwnam(name).pw_uid for name in ("anna", "ben")}


def test_neither_sees_the_others_processes(anna, ben):
    anna.call("start_process", argv=["sleep", "4711"])
    assert "sleep 4711" in anna.run("ps -eo args").output
    seen = ben.run("ps -eo args").output
    assert "sleep" not in seen and "cloister" in seen


def test_neither_sees_the_others_files(anna, ben):
    """The same application's workspace, of two people."""
    anna.run("echo annas > private; echo annas > /tmp/private; echo annas > /dev/shm/private")
    assert anna.run("cat private /tmp/private /dev/shm/private").output == "annas\n" * 3
    assert ben.run("ls -A /workspace /tmp /dev/shm").output.count("private") == 0
    ben.run("echo bens > private")
    assert anna.run("cat private").output == "annas\n"
    assert ben.run(f"ls {WORKSPACES} /home/anna /var 2>&1").output.count("No such file") == 3


def test_a_workspace_is_found_again(anna):
    from services import Client

    anna.run("echo kept > kept")
    with Client("anna") as again:
        assert again.run("cat kept").output == "kept\n"
    with Client("anna", "another-application") as another:
        assert another.run("ls kept").fields["exit_code"] != 0


def test_on_the_machine_itself_nobody_reads_anothers_workspace(anna):
    import subprocess

    anna.run("echo annas > private")
    for name in "ben", "anna", "cloister":
        words = ["setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups"]
        tried = subprocess.run([*words, "find", WORKSPACES, "-type", "f"], capture_output=True, text=True)
        assert tried.stdout == "" and "Permission denied" in tried.stderr, tried
    found = [os.path.join(where, file) for where, _, files in os.walk(WORKSPACES) for file in files]
    assert any(f"/{pwd.getpwnam('anna').pw_uid}/" in path for path in found), found
