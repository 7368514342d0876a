"""A restart and a crash of cloisterd, as its clients notice them: not at all, but for what a crash cannot answer."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

from bus import MCP, NAME, ROOT, Caller, error
from governed import BridgedClient, Client
from manager import ServiceManager, processes_of
from polkit import NOBODY, Application, Polkit, command_rule, until


@pytest.fixture
def manager(executable):
    manager = ServiceManager(executable, "--verbose")
    try:
        yield manager
    finally:
        manager.stop()


@pytest.fixture
def connect(manager):
    def connect(**options):
        client = Client(manager, **options)
        manager.clients.append(client)
        return client

    return connect


def test_an_idle_client_goes_on(manager, connect):
    client = connect()
    before = client.tools()
    manager.restart()
    assert client.tools() == before
    manager.crash()
    assert client.tools() == before
    # Nothing was said that nobody asked for.
    assert client.notifications == []


def test_what_runs_in_a_cell_goes_on(manager, connect):
    client = connect()
    client.call("run_command", command="echo mine >/tmp/only-here")
    text, failed = client.call("start_process", argv=["sleep", "1000"])
    assert not failed, text
    for end in (manager.restart, manager.crash):
        end()
        text, failed = client.call("list_processes")
        assert not failed and "sleep" in text and "running" in text, text
        assert client.call("read_file", path="/tmp/only-here")[0] == "mine\n"
    # It is one session from its first moment to its last.
    assert {record["client"]["session"] for record in manager.records()} == {1}
    assert [record["change"] for record in manager.records("session")] == ["opened"]


def test_a_command_that_runs_during_a_restart_is_answered_by_the_next_process(manager, connect):
    client = connect()
    script = "echo before; sleep 0.7; echo after; echo aside >&2; sleep 0.7; echo end; exit 3"
    call = client.begin("tools/call", name="run_command", arguments={"command": script})
    time.sleep(0.4)
    manager.restart()
    time.sleep(0.5)
    manager.restart()
    result = client.answer(call)["result"]["structuredContent"]
    assert result["stdout"] == "before\nafter\nend\n"
    assert result["stderr"] == "aside\n"
    assert result["exit_code"] == 3
    record, = manager.records()
    assert (record["tool"], record["outcome"]) == ("run_command", "succeeded")
    assert record["duration_us"] > 1_300_000


def test_a_call_of_several_steps_goes_on_where_it_was(manager, connect):
    """A long source is a file first, then a program, and the file is deleted at last."""
    client = connect()
    source = "import time\n#" + "x" * 120_000 + "\ntime.sleep(1)\nprint(6 * 7)\n"
    call = client.begin("tools/call", name="run_code", arguments={"language": "python3", "source": source})
    time.sleep(0.5)
    manager.restart()
    text, failed = client.result(call)
    assert not failed and text.startswith("42\n"), text
    assert len(manager.records()) == 1


def connected_as(uid, manager):
    """The kernel takes whoever we are at that moment."""
    connection = socket.socket(socket.AF_UNIX)
    os.setegid(uid)
    os.seteuid(uid)
    try:
        connection.connect(os.fspath(manager.socket))
    finally:
        os.seteuid(0)
        os.setegid(0)
    return connection


@pytest.fixture
def on_the_host(manager):
    (manager.directory / "policy.d" / "50-host.yaml").write_text(
        "clients:\n  - name: host\n    rules:\n      - allow: SYSTEM_COMMAND\n        argv: [[/usr/bin/env, \"**\"]]\n")
    manager.restart()
    script = "echo before; sleep 1.25; echo after; exit 4"
    return {"name": "run_system_command", "arguments": {"argv": ["/usr/bin/env", "sh", "-c", script]}}


def test_a_command_on_the_host_goes_on(manager, connect, on_the_host):
    client = connect(connection=connected_as(4242, manager))
    calls = [client.begin("tools/call", **on_the_host) for _ in range(2)]
    until(lambda: sum(name.startswith("r") for name in manager.names()) == 2, "two commands that are kept", 10)
    time.sleep(0.3)
    manager.restart()
    for call in calls:
        answer = client.answer(call)
        result = answer["result"].get("structuredContent", {})
        assert (result.get("stdout"), result.get("exit_code")) == ("before\nafter\n", 4), answer
    until(lambda: not any(name.startswith("r") for name in manager.names()), "nothing kept of commands", 10)
    assert [(each["outcome"], each["exit"]) for each in manager.records()] == [("succeeded", 4)] * 2


def test_a_command_on_the_host_ends_with_a_crash(manager, connect, on_the_host):
    client = connect(connection=connected_as(4242, manager))
    on_the_host["arguments"]["argv"][-1] = "sleep 4712.25"
    call = client.begin("tools/call", **on_the_host)
    until(lambda: processes_of(b"sleep\x004712.25"), "the command", 10)
    manager.crash()
    assert "ended unexpectedly" in client.answer(call)["error"]["message"]
    until(lambda: not processes_of(b"sleep\x004712.25"), "the end of the command", 10)
    until(lambda: not any(name.startswith("r") for name in manager.names()), "nothing kept of commands", 10)


ASKED = b"org.cloister.Cloister1.code-execution-sudo"


@pytest.fixture
def asked_for_root(executable, tmp_path):
    """A manager, and an application whose call polkit is being asked about: its rule takes two seconds for a yes."""
    with Polkit(rule=command_rule('polkit.spawn(["/bin/sleep", "2"]); return polkit.Result.YES;')) as authority:
        manager = ServiceManager(authority.beside(executable, tmp_path, "cloister-celld"), "--verbose")
        (manager.directory / "policy.d" / "50-host.yaml").write_text(
            "clients:\n  - name: host\n    rules:\n      - allow: CODE_EXECUTION_SUDO\n        argv: [id, \"-u\"]\n")
        manager.restart()
        application = BridgedClient(manager, executable)
        try:
            call = application.begin(
                "tools/call", name="run_system_command", arguments={"argv": ["id", "-u"], "as_root": True})
            until(lambda: processes_of(ASKED), "polkit to be asked", 10)
            yield manager, application, call
        finally:
            application.close()
            manager.stop()


def test_what_polkit_is_asked_about_is_still_asked_and_runs_in_the_next_process(asked_for_root):
    manager, application, call = asked_for_root
    asking = processes_of(ASKED)
    manager.restart()
    manager.restart()
    assert processes_of(ASKED) == asking
    assert application.answer(call)["result"]["structuredContent"]["stdout"] == "0\n"
    assert [(each["outcome"], each["exit"]) for each in manager.records()] == [("succeeded", 0)]
    assert not any(name.startswith("r") for name in manager.names())


@pytest.mark.parametrize("end", ["crash", "cancellation"])
def test_what_polkit_is_asked_about_is_taken_back(asked_for_root, end):
    """By a process that has not asked it."""
    manager, application, call = asked_for_root
    if end == "crash":
        manager.crash()
        assert "ended unexpectedly" in application.answer(call)["error"]["message"]
    else:
        manager.restart()
        application.say("notifications/cancelled", requestId=call)
    until(lambda: not processes_of(ASKED), "the end of the question", 1)
    assert application.ask("ping")["result"] == {}
    until(lambda: [each["outcome"] for each in manager.records()] == ["failed" if end == "crash" else "cancelled"],
          "its record", 5)


def test_what_polkit_is_asked_about_is_taken_back_when_there_is_no_such_tool_any_more(asked_for_root):
    manager, application, call = asked_for_root
    (manager.directory / "policy.d" / "50-host.yaml").unlink()
    manager.restart()
    assert "unknown tool" in application.answer(call)["error"]["message"]
    until(lambda: not processes_of(ASKED), "the end of the question", 1)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_what_polkit_is_asked_about_is_taken_back_when_its_client_left_while_there_was_no_daemon(asked_for_root, end):
    """Its process is there still: that alone does not end the question."""
    manager, application, _ = asked_for_root
    application.close()
    until(lambda: not processes_of(ASKED), "the end of the first question", 5)
    process = Application(4242)
    try:
        client = Client(manager, connection=process.connect(manager))
        client.begin("tools/call", name="run_system_command", arguments={"argv": ["id", "-u"], "as_root": True})
        until(lambda: processes_of(ASKED), "polkit to be asked", 10)
        manager.end(end)
        client.close()
        time.sleep(0.2)
        manager.start()
        until(lambda: not processes_of(ASKED), "the end of the question", 1)
    finally:
        process.end()


def test_a_crash_answers_what_was_under_way_with_an_error_once(manager, connect):
    client = connect()
    client.call("run_command", command="echo $$ >/tmp/marker")
    calls = [
        client.begin("tools/call", name="run_command", arguments={"command": f"sleep 30; echo {number}"})
        for number in range(5)]
    time.sleep(0.4)
    manager.crash()
    for call in calls:
        answer = client.answer(call)
        assert answer["error"]["code"] == -32603 and "ended unexpectedly" in answer["error"]["message"]
    # The cell is the same, and what nobody waits for any more has been ended in it.
    assert not client.call("read_file", path="/tmp/marker")[1]
    until(
        lambda: "sleep" not in client.call("run_command", command="cat /proc/[0-9]*/comm")[0], "the end of what nobody waits for", 10)
    assert client.answers == {}
    lost = [record for record in manager.records() if "unexpectedly" in record.get("reason", "")]
    assert [call["outcome"] for call in lost] == ["failed"] * 5


@pytest.mark.parametrize("end", ["restart", "crash"])
@pytest.mark.parametrize("size", [10, 3 << 20])
def test_half_a_line_is_not_lost(manager, connect, end, size):
    client = connect()
    line = (
        '{"jsonrpc":"2.0","id":"half","method":"tools/call","params":{"name":"write_file","arguments":'
        '{"path":"f","content":"%s"}}}\n' % ("x" * size)).encode()
    middle = len(line) // 2
    client.socket.sendall(line[:middle])
    time.sleep(0.3)
    getattr(manager, end)()
    client.socket.sendall(line[middle:])
    assert not client.result("half")[1]
    info = client.ask("tools/call", name="file_info", arguments={"path": "f"})["result"]
    assert info["structuredContent"]["size_bytes"] == size


@pytest.mark.parametrize("end", ["restart", "crash"])
def test_what_a_client_has_not_read_comes_whole(manager, connect, end):
    client = connect()
    client.call("run_command", command="seq 1 400000 >numbers")
    calls = [
        client.begin("tools/call", name="read_file", arguments={"path": "numbers", "length": 1_000_000})
        for _ in range(4)]
    until(lambda: len(manager.records()) == 5, "five records", 10)
    # From there to the answer.
    time.sleep(1)
    for _ in range(2):
        getattr(manager, end)()
    texts = [client.result(call)[0] for call in calls]
    assert texts[0].startswith("1\n2\n3\n") and len(texts[0]) > 900_000
    assert texts == [texts[0]] * 4
    assert client.answers == {}
    # There is a place in the middle where it stopped, and it still goes on.
    assert not client.call("run_command", command="true")[1]


def test_a_person_is_asked_again(manager, connect):
    (manager.directory / "policy.d" / "50-ask.yaml").write_text(
        "clients:\n  - name: asked\n    rules:\n      - ask: CODE_EXECUTION\n        via: client\n")
    manager.restart()
    client = connect(capabilities={"elicitation": {}})
    call = client.begin("tools/call", name="run_command", arguments={"command": "echo allowed"})
    first = client.asked()
    manager.restart()
    second = client.asked()
    assert client.withdrawn == [first["id"]] and second["id"] != first["id"]
    assert second["params"] == first["params"]
    choice = second["params"]["requestedSchema"]["properties"]["answer"]["enum"][0]
    client.reply(second, action="accept", content={"answer": choice})
    assert client.result(call)[0].startswith("allowed\n")


def test_what_was_allowed_for_the_session_stays_allowed(manager, connect):
    (manager.directory / "policy.d" / "50-ask.yaml").write_text(
        "clients:\n  - name: asked\n    rules:\n      - ask: CODE_EXECUTION\n        via: client\n")
    manager.restart()
    client = connect(capabilities={"elicitation": {}})
    words = {"name": "run_command", "arguments": {"command": "echo allowed"}}
    call = client.begin("tools/call", **words)
    question = client.asked()
    [choice] = [each for each in question["params"]["requestedSchema"]["properties"]["answer"]["enum"] if "session" in each]
    client.reply(question, action="accept", content={"answer": choice})
    assert client.result(call)[0].startswith("allowed\n")
    for _ in range(2):
        manager.restart()
        assert client.result(client.begin("tools/call", **words))[0].startswith("allowed\n")
    assert client.requests == []
    # Of a crash nobody knows what was answered: it is asked again.
    manager.crash()
    client.begin("tools/call", **words)
    assert client.asked()["method"] == "elicitation/create"


def test_a_batch_is_answered_whole(manager, connect):
    client = Client(manager, initialize=False)
    manager.clients.append(client)
    client.ask(
        "initialize", protocolVersion="2025-03-26", capabilities={}, clientInfo={"name": "batch", "version": "1"})
    client.say("notifications/initialized")

    def call(identifier, command):
        return ('{"jsonrpc":"2.0","id":"%s","method":"tools/call","params":{"name":"run_command","arguments":'
                '{"command":"%s"}}}' % (identifier, command))

    client.file.write("[%s,%s,%s]\n" % (
        call("a", "echo first"), call("b", "sleep 1; echo second"), '{"jsonrpc":"2.0","id":"c","method":"ping"}'))
    client.file.flush()
    time.sleep(0.5)
    manager.restart()
    answers = {answer["id"]: answer for answer in json.loads(client.file.readline())}
    assert set(answers) == {"a", "b", "c"}
    assert answers["a"]["result"]["content"][0]["text"].startswith("first\n")
    assert answers["b"]["result"]["content"][0]["text"].startswith("second\n")
    for end in (manager.crash, manager.restart):
        end()
        client.file.write('[{"jsonrpc":"2.0","id":"d","method":"ping"}]\n')
        client.file.flush()
        assert json.loads(client.file.readline()) == [{"jsonrpc": "2.0", "id": "d", "result": {}}]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_client_that_leaves_is_gone_with_all_it_had(manager, connect, when):
    client = connect()
    client.call("start_process", argv=["sleep", "4711.25"])
    until(lambda: any(name.startswith("c") and name != "celld" for name in manager.names()), "a cell that is kept", 10)
    if when == "before":
        client.close()
        until(lambda: manager.names() == ["celld"], "celld alone to be kept", 10)
        manager.restart()
    else:
        os.kill(manager.daemon, signal.SIGKILL)
        manager.reap("daemon")
        client.close()
        manager.start()
    manager.clients.remove(client)
    until(lambda: not processes_of(b"sleep\x004711.25"), "the end of the process", 10)
    until(lambda: manager.names() == ["celld"], "celld alone to be kept", 10)
    assert [record["change"] for record in manager.records("session")] == ["opened", "closed"]


def test_a_connection_that_we_close_is_closed_although_the_manager_has_it_too(manager, connect):
    client = connect()
    client.socket.shutdown(socket.SHUT_WR)
    assert client.file.readline() == ""
    until(lambda: "s0" not in manager.names(), "nothing kept of the session", 10)


MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "modern", "version": "1"},
}


def test_a_bridges_claim_and_a_log_level_and_a_subscription_travel(manager, connect):
    client = Client(manager, initialize=False)
    manager.clients.append(client)
    client.say("notifications/cloister/client", name="My Editor")
    listening = client.begin("subscriptions/listen", _meta=MODERN, notifications={"toolsListChanged": True})
    assert "acknowledged" in client.file.readline()
    manager.restart()
    manager.crash()
    # A second request under that id is refused: it is open still.
    client.last = listening - 1
    client.begin("subscriptions/listen", _meta=MODERN, notifications={})
    assert "in flight already" in client.answer(None)["error"]["message"]
    result = client.ask("tools/call", _meta=MODERN, name="run_command", arguments={"command": "pwd"})["result"]
    assert not result.get("isError")
    assert {record["claims"]["bridge"] for record in manager.records()} == {"My Editor"}
    (manager.directory / "policy.d" / "60-less.yaml").write_text(
        "clients:\n  - name: less\n    rules:\n      - deny: TOOL\n        tools: [run_code]\n")
    until(lambda: "list_changed" in client.file.readline(), "the news of the tools", 10)


def test_a_client_that_listens_and_just_goes_takes_nobody_along(manager, connect):
    """The time that it would have had to close was still counted, of a session that was not there any more."""
    client = Client(manager, initialize=False)
    client.begin("subscriptions/listen", _meta=MODERN, notifications={"toolsListChanged": True})
    assert "acknowledged" in client.file.readline()
    client.close()
    other = connect()
    time.sleep(6)
    assert os.waitpid(manager.daemon, os.WNOHANG) == (0, 0)
    assert other.ask("ping")["result"] == {}


def test_what_changes_with_a_restart_is_not_said_in_the_middle_of_an_answer(manager, connect):
    (manager.directory / "policy.d" / "60-less.yaml").write_text(
        "clients:\n  - name: less\n    claims: {bridge: My Editor}\n    rules:\n      - deny: TOOL\n        tools: [run_code]\n")
    manager.restart()
    client = Client(manager, initialize=False)
    manager.clients.append(client)
    client.say("notifications/cloister/client", name="My Editor")
    client.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "a", "version": "1"})
    client.say("notifications/initialized")
    client.call("run_command", command="seq 1 400000 >numbers")
    client.notifications.clear()
    calls = [
        client.begin("tools/call", name="read_file", arguments={"path": "numbers", "length": 1_000_000})
        for _ in range(4)]
    until(lambda: len(manager.records()) == 5, "five records", 10)
    time.sleep(1)
    manager.restart()
    texts = [client.result(call)[0] for call in calls]
    assert len(texts[0]) > 900_000 and texts == [texts[0]] * 4
    assert client.notifications == [], "nothing has changed"
    assert "run_code" not in [tool["name"] for tool in client.ask("tools/list")["result"]["tools"]]


class Steady:
    """A client that calls and calls, and notices whatever is not one answer to each."""

    def __init__(self, connect, patience=60):
        self.client = connect()
        self.client.socket.settimeout(patience)
        self.results, self.errors, self.pauses = 0, [], []
        self.is_over = False
        self.thread = threading.Thread(target=self.go_on, daemon=True)
        self.thread.start()

    def go_on(self):
        while not self.is_over:
            began = time.monotonic()
            calls = [
                self.client.begin("tools/call", name="run_command", arguments={"command": f"echo {place}"})
                for place in range(3)]
            for place, call in enumerate(calls):
                answer = self.client.answer(call)
                if "error" in answer:
                    self.errors.append(answer["error"]["message"])
                else:
                    assert answer["result"]["content"][0]["text"].startswith(f"{place}\n"), answer
                    self.results += 1
            self.pauses.append(time.monotonic() - began)

    def end(self):
        self.is_over = True
        self.thread.join(60)
        assert not self.thread.is_alive(), "a call was not answered"
        assert self.client.answers == {}, "a call was answered more than once"


def test_clients_that_never_rest_notice_no_restart(manager, connect):
    clients = [Steady(connect) for _ in range(8)]
    for _ in range(8):
        time.sleep(0.3)
        manager.restart()
    for client in clients:
        client.end()
        assert client.errors == [] and client.results > 20


def test_clients_that_never_rest_get_one_answer_to_each_call_whenever_it_crashes(manager, connect):
    clients = [Steady(connect) for _ in range(8)]
    for _ in range(8):
        time.sleep(0.3)
        manager.crash()
    for client in clients:
        client.end()
        assert client.results > 20 and len(client.errors) < 8 * 3 + 1
        assert all("ended unexpectedly" in error for error in client.errors), client.errors
    assert sum(len(client.errors) for client in clients) > 0


def journal_of(manager, name):
    return next(fd for kept, fd in manager.kept if kept == name and "memfd" in os.readlink(f"/proc/self/fd/{fd}"))


def append(journal, record):
    end = os.fstat(journal).st_size
    os.pwrite(journal, len(record).to_bytes(4, "little") + record, end)


def test_a_line_that_nobody_came_to_is_handled_by_the_next_process(manager, connect):
    client = connect()
    manager.end(signal.SIGKILL)
    line = b'{"jsonrpc":"2.0","id":"read","method":"ping"}\n'
    # As if it had been killed with the bytes just read.
    os.pwrite(journal_of(manager, "s0"), line, 4096)
    manager.start()
    assert client.answer("read")["result"] == {}
    manager.crash()
    assert client.ask("ping")["result"] == {} and client.answers == {}


def test_what_has_crashed_two_daemons_does_not_crash_the_third(manager, connect):
    guilty, other = connect(), connect()
    manager.end(signal.SIGKILL)
    append(journal_of(manager, "s0"), b"\x13\x01")
    manager.start()
    assert guilty.file.readline() == ""
    assert other.ask("ping")["result"] == {}


def test_what_was_kept_of_nobody_or_is_damaged_is_put_away(manager, connect):
    """Damage in what we wrote ourselves ends that session, and no other."""
    clients = [connect() for _ in range(3)]
    for client in clients:
        client.call("run_command", command="true")
    assert manager.end(signal.SIGTERM) == 0
    for name, fd in manager.kept:
        if name == "s1" and "memfd" in os.readlink(f"/proc/self/fd/{fd}"):
            os.pwrite(fd, b"\xff" * 64, int.from_bytes(os.pread(fd, 8, 0), "little"))
    ours, theirs = socket.socketpair()
    manager.kept.append(("c77", theirs.detach()))
    manager.kept.append(("s78", os.open("/dev/null", os.O_RDWR)))
    manager.start()
    assert clients[1].file.readline() == ""
    for client in (clients[0], clients[2]):
        assert not client.call("run_command", command="true")[1]
    until(lambda: manager.names() == ["c0", "c2", "celld", "s0", "s2"], "what is kept of the two others", 10)
    assert ours.recv(1) == b""


BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=%s</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="false"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


@pytest.fixture
def on_the_bus(executable, tmp_path):
    """A manager whose daemon is on a bus of its own, and the bus's address."""
    place = tempfile.mkdtemp(prefix="cloister-bus-")
    os.chmod(place, 0o755)
    (tmp_path / "bus.conf").write_text(BUS % f"{place}/bus")
    bus = subprocess.Popen(["dbus-daemon", f"--config-file={tmp_path}/bus.conf", "--nofork", "--nopidfile"])
    address = f"unix:path={place}/bus"
    manager = None
    try:
        until(lambda: os.path.exists(f"{place}/bus"), "the bus", 10)
        time.sleep(0.2)
        manager = ServiceManager(
            executable, "--bus", "yes", environment={"DBUS_SYSTEM_BUS_ADDRESS": address})
        ask = ["busctl", f"--address={address}", "status", NAME]
        until(lambda: subprocess.run(ask, capture_output=True).returncode == 0, "its name", 10)
        yield manager, address
    finally:
        if manager:
            manager.stop()
        bus.kill()
        bus.wait()
        shutil.rmtree(place, ignore_errors=True)


