"""Commands outside of any cell through the real daemon: who gets them, what is on record, and that they end."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from governed import STRANGER, BridgedClient, Client, Governed, rules
from polkit import NEEDED, Polkit, command_rule

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="other users need root")

TOOL = "run_system_command"


def of_user(uid, word):
    """Processes of a user with this word in their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            owner = os.stat(f"/proc/{name}").st_uid
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if owner == uid and word.encode() in file.read().split(b"\0"):
                    found.append(int(name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


@pytest.fixture
def application(governed, executable):
    made = []

    def start(*lines, more="", **options):
        if lines:
            governed.policy(rules(*lines, more=more))
            governed.eventually(lambda: governed.generation() == 2)
        made.append(BridgedClient(governed, executable, **options))
        return made[-1]

    yield start
    for each in made:
        each.close()


IDS = "allow: SYSTEM_COMMAND, argv: [[id, '**'], [cat, '**'], [sh, '**']]"


def test_nobody_has_commands_who_was_not_given_them(governed, application):
    client = application()
    assert TOOL not in client.tools()
    text, is_error = client.call(TOOL, argv=["id"])
    assert is_error
    governed.policy(rules("allow: SYSTEM_COMMAND, argv: [id, '-u']"))
    governed.eventually(lambda: TOOL in client.tools())
    assert client.notifications == ["notifications/tools/list_changed"]
    assert client.call(TOOL, argv=["id", "-u"])[1] is False
    text, is_error = client.call(TOOL, argv=["id", "-g"])
    assert is_error and "SYSTEM_COMMAND /usr/bin/id -g is not permitted" in text
    governed.policy(rules("deny: SYSTEM_COMMAND"))
    governed.eventually(lambda: TOOL not in client.tools())


def test_a_rule_asks_for_it_is_shown_too(governed, application):
    assert TOOL in application("ask: CODE_EXECUTION_SUDO, argv: [id]").tools()


@pytest.mark.parametrize("program", ["id", "/usr/bin/id", "/bin/id"])
@pytest.mark.parametrize("pattern", ["id", "/usr/bin/id", "/bin/id", "i?"])
def test_a_program_is_the_same_by_its_name_and_by_its_path(governed, application, program, pattern):
    client = application(f"allow: SYSTEM_COMMAND, argv: ['{pattern}', '-u']")
    assert client.structured(argv=[program, "-u"])["stdout"] == f"{STRANGER}\n"
    governed.policy(rules("allow: SYSTEM_COMMAND, argv: ['*', '**']", f"deny: SYSTEM_COMMAND, argv: ['{pattern}', '**']"))
    governed.eventually(lambda: governed.generation() == 3)
    assert "is not permitted (denied by the rule at" in client.call(TOOL, argv=[program, "-u"])[0]
    assert client.structured(argv=["true"])["exit_code"] == 0


def test_a_command_runs_as_the_clients_user_outside_of_any_cell(application):
    client = application(IDS, groups=[4, 27])
    ran = client.structured(argv=["id"])
    assert ran["stdout"].startswith(f"uid={STRANGER} gid={STRANGER}") and "27(" in ran["stdout"]
    outside = os.readlink("/proc/self/ns/mnt")
    assert client.structured(argv=["sh", "-c", "readlink /proc/self/ns/mnt"])["stdout"].strip() == outside
    ran = client.structured(argv=["sh", "-c", "pwd; cat; echo $LC_TIME; exit 3"], stdin="in\n",
                            working_directory="/usr/bin", environment={"LC_TIME": "C"})
    assert (ran["stdout"], ran["exit_code"]) == ("/usr/bin\nin\nC\n", 3)
    assert ran["cpu_seconds"] > 0 and ran["peak_memory_bytes"] > 0


def test_a_client_that_is_root_has_no_commands(governed, application):
    governed.policy(rules(IDS, "allow: CODE_EXECUTION_SUDO, argv: [id]"))
    governed.eventually(lambda: governed.generation() == 2)
    for as_root in True, False:
        text, is_error = governed.connect().call(TOOL, argv=["id"], as_root=as_root)
        assert is_error and "a client that is root has no commands on the host" in text
        assert governed.records()[-1]["outcome"] == "refused"


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "BASH_ENV", "PAGER", "HOME"])
def test_variables_that_could_change_what_runs_are_refused(application, name):
    text, is_error = application(IDS).call(TOOL, argv=["id"], environment={name: "x"})
    assert is_error and name in text and "run another" in text


