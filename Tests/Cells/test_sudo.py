"""Commands as root: what a real polkitd says to exactly this command decides, and nothing else."""

import contextlib
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

from cells import BINARIES, NATIVE, Celld, Limits, Refusal
from clients import client
from machine import children, eventually, has_ended, host_pid, read

sys.path.append(os.path.join(os.path.dirname(__file__), "../Interop"))
from polkit import COMMAND_ACTION, NEEDED, Polkit, command_rule  # noqa: E402

missing = [program for program in NEEDED if not os.path.exists(program)]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"there is no {missing[0] if missing else ''}")

STRANGER = 4242
PRIVATE = ["unshare", "--mount", "--propagation", "private"]
YES = command_rule("return polkit.Result.YES;")
ASK = command_rule("return polkit.Result.AUTH_ADMIN;")


@pytest.fixture
def asked(started):
    """`with asked(rules) as (celld, connection, pid, polkit)`: a client of another user, and polkit with these rules."""
    @contextlib.contextmanager
    def start(rules="", uid=STRANGER, polkit_options=None, **options):
        with client(uid) as (connection, pid), Polkit(rule=rules, **(polkit_options or {})) as authority:
            with started(inside=authority.within, **options) as (keeper, _):
                yield keeper, connection, pid, authority

    return start


def refused(keeper, connection, *arguments, **options):
    with pytest.raises(Refusal) as refusal:
        keeper.run_command(connection, *arguments, as_root=True, **options)
    return refusal.value.reason


def test_what_polkit_allows_runs_as_root(asked):
    with asked(YES) as (keeper, connection, _, _):
        end, output, _ = keeper.run_command(connection, "/bin/cat", "/proc/self/status", as_root=True)
        found = dict(line.split(":", 1) for line in output.decode().splitlines())
        assert end.exit == 0
        assert found["Uid"].split() == found["Gid"].split() == ["0"] * 4
        assert found["Groups"].split() == [str(group) for group in os.getgrouplist("root", 0)]
        assert found["NoNewPrivs"].strip() == "0"
        # Root's by being root, and nothing for whomever it becomes.
        ours = dict(line.split(":", 1) for line in read("/proc/self/status").decode().splitlines())
        assert found["CapEff"] == ours["CapEff"] and found["CapBnd"] == ours["CapBnd"]
        assert {found["CapAmb"].strip(), found["CapInh"].strip()} == {"0" * 16}


def test_root_has_an_environment_of_its_own_and_nothing_of_the_calls(asked):
    root = pwd.getpwuid(0)
    with asked(YES) as (keeper, connection, _, _):
        _, output, _ = keeper.run_command(connection, "/usr/bin/env", as_root=True)
        assert dict(line.split("=", 1) for line in output.decode().splitlines()) == {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": root.pw_dir,
            "USER": "root", "LOGNAME": "root", "SHELL": root.pw_shell, "LANG": "C.UTF-8", "TERM": "dumb"}
        script = "pwd; ls /proc/self/fd | wc -l; umask; ulimit -n; cat"
        _, output, _ = keeper.run_command(
            connection, "/bin/sh", "-c", script, as_root=True, stdin=b"in", limits=Limits(open_files=99))
        assert output.decode().split() == [root.pw_dir, "4", "0022", "99", "in"]


def test_polkit_decides_by_the_whole_command(asked):
    """Its rules see what will run, so one may allow a single command without asking anybody."""
    exact = command_rule("""return command_line == "/usr/bin/id -u 'a b'" && program == "/usr/bin/id" && action.lookup("input") == "none"
                    ? polkit.Result.YES : polkit.Result.NO;""")
    with asked(exact) as (keeper, connection, _, _):
        assert keeper.run_command(connection, "/usr/bin/id", "-u", "a b", as_root=True)[0].exit == 1
        for other in (["-u"], ["-u", "a", "b"], ["-u", "a b", ""], ["-u", "'a b'"]):
            assert "polkit does not allow" in refused(keeper, connection, "/usr/bin/id", *other)
        assert "polkit does not allow" in refused(keeper, connection, "/usr/bin/id", "-u", "a b", stdin=b"x")