def talk(caller, descriptor, identifier, method, **params):
    line = json.dumps({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}) + "\n"
    return json.loads(caller.do(do="talk", descriptor=descriptor, lines=1, text=line)["lines"][0])


@pytest.mark.parametrize("end", ["restart", "crash"])
def test_a_session_that_was_opened_over_the_bus_goes_on_until_its_caller_leaves(on_the_bus, end):
    manager, address = on_the_bus
    caller = Caller(address, NOBODY)
    [descriptor] = caller.call(ROOT, MCP, "OpenSession", "a{sv}", {})
    client = {"name": "bus", "version": "1"}
    talk(caller, descriptor, 1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)

    def run(identifier, command):
        answer = talk(caller, descriptor, identifier, "tools/call", name="run_command", arguments={"command": command})
        return answer["result"]["content"][0]["text"]

    assert run(2, "echo mine >/tmp/only-here; id -u").startswith(f"{NOBODY}\n")
    for identifier in (3, 4):
        getattr(manager, end)()
        assert run(identifier, "cat /tmp/only-here").startswith("mine\n")
    # A command on the host has to know who that is: by celld's voucher.
    assert {name[0] for name in manager.names() if name != "celld"} == {"s", "c", "v"}
    os.kill(manager.daemon, signal.SIGKILL)
    manager.reap("daemon")
    caller.leave()
    manager.start()
    until(lambda: manager.names() == ["celld"], "celld alone to be kept", 10)
    assert [record["change"] for record in manager.records("session")] == ["opened", "closed"]