def test_a_person_is_asked_about_the_very_command(governed, application):
    client = application("ask: SYSTEM_COMMAND, argv: [sh, '**'], reason: look first")
    call = client.begin("tools/call", name=TOOL, arguments={"argv": ["sh", "-c", "echo a; id -u"]})
    [question] = governed.eventually(lambda: governed.json("approvals")["approvals"])
    assert question["needs"] == ["SYSTEM_COMMAND /usr/bin/sh -c 'echo a; id -u'"]
    governed.ctl("approve", str(question["number"]))
    text, is_error = client.result(call)
    assert text.startswith(f"a\n{STRANGER}\n") and not is_error
    call = client.begin("tools/call", name=TOOL, arguments={"argv": ["sh", "-c", "echo a; id -g"]})
    [question] = governed.eventually(lambda: governed.json("approvals")["approvals"])
    governed.ctl("deny", str(question["number"]))
    assert client.result(call) == ("A person denied it.", True)


def test_a_command_is_on_record_with_its_program_and_its_end(governed, application):
    client = application(IDS)
    client.call(TOOL, argv=["sh", "-c", "exit 5"], stdin="secret of the user")
    client.call(TOOL, argv=["true"])
    record, denied = governed.records()
    assert {"permission": "SYSTEM_COMMAND", "object": "/usr/bin/sh -c 'exit 5'"} in record["needs"]
    assert (record["verdict"], record["outcome"], record["exit"]) == ("allow", "succeeded", 5)
    assert record["resources"]["cpu_us"] > 0 and record["missing_walls"] == ["cgroup"]
    assert record["client"]["uid"] == STRANGER and "secret of the user" not in json.dumps(record)
    assert (denied["verdict"], denied["outcome"]) == ("deny", "denied")


def test_terms_of_policy_hold_for_commands(application):
    more = "    environment: {COLOUR: green}\n    limits: {wall_clock: 1s, output: 4KiB, open_files: 99}\n"
    client = application(IDS, more=more)
    assert client.structured(argv=["sh", "-c", "echo $COLOUR; ulimit -n"])["stdout"] == "green\n99\n"
    text, is_error = client.call(TOOL, argv=["sh", "-c", "sleep 20"], timeout_seconds=60)
    assert is_error and "timed out after 1 s" in text and "start_process" not in text
    text, _ = client.call(TOOL, argv=["sh", "-c", "yes | head -c 5000"])
    assert text.startswith("y\n" * 2048 + "[cut: the first 4096 of 5000 bytes of stdout; the rest is lost]\n")


def test_output_comes_as_it_is_written(application):
    client = application(IDS)
    begun = time.monotonic()
    call = client.begin(
        "tools/call", name=TOOL, arguments={"argv": ["sh", "-c", "echo first; sleep 1; echo second"]},
        _meta={"progressToken": 7})
    message = json.loads(client.file.readline())
    assert message["params"]["message"] == "first\n" and time.monotonic() - begun < 0.9
    assert client.result(call)[0].startswith("first\nsecond\n")


SLEEP = "setsid sleep 4141 & (sleep 4141 &); sleep 4141"


def cancel(governed, client, call):
    client.say("notifications/cancelled", requestId=call)


def leave(governed, client, call):
    client.kill()


@pytest.mark.parametrize("act", [cancel, leave], ids=lambda act: act.__name__)
def test_a_command_that_nobody_waits_for_ends_at_once(governed, application, act):
    client = application(IDS)
    call = client.begin("tools/call", name=TOOL, arguments={"argv": ["sh", "-c", SLEEP]})
    governed.eventually(lambda: len(of_user(STRANGER, "4141")) == 3)
    act(governed, client, call)
    governed.eventually(lambda: not of_user(STRANGER, "4141"), within=2)


