"""What people and their applications do with it, and what stands about it in the journal."""

import os
import pwd

from administrator import KNOWS_PEERS, cursor, done, drop_in, journal, run
from services import Client, main_process

HERE = os.path.dirname(os.path.abspath(__file__))
CALLED = "9ed1be54c70342ef8058b80af5ca9088"


def test_the_official_client_works_as_an_ordinary_user_through_the_installed_bridge():
    person = pwd.getpwnam("anna")
    result = run(
        "python3", f"{HERE}/sdk.py", "legacy", "auto", user="anna", group="anna", extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "HOME": person.pw_dir, "PYTHONPATH": os.environ["PYTHONPATH"],
             "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert result.stdout.split("\n")[0].endswith("ok") and result.stdout.count("ok") == 2, (result.stdout, result.stderr)


def test_tools_of_every_kind_work_under_the_units(anna):
    """Each of them would fail if a unit took away what it needs."""
    assert not anna.call("write_file", path="a/b.txt", content="one\ntwo\n", make_parents=True).is_error
    assert "two" in anna.call("read_file", path="a/b.txt").text
    assert "b.txt" in anna.call("list_directory", path="a").text
    assert "b.txt" in anna.call("search_files", path=".", pattern="tw.").text
    info = anna.call("system_info")
    assert not info.is_error and os.uname().release in info.text
    assert anna.run("echo $((6 * 7)); nice -n 5 taskset -c 0 true; exit 3").fields["exit_code"] == 3
    assert anna.run("python3 -c 'print(sum(range(10)))'").output == "45\n"
    loopback = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()); print('there')"
    assert anna.run(f'python3 -c "{loopback}"').output == "there\n"


def test_celld_and_its_cells_call_nothing_that_the_filter_of_its_unit_refuses():
    """That filter is inherited by cells, where a refused call is an error as usual; here it ends whoever makes it."""
    mark = cursor()
    with drop_in("cloister-celld.service", "[Service]\nSystemCallErrorNumber=kill\n"):
        before = main_process("cloister-celld.service")
        for user in "anna", "ben", "anna":
            with Client(user) as client:
                test_tools_of_every_kind_work_under_the_units(client)
        assert main_process("cloister-celld.service") == before != 0
        assert not [text for text in (str(entry["MESSAGE"]) for entry in journal(mark)) if "status=31" in text]


def test_a_cell_has_no_right_of_the_unit(anna):
    status = anna.run("cat /proc/self/status").output
    assert [line.split()[1] for line in status.splitlines() if line.startswith("Cap")] == ["0" * 16] * 5
    assert anna.run("touch /usr/local/x /etc/x 2>&1; ls /run /var /home 2>&1").output.count("cannot") == 5


def test_the_journal_says_who_did_what_in_fields(anna):
    mark = cursor()
    assert anna.run("echo remembered").output == "remembered\n"
    [entry] = journal(mark, MESSAGE_ID=CALLED)
    person = pwd.getpwnam("anna")
    expected = {
        "CLOISTER_TOOL": "run_command", "CLOISTER_VERDICT": "allow", "CLOISTER_OUTCOME": "succeeded",
        "CLOISTER_CLIENT_UID": str(person.pw_uid), "CLOISTER_CLIENT_EXECUTABLE": "/usr/bin/cloister-bridge" if KNOWS_PEERS else None,
        "_SYSTEMD_UNIT": "cloisterd.service", "_UID": str(pwd.getpwnam("cloister").pw_uid), "SYSLOG_IDENTIFIER": "cloisterd",
    }  # fmt: skip
    assert {name: entry.get(name) for name in expected} == expected
    words = ["journalctl", f"MESSAGE_ID={CALLED}", "--lines=1", "--catalog", "--no-pager"]
    assert "An application called run_command" in done(*words)


def test_lines_of_the_log_have_their_severity(ben):
    mark = cursor()
    run("setpriv", "--reuid=ben", "cloister-bridge", input='{"jsonrpc":\n')
    assert {entry["PRIORITY"] for entry in journal(mark)} <= set("34567")


def test_everything_is_on_record_and_signed():
    verified = done("cloisterctl", "audit", "verify")
    print(verified.strip().splitlines()[-1])
    with Client("anna") as anna:
        anna.run("true")
    shown = done("cloisterctl", "audit", "--client", "anna", "--tool", "run_command", "--lines", "1")
    assert "run_command" in shown and "succeeded" in shown
    assert run("cloisterctl", "audit", user="anna", group="anna", extra_groups=[]).returncode == 1