def test_a_call_on_the_bus_ends_with_the_process_and_is_on_record(on_the_bus):
    """The bus answers its callers itself: they cannot be handed over."""
    manager, address = on_the_bus
    caller = Caller(address, NOBODY)
    arguments = json.dumps({"command": "sleep 4713.5"})
    caller.begin(ROOT, MCP, "CallTool", "ssa{sv}", "run_command", arguments, {})
    until(lambda: processes_of(b"4713.5"), "the command", 10)
    manager.restart()
    assert error(caller.told)[0] == "org.cloister.Cloister1.Error.SessionEnded"
    until(lambda: not processes_of(b"4713.5"), "the end of the command", 10)
    assert [each["outcome"] for each in manager.records()] == ["cancelled"]
    assert [record["change"] for record in manager.records("session")] == ["opened", "closed"]
    caller.leave()


def test_a_caller_that_leaves_while_the_daemon_stops_does_not_hold_it(on_the_bus):
    manager, address = on_the_bus
    caller = Caller(address, NOBODY)
    caller.call(ROOT, MCP, "CallTool", "ssa{sv}", "system_info", "{}", {})
    os.kill(manager.daemon, signal.SIGSTOP)
    caller.leave()
    time.sleep(0.2)
    os.kill(manager.daemon, signal.SIGTERM)
    os.kill(manager.daemon, signal.SIGCONT)
    assert manager.reap("daemon", within=3) == 0
    manager.start()
    assert [record["change"] for record in manager.records("session")] == ["opened", "closed"]