def test_the_death_of_celld_ends_commands_and_is_told(governed, application):
    client = application(IDS)
    call = client.begin("tools/call", name=TOOL, arguments={"argv": ["sh", "-c", SLEEP]})
    governed.eventually(lambda: len(of_user(STRANGER, "4141")) == 3)
    [celld] = subprocess.run(
        ["pgrep", "-P", str(governed.daemon.process.pid), "cloister-celld"], capture_output=True, text=True).stdout.split()
    os.kill(int(celld), signal.SIGKILL)
    governed.eventually(lambda: not of_user(STRANGER, "4141"), within=2)
    text, is_error = client.result(call)
    assert is_error and "ended from outside" in text
    assert client.structured(argv=["id", "-u"])["stdout"] == f"{STRANGER}\n"


def test_the_death_of_cloisterd_ends_commands(executable):
    governed = Governed(executable)
    governed.policy(rules(IDS))
    governed.eventually(lambda: governed.generation() == 2)
    client = BridgedClient(governed, executable)
    client.begin("tools/call", name=TOOL, arguments={"argv": ["sh", "-c", SLEEP]})
    governed.eventually(lambda: len(of_user(STRANGER, "4141")) == 3)
    governed.daemon.process.kill()
    governed.eventually(lambda: not of_user(STRANGER, "4141"), within=2)
    client.close()
    governed.daemon.process.wait()
    governed.daemon.remove()


# MARK: As root


@pytest.fixture
def sudo(executable, tmp_path):
    """`sudo(what polkit says, rules)`: a daemon beside a polkit of its own, and an application of another user."""
    with contextlib.ExitStack() as stack:

        def start(said, *lines):
            for program in NEEDED:
                if not os.path.exists(program):
                    pytest.skip(f"there is no {program}")
            authority = stack.enter_context(Polkit(rule=command_rule(said)))
            governed = Governed(authority.beside(executable, tmp_path, "cloisterd"))
            stack.callback(governed.stop)
            governed.policy(rules(*lines))
            governed.eventually(lambda: governed.generation() == 2)
            client = BridgedClient(governed, executable)
            stack.callback(client.close)
            return governed, client

        yield start


YES, NO = "return polkit.Result.YES;", "return polkit.Result.NO;"
AS_ROOT = {"argv": ["id", "-u"], "as_root": True}


def test_policy_and_polkit_together_give_root(sudo):
    governed, client = sudo(YES, "allow: CODE_EXECUTION_SUDO, argv: [id, '-u']")
    assert client.structured(**AS_ROOT)["stdout"] == "0\n"
    text, is_error = client.call(TOOL, argv=["id", "-g"], as_root=True)
    assert is_error and "CODE_EXECUTION_SUDO /usr/bin/id -g is not permitted" in text
    text, is_error = client.call(TOOL, argv=["id", "-u"])
    assert is_error and "SYSTEM_COMMAND /usr/bin/id -u is not permitted" in text
    first = governed.records()[0]
    assert {"permission": "CODE_EXECUTION_SUDO", "object": "/usr/bin/id -u"} in first["needs"]
    assert (first["outcome"], first["exit"]) == ("succeeded", 0)


def test_polkit_is_asked_whatever_policy_says(sudo):
    governed, client = sudo(NO, "allow: CODE_EXECUTION_SUDO, argv: [id, '**']")
    text, is_error = client.call(TOOL, **AS_ROOT)
    assert is_error and "polkit does not allow this command as root. What helps:" in text
    assert governed.records()[-1]["outcome"] == "refused"


@pytest.mark.parametrize("said", [YES, NO], ids=["yes", "no"])
def test_a_question_through_polkit_is_asked_once_where_it_runs(sudo, said):
    governed, client = sudo(said, "ask: CODE_EXECUTION_SUDO, argv: [id, '**'], via: polkit")
    text, is_error = client.call(TOOL, **AS_ROOT)
    assert (is_error, text.startswith("0\n")) == ((False, True) if said == YES else (True, False))
    assert governed.records()[-1]["outcome"] == ("succeeded" if said == YES else "refused")


def test_policy_is_asked_whatever_polkit_says(sudo):
    governed, client = sudo(YES, "allow: SYSTEM_COMMAND, argv: [id, '**']")
    text, is_error = client.call(TOOL, **AS_ROOT)
    assert is_error and "CODE_EXECUTION_SUDO /usr/bin/id -u is not permitted" in text