def test_what_polkit_denies_does_not_run(asked, tmp_path):
    with asked(command_rule("return polkit.Result.NO;")) as (keeper, connection, _, _):
        assert "polkit does not allow" in refused(keeper, connection, "/usr/bin/touch", str(tmp_path / "made"))
        assert not (tmp_path / "made").exists()
        # As one's own user is not polkit's business.
        assert keeper.run_command(connection, "/usr/bin/id", "-u")[1] == f"{STRANGER}\n".encode()


def test_polkit_is_asked_about_the_client_and_nobody_else(asked):
    """celld is root, for whom polkit allows everything: so it is not celld who is asked about."""
    named = command_rule(f'return subject.user == "{pwd.getpwuid(1).pw_name}" ? polkit.Result.YES : polkit.Result.NO;')
    with asked(named, uid=1) as (keeper, connection, _, _):
        assert keeper.run_command(connection, "/usr/bin/id", "-u", as_root=True)[1] == b"0\n"
        with client(2) as (other, _):
            assert "polkit does not allow" in refused(keeper, other, "/usr/bin/id")


def test_without_an_agent_there_is_nobody_to_ask(asked):
    with asked(ASK) as (keeper, connection, _, _):
        assert "no authentication agent" in refused(keeper, connection, "/usr/bin/id")


@pytest.mark.parametrize(
    "options", [{"polkitd": False}, {"polkitd": False, "bus": False}], ids=["no polkitd", "no bus"]
)
def test_without_polkit_nothing_runs_as_root(asked, options):
    with asked(YES, polkit_options=options) as (keeper, connection, _, _):
        assert "polkit could not be asked" in refused(keeper, connection, "/usr/bin/id")
        # Why is in celld's log.
        assert b"cloister-authorize: polkit cannot be asked: " in os.read(keeper.process.stderr.fileno(), 4096)