def test_a_call_on_the_bus_is_on_record_after_a_crash(on_the_bus):
    manager, address = on_the_bus
    caller = Caller(address, NOBODY)
    caller.call(ROOT, MCP, "CallTool", "ssa{sv}", "system_info", "{}", {})
    arguments = json.dumps({"command": "sleep 4714.5"})
    caller.begin(ROOT, MCP, "CallTool", "ssa{sv}", "run_command", arguments, {})
    until(lambda: processes_of(b"4714.5"), "the command", 10)
    assert {name[0] for name in manager.names() if name != "celld"} == {"s"}
    manager.crash()
    assert error(caller.told)[0] == "NoReply"
    until(lambda: not processes_of(b"4714.5"), "the end of the command", 10)
    until(lambda: manager.names() == ["celld"], "celld alone to be kept", 10)
    done, lost = manager.records()
    assert (done["tool"], done["outcome"]) == ("system_info", "succeeded")
    assert (lost["tool"], lost["outcome"]) == ("run_command", "failed")
    assert "ended unexpectedly" in lost["reason"] and lost["client"] == done["client"], lost
    assert [record["change"] for record in manager.records("session")] == ["opened", "closed"]
    assert caller.call(ROOT, MCP, "CallTool", "ssa{sv}", "system_info", "{}", {})
    caller.leave()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_call_is_on_record_when_its_client_left_while_there_was_no_daemon(manager, connect, end):
    client = connect()
    client.begin("tools/call", name="run_command", arguments={"command": "sleep 4715.5"})
    until(lambda: processes_of(b"4715.5"), "the command", 10)
    manager.end(end)
    client.close()
    time.sleep(0.2)
    manager.start()
    until(lambda: not processes_of(b"4715.5"), "the end of the command", 10)
    until(lambda: len(manager.records()) == 1, "the record", 10)
    [record] = manager.records()
    assert record["tool"] == "run_command" and record["outcome"] == ("cancelled" if end == signal.SIGTERM else "failed")
    assert [each["change"] for each in manager.records("session")] == ["opened", "closed"]