def test_a_person_is_asked_and_then_polkit(sudo):
    governed, client = sudo(YES, "ask: CODE_EXECUTION_SUDO, argv: [id, '**']")
    call = client.begin("tools/call", name=TOOL, arguments=AS_ROOT)
    [question] = governed.eventually(lambda: governed.json("approvals")["approvals"])
    assert question["needs"] == ["CODE_EXECUTION_SUDO /usr/bin/id -u"]
    governed.ctl("approve", str(question["number"]))
    assert client.result(call)[0].startswith("0\n")
    assert governed.records()[-1]["consent"]["how"] == "queue"


def test_a_call_that_is_taken_back_ends_polkits_question(sudo):
    """Nothing answers it here: the rule itself takes its time."""
    governed, client = sudo('polkit.spawn(["/bin/sleep", "8"]); ' + YES, "allow: CODE_EXECUTION_SUDO, argv: [id, '**']")
    call = client.begin("tools/call", name=TOOL, arguments=AS_ROOT)
    governed.eventually(lambda: of_user(0, "org.cloister.Cloister1.code-execution-sudo"))
    client.say("notifications/cancelled", requestId=call)
    governed.eventually(lambda: not of_user(0, "org.cloister.Cloister1.code-execution-sudo"), within=2)
    assert client.ask("ping")["result"] == {}
    governed.eventually(lambda: [each["outcome"] for each in governed.records()] == ["cancelled"])


# MARK: Of an ordinary user


class Own:
    """A standalone daemon of an ordinary user."""

    def __init__(self, executable, *lines):
        self.directory = Path(tempfile.mkdtemp(prefix="cloister-own-", dir="/var/tmp"))
        (self.directory / "policy.d").mkdir()
        (self.directory / "policy.d/50.yaml").write_text(rules(*lines))
        for path in (self.directory, self.directory / "policy.d", self.directory / "policy.d/50.yaml"):
            os.chown(path, STRANGER, STRANGER)
        self.process = subprocess.Popen(
            [executable("cloisterd"), "--standalone", self.directory, "--best-effort", "cgroup"],
            user=STRANGER, group=STRANGER, extra_groups=[])
        eventually(lambda: (self.directory / "mcp.sock").exists())

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.directory)


def eventually(check, within=5):
    end = time.monotonic() + within
    while not check():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.02)


@pytest.fixture
def own(executable):
    daemon = Own(executable, IDS, "allow: CODE_EXECUTION_SUDO, argv: [id]")
    yield daemon
    daemon.stop()


def test_an_ordinary_users_daemon_has_commands_of_that_user_alone(own, executable):
    client = BridgedClient(own, executable)
    ran = client.structured(argv=["sh", "-c", "id -u; grep NoNewPrivs /proc/self/status"])
    assert ran["stdout"] == f"{STRANGER}\nNoNewPrivs:\t1\n"
    text, is_error = client.call(TOOL, argv=["id"], as_root=True)
    assert is_error and "cannot run anything as root" in text
    client.close()
    root = BridgedClient(own, executable, uid=0)
    text, is_error = root.call(TOOL, argv=["id"])
    assert is_error and f"runs as user {STRANGER}, and cannot run anything as another" in text
    root.close()


def test_without_groups_a_command_with_many_processes_ends_as_a_whole(own, executable):
    """Who ends them needs a while, and is left it: nobody is stopped and then forgotten."""
    client = BridgedClient(own, executable)
    many = "for i in $(seq 300); do setsid sleep 4141 & done; wait"
    call = client.begin("tools/call", name=TOOL, arguments={"argv": ["sh", "-c", many]})
    eventually(lambda: len(of_user(STRANGER, "4141")) >= 300)
    client.say("notifications/cancelled", requestId=call)
    eventually(lambda: not of_user(STRANGER, "4141"), within=5)
    client.close()


def test_without_groups_what_a_command_started_is_found_by_its_descent(own, executable):
    client = BridgedClient(own, executable)
    assert client.structured(argv=["sh", "-c", "setsid sleep 4141 & (sleep 4141 &) ; echo on"])["stdout"] == "on\n"
    eventually(lambda: not of_user(STRANGER, "4141"), within=2)
    call = client.begin("tools/call", name=TOOL, arguments={"argv": ["sh", "-c", SLEEP]})
    eventually(lambda: len(of_user(STRANGER, "4141")) == 3)
    client.say("notifications/cancelled", requestId=call)
    eventually(lambda: not of_user(STRANGER, "4141"), within=2)
    client.close()