def test_without_the_program_that_asks_nothing_runs_as_root(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in "cloister-celld", "cloister-cell":
        shutil.copy(os.path.join(BINARIES, name), programs)
    hide = ["sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', str(programs), os.path.abspath(BINARIES)]
    with client(STRANGER) as (connection, _):
        keeper = Celld(best_effort=NATIVE, inside=[*PRIVATE, *hide])
        assert "cloister-authorize: No such file" in refused(keeper, connection, "/usr/bin/id")
        keeper.stop()


def test_what_nobody_could_read_is_not_asked_about(asked):
    with asked(YES) as (keeper, connection, _, _):
        assert "nobody is asked about more than 4096" in refused(keeper, connection, "/bin/echo", "x" * 5000)
        assert keeper.run_command(connection, "/bin/echo", "x" * 4000, as_root=True)[0].exit == 0


def test_a_client_that_is_root_has_no_way(asked):
    """polkit allows root everything, whatever its rules say: who has a socket of root's would be root unasked."""
    with asked(command_rule("return polkit.Result.YES;")) as (keeper, _, _, _), client(0) as (connection, _):
        for as_root in True, False:
            with pytest.raises(Refusal) as refusal:
                keeper.run_command(connection, "/usr/bin/id", "-u", as_root=as_root)
            assert "a client that is root has no commands on the host" in refusal.value.reason


# MARK: Somebody is asked


class Person:
    """At the terminal of an agent."""

    def __init__(self, authority, pid):
        self.terminal, self.agent = authority.terminal_agent(pid)

    def read_until(self, word, within=10):
        text, end = b"", time.monotonic() + within
        while word.encode() not in text:
            assert select.select([self.terminal], [], [], end - time.monotonic())[0], text
            text += self.terminal.read(4096)
        return text.decode()


def begin(keeper, connection, *arguments):
    return keeper.ask_command(connection, *arguments, as_root=True)


def askers(keeper):
    return [pid for pid in children(keeper.process.pid) if b"cloister-authorize\0" in read(f"/proc/{pid}/cmdline")]


# PAM that says yes asks nothing, so the helper's question has to be one that waits.
WAITS = "auth required pam_exec.so quiet /bin/sleep 600\naccount sufficient pam_permit.so\n"


def test_a_person_sees_the_command_and_allows_it(asked):
    with asked(ASK) as (keeper, connection, pid, authority):
        person = Person(authority, pid)
        begin(keeper, connection, "/bin/sh", "-c", "id -u; echo \u202e")
        shown = person.read_until("COMPLETE")
        assert "An AI application wants to run as root: /bin/sh -c $'id -u; echo \\U0000202e'" in shown
        kind, running = keeper.reply()
        assert kind == "built"
        assert running.finish(1)[1].startswith(b"0\n")
        running.close()
        keeper.wait_for("gone")
        # Each time: what was allowed once is asked about again.
        begin(keeper, connection, "/bin/true")
        person.read_until("COMPLETE")
        keeper.wait_for("built").close()


@pytest.fixture
def waiting(asked):
    """Somebody is being asked, and does not answer."""
    @contextlib.contextmanager
    def start(**options):
        with asked(ASK, polkit_options={"pam": WAITS}, **options) as (keeper, connection, pid, authority):
            person = Person(authority, pid)
            number = begin(keeper, connection, "/bin/true")
            person.read_until("AUTHENTICATING")
            assert len(askers(keeper)) == 1
            yield keeper, connection, pid, person, number

    return start


def test_others_are_served_while_a_person_thinks(waiting):
    with waiting() as (keeper, connection, _, _, _):
        cell = keeper.build(client=connection)
        assert cell.shell("id -u")[1] == f"{STRANGER}\n".encode()
        cell.close()
        with client(1001) as (other, _):
            assert keeper.run_command(other, "/usr/bin/id", "-u")[1] == b"1001\n"


def test_a_person_who_turns_away_has_not_allowed_it(waiting):
    with waiting() as (keeper, _, _, person, number):
        person.agent.send_signal(signal.SIGKILL)
        assert "polkit does not allow" in keeper.wait_for("refused").reason
        assert askers(keeper) == []


def test_a_command_that_is_taken_back_is_not_asked_about_any_more(waiting):
    with waiting() as (keeper, _, _, person, number):
        keeper.end(type("Command", (), {"number": number}))
        assert "not wanted any more" in keeper.wait_for("refused").reason
        assert askers(keeper) == []
        # polkit has heard it: the agent's dialog is closed.
        person.read_until("AUTHENTICATION FAILED")


def test_a_person_who_does_not_answer_in_time_has_not_allowed_it(waiting):
    with waiting(options=["--authorization-time", "1"]) as (keeper, _, _, _, _):
        begun = time.monotonic()
        assert "nobody answered in time" in keeper.wait_for("refused").reason
        assert time.monotonic() - begun < 2 and askers(keeper) == []


def test_a_client_that_leaves_is_not_asked_about_any_more(waiting):
    with waiting() as (keeper, _, pid, _, number):
        os.kill(pid, signal.SIGKILL)
        assert "client is gone" in keeper.wait_for("refused").reason
        assert askers(keeper) == []


def test_a_question_ends_with_celld(waiting):
    with waiting() as (keeper, _, _, _, _):
        [asker] = askers(keeper)
        keeper.process.kill()
        assert eventually(lambda: has_ended(asker))
        # Who puts away what a celld that was killed could not.
        other = Celld(best_effort=NATIVE, state=keeper.state)
        other.knock()
        other.stop()


def test_those_who_wait_count(waiting):
    with waiting(options=["--commands-of-user", "1"]) as (keeper, connection, _, _, number):
        with pytest.raises(Refusal) as refusal:
            keeper.run_command(connection, "/bin/true")
        assert "has 1 commands on the host" in refusal.value.reason


# MARK: What the program that asks may say

@contextlib.contextmanager
def stand_in(tmp_path, body):
    """A celld for which another program asks polkit, and the file in which that one writes down its words and which
    process its descriptor 4 is."""
    words, program = tmp_path / "words", tmp_path / "cloister-authorize"
    source = f"""
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        int main(int n, char **w) {{
            FILE *f = fopen("{words}", "w"), *info = fopen("/proc/self/fdinfo/4", "r");
            for (int i = 1; i < n; i++) fprintf(f, "%s%c", w[i], 0);
            char line[99];
            while (info && fgets(line, sizeof line, info)) if (*line == 'P') fputs(line, f);
            fclose(f);
            {body}
        }}"""
    subprocess.run(["gcc", "-x", "c", "-", "-o", program], input=source, text=True, check=True)
    place = os.path.abspath(os.path.join(BINARIES, "cloister-authorize"))
    hide = ["sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', str(program), place]
    with client(STRANGER) as (connection, pid):
        keeper = Celld(best_effort=NATIVE, inside=[*PRIVATE, *hide])
        try:
            yield keeper, connection, pid, words
        finally:
            keeper.stop()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return 41;", "does not allow"), ("return 42;", "no authentication agent"), ("return 43;", "dismissed it"),
        ("return 44;", "client is gone"),
        # What also somebody says who has asked nobody.
        ("return 0;", "could not be asked"), ("return 1;", "could not be asked"), ("return 39;", "could not be asked"),
        ("return 45;", "could not be asked"), ("return 127;", "could not be asked"), ("abort();", "could not be asked"),
        ("raise(40);", "could not be asked"),
    ],
)
def test_whatever_it_says_but_yes_is_a_refusal_that_says_why(tmp_path, body, reason):
    with stand_in(tmp_path, body) as (keeper, connection, _, _):
        assert reason in refused(keeper, connection, "/usr/bin/id")


def test_it_is_told_who_and_what(tmp_path):
    with stand_in(tmp_path, "return 40;") as (keeper, connection, pid, words):
        assert keeper.run_command(connection, "/bin/echo", "a b", as_root=True)[1] == b"a b\n"
        ticks = read(f"/proc/{pid}/stat").decode().rsplit(")", 1)[1].split()[19]
        assert words.read_text().split("\0") == [
            str(pid), ticks, str(STRANGER), COMMAND_ACTION, "program", "/bin/echo", "command_line", "/bin/echo 'a b'",
            "input", "none", f"Pid:\t{pid}\n"]


# MARK: Ends


def test_whatever_root_leaves_running_ends(asked):
    tree = "sleep 4343 & setsid sleep 4343 & (setpriv --reuid 1 sleep 4343 &); echo on"
    with asked(YES) as (keeper, connection, _, _):
        end, output, _ = keeper.run_command(connection, "/bin/sh", "-c", tree, as_root=True)
        assert (end.exit, output) == (0, b"on\n")
        assert eventually(lambda: not sleepers())
        running = keeper.start_command(connection, "/bin/sh", "-c", tree + "; sleep 4343", as_root=True)
        assert running.receive()[2] == b"on\n"
        assert eventually(lambda: len(sleepers()) == 4)
        status = dict(line.split(":", 1) for line in read(f"/proc/{host_pid(running.pidfd)}/status").decode().splitlines())
        assert status["CapEff"].strip() == status["CapBnd"].strip() == "0" * 16 and status["NoNewPrivs"].strip() == "1"
        running.close()
        assert eventually(lambda: not sleepers())


def sleepers():
    return [name for name in filter(str.isdigit, os.listdir("/proc")) if read(f"/proc/{name}/cmdline") == b"sleep\x004343\0"]


def test_without_groups_there_is_no_command_as_root(asked):
    with asked(YES, inject="mkdir cgroup command-1=13,mkdir cgroup command-2=13") as (keeper, connection, _, _):
        with pytest.raises(Refusal) as refusal:
            keeper.run_command(connection, "/usr/bin/id", as_root=True)
        assert refusal.value.wall == "cgroup"


def test_nothing_that_is_said_later_changes_what_root_runs(asked, tmp_path):
    """Whoever has taken cloisterd over has its socket, and knows how to ask a cell for programs."""
    with asked(YES) as (keeper, connection, _, _):
        running = keeper.start_command(connection, "/bin/sleep", "60", as_root=True)
        running.start(["/usr/bin/touch", str(tmp_path / "made")])
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                running.receive()
        assert keeper.wait_for("gone") == running.number
        assert not (tmp_path / "made").exists()
        running.close()
