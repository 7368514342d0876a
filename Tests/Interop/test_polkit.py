"""`via: polkit` with a real bus, a real polkitd, and a real agent that a person's desktop would have."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from governed import Client, Governed, fill, rules
from polkit import NOBODY, Application, Polkit

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of its own, and clients of other users, need root")

WRITE = "org.cloister.Cloister1.file-write-global"
QUESTION = "ask: FILE_WRITE_GLOBAL, paths: ['{tree}/**'], via: polkit, reason: look first"


class Scene:
    """A daemon whose policy asks through polkit, and an application of an ordinary user."""

    def __init__(self, executable, tree, polkit, **environment):
        self.polkit, self.tree = polkit, tree
        address = polkit.address if polkit else f"unix:path={tree}/no-bus"
        self.governed = Governed(executable, environment={"DBUS_SYSTEM_BUS_ADDRESS": address} | environment)
        self.applications = []
        self.policy(QUESTION.format(tree=tree))

    def policy(self, *lines):
        before = self.governed.generation()
        self.governed.policy(rules(f"allow: FILE_READ, paths: ['{self.tree}/**']", *lines))
        self.governed.eventually(lambda: self.governed.generation() > before)

    def connect(self, application=None):
        application = application or Application()
        self.applications.append(application)
        connection = application.connect(self.governed.daemon)
        client = Client(self.governed.daemon, name="asker", connection=connection)
        self.governed.clients.append(client)
        return application, client

    def write(self, client, name="new", content="x"):
        return client.begin("tools/call", name="write_file", arguments={"path": f"{self.tree}/{name}", "content": content})

    def approvals(self):
        return self.governed.json("approvals")["approvals"]

    def consents(self):
        return [
            (each["verdict"], each["consent"]["who"], each["consent"]["how"], each["scope"])
            for each in self.governed.records("consent")
        ]

    def stop(self):
        for application in self.applications:
            application.end()
        self.governed.stop()


@pytest.fixture
def tree():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="cloister-tree-") as path:
        yield fill(Path(path))


@pytest.fixture
def polkit():
    polkit = Polkit()
    yield polkit
    polkit.stop()


@pytest.fixture
def scene(executable, tree, polkit):
    scene = Scene(executable, tree, polkit)
    yield scene
    scene.stop()


SOMEBODY = f"uid {NOBODY}"


def test_polkits_rules_say_yes_and_no(scene, tree):
    _, client = scene.connect()
    scene.polkit.rule(f"if (action.id == '{WRITE}') return polkit.Result.YES;")
    scene.governed.eventually(lambda: client.result(scene.write(client))[1] is False)
    assert (tree / "new").read_text() == "x"
    scene.polkit.rule("return polkit.Result.NO;")
    scene.governed.eventually(lambda: client.result(scene.write(client, "other"))[1] is True)
    text, is_error = client.result(scene.write(client, "third"))
    assert is_error and f"polkit does not authorize {WRITE}" in text and "polkit's rules" in text
    assert not (tree / "third").exists()
    consents = scene.consents()
    assert ("allow", SOMEBODY, "polkit", "once") in consents and consents[-1] == ("deny", SOMEBODY, "polkit", "once")
    call = scene.governed.records()[-1]
    assert (call["verdict"], call["outcome"], call["consent"]) == ("ask", "denied", {"who": SOMEBODY, "how": "polkit"})


def test_rules_of_polkit_see_what_is_asked(scene, tree):
    """And so an administrator can decide by it."""
    _, client = scene.connect()
    scene.polkit.rule(
        f"if (action.id == '{WRITE}' && action.lookup('tool') == 'write_file' && subject.user == 'nobody'"
        f" && action.lookup('wants') == '{tree}/named') return polkit.Result.YES; return polkit.Result.NO;"
    )
    scene.governed.eventually(lambda: client.result(scene.write(client, "named"))[1] is False)
    assert client.result(scene.write(client, "else"))[1] is True


def test_the_person_at_the_agent_sees_the_call_as_it_is_and_approves_it_once(scene, tree):
    application, client = scene.connect()
    agent = scene.polkit.agent(application)
    hostile = "a\u202eb\u001b[2J $(reason)"
    call = scene.write(client, content=hostile)
    dialog = agent.next()
    assert dialog["action"] == WRITE and dialog["icon"] == "document-save-as"
    assert dialog["identities"] == [["unix-user", {"uid": ["u", NOBODY]}]]
    program = os.path.realpath(f"/proc/{os.getpid()}/exe")
    shown = dialog["message"]
    assert shown.startswith(f"An application wants to write {tree}/new, which is not its own. ")
    assert f"It is {program} of uid {NOBODY}, and calls write_file with {{" in shown
    assert r'"content":"a\u202eb\u001b[2J $(reason)"}. The rule at ' in shown
    assert "50-test.yaml:5 wants you to decide: look first" in shown
    assert all(ord(each) >= 32 and each != "\u202e" for each in shown)
    # It has its place among the questions, and is not answered there.
    [question] = scene.approvals()
    assert question["via"] == "polkit" and question["needs"] == [f"FILE_WRITE_GLOBAL {tree}/new"]
    assert "asked      through polkit" in scene.governed.ctl("approvals")
    assert "asked through polkit" in scene.governed.ctl("approve", str(question["number"]), status=1)
    assert not (tree / "new").exists()
    agent.tell("approve")
    assert agent.next()["helper"] == ["SUCCESS"]
    assert client.result(call)[1] is False
    assert (tree / "new").read_text() == hostile
    assert scene.approvals() == [] and scene.governed.json("grants")["grants"] == []
    # The same again is another question.
    again = scene.write(client, content=hostile)
    assert agent.next()["action"] == WRITE
    agent.tell("dismiss")
    text, is_error = client.result(again)
    assert is_error and "dismissed the question" in text
    assert scene.consents() == [("allow", SOMEBODY, "polkit", "once"), ("deny", SOMEBODY, "polkit", "once")]
    outcomes = [(each["outcome"], each["consent"]["how"]) for each in scene.governed.records()]
    assert outcomes == [("succeeded", "polkit"), ("denied", "polkit")]


def test_an_agent_that_only_says_so_has_authenticated_nobody(scene, tree):
    application, client = scene.connect()
    agent = scene.polkit.agent(application)
    call = scene.write(client)
    agent.next()
    agent.tell("lie")
    text, is_error = client.result(call)
    assert is_error and f"polkit does not authorize {WRITE}" in text
    assert not (tree / "new").exists()


def test_the_agent_of_another_process_is_not_asked(scene, tree):
    application, _ = scene.connect()
    agent = scene.polkit.agent(application)
    _, other = scene.connect()
    text, is_error = other.result(scene.write(other))
    assert is_error and "no agent of polkit's" in text and "pkttyagent" in text
    agent.sees_nothing()
    assert scene.consents() == [("deny", "nobody", "polkit", "once")]


@pytest.mark.parametrize("how", ["cancelled", "disconnected", "stopped"])
def test_a_call_that_is_over_closes_the_dialog(scene, tree, how):
    application, client = scene.connect()
    agent = scene.polkit.agent(application)
    call = scene.write(client)
    assert agent.next()["action"] == WRITE
    if how == "cancelled":
        client.say("notifications/cancelled", requestId=call)
    elif how == "disconnected":
        scene.governed.clients.remove(client)
        client.close()
    else:
        scene.governed.daemon.process.send_signal(signal.SIGTERM)
    assert agent.next() == {"cancelled": True}
    if how == "stopped":
        return
    scene.governed.eventually(lambda: not scene.approvals())
    assert not (tree / "new").exists()
    # Nobody has answered.
    assert scene.consents() == []
    assert [each["outcome"] for each in scene.governed.records()] == ["cancelled"]


def test_policy_that_denies_by_the_time_of_the_answer_has_the_last_word(scene, tree):
    application, client = scene.connect()
    agent = scene.polkit.agent(application)
    call = scene.write(client)
    agent.next()
    scene.policy(f"deny: FILE_WRITE_GLOBAL, paths: ['{tree}/**']")
    agent.tell("approve")
    text, is_error = client.result(call)
    assert is_error and "is not permitted" in text
    assert not (tree / "new").exists()


def test_policy_that_wants_another_way_by_then_is_not_content_with_this_one(scene, tree):
    application, client = scene.connect()
    scene.policy(QUESTION.format(tree=tree).replace("polkit", "queue"))
    call = scene.write(client)
    [question] = scene.governed.eventually(scene.approvals)
    scene.policy(QUESTION.format(tree=tree))
    scene.governed.ctl("approve", str(question["number"]))
    text, is_error = client.result(call)
    assert is_error and "Policy has changed" in text
    assert not (tree / "new").exists()


def test_each_need_is_consented_to_in_its_own_way_and_all_have_to_be(scene, tree):
    application, client = scene.connect()
    agent = scene.polkit.agent(application)
    scene.policy("ask: TOOL, tools: write_file, via: queue", QUESTION.format(tree=tree))
    call = scene.write(client)
    [question] = scene.governed.eventually(scene.approvals)
    assert question["via"] == "queue" and question["needs"] == ["TOOL write_file"]
    agent.sees_nothing()
    scene.governed.ctl("approve", str(question["number"]))
    assert f"wants to write {tree}/new," in agent.next()["message"]
    agent.tell("dismiss")
    assert client.result(call)[1] is True
    # Two permissions are two actions of polkit.
    scene.policy("ask: TOOL, tools: write_file, via: polkit", QUESTION.format(tree=tree))
    for last, written in ("dismiss", False), ("approve", True):
        call = scene.write(client, last)
        dialogs = []
        for word in "approve", last:
            dialogs.append(agent.next())
            agent.tell(word)
            if word == "approve":
                assert agent.next()["helper"] == ["SUCCESS"]
        assert [each["action"] for each in dialogs] == ["org.cloister.Cloister1.tool", WRITE]
        for dialog, wanted in zip(dialogs, ["use write_file.", f"write {tree}/{last},"]):
            assert f"An application wants to {wanted}" in dialog["message"]
        assert client.result(call)[1] is not written
        assert (tree / last).exists() is written


def test_what_a_link_leads_to_is_asked_about_as_well(scene, tree):
    application, client = scene.connect()
    agent = scene.polkit.agent(application)
    scene.policy(f"ask: FILE_READ, paths: ['{tree}/*.txt'], via: polkit")
    call = client.begin("tools/call", name="read_file", arguments={"path": f"{tree}/link"})
    assert f"An application wants to read {tree}/secret.txt." in agent.next()["message"]
    agent.tell("dismiss")
    text, is_error = client.result(call)
    assert is_error and "dismissed the question" in text
    call = client.begin("tools/call", name="read_file", arguments={"path": f"{tree}/link"})
    agent.next()
    agent.tell("approve")
    assert client.result(call) == ("secret\n", False)


def test_a_flood_of_questions_is_bounded_and_bounds_the_dialogs(scene, tree):
    application, client = scene.connect()
    agent = scene.polkit.agent(application)
    calls = [scene.write(client, str(number)) for number in range(20)]
    assert "limit" in client.result(calls[-1])[0]
    assert len(scene.approvals()) == 8
    for _ in range(8):
        agent.next()
    agent.sees_nothing()


def test_a_client_of_root_is_one_about_whom_polkit_asks_nobody(scene, tree):
    client = scene.governed.connect()
    text, is_error = client.result(scene.write(client))
    assert is_error and "client of root" in text and "via: queue" in text
    assert not (tree / "new").exists()


def test_a_process_that_has_ended_is_nobody_to_ask_about(scene, tree):
    application, client = scene.connect()
    scene.polkit.rule("return polkit.Result.YES;")
    scene.governed.eventually(lambda: client.result(scene.write(client, "before"))[1] is False)
    application.process.kill()
    application.process.wait()
    text, is_error = client.result(scene.write(client))
    assert is_error and "process that connected has ended" in text


def test_a_process_that_proc_hides_cannot_be_named_and_that_is_said(executable, tree, polkit):
    application = Application()
    scene = Scene(executable, tree, polkit, CLOISTER_INJECT=f"open /proc/{application.pid}/stat=2")
    try:
        _, client = scene.connect(application)
        text, is_error = client.result(scene.write(client))
        assert is_error and "/proc hides that" in text and "ProtectProc=" in text
    finally:
        scene.stop()


def test_polkit_that_goes_away_denies_and_is_found_again(scene, tree):
    application, client = scene.connect()
    agent = scene.polkit.agent(application)
    call = scene.write(client)
    agent.next()
    scene.polkit.end(scene.polkit.daemon)
    text, is_error = client.result(call)
    assert is_error and "polkit went away" in text
    text, is_error = client.result(scene.write(client))
    assert is_error and "there is no polkit" in text and "install polkitd" in text
    assert scene.consents() == [("deny", "nobody", "polkit", "once")] * 2
    scene.polkit.start()
    scene.polkit.rule("return polkit.Result.YES;")
    scene.governed.eventually(lambda: client.result(scene.write(client))[1] is False)


def test_a_bus_that_goes_away_denies_and_is_found_again(scene, tree):
    application, client = scene.connect()
    agent = scene.polkit.agent(application)
    call = scene.write(client)
    agent.next()
    scene.polkit.end(scene.polkit.bus)
    text, is_error = client.result(call)
    assert is_error and "went away meanwhile" in text
    text, is_error = client.result(scene.write(client))
    assert is_error and "the system bus cannot be reached" in text
    assert client.call("read_file", path=f"{tree}/file") == ("content\n", False)
    scene.polkit.end(scene.polkit.daemon)
    scene.polkit.start_bus()
    scene.polkit.start()
    scene.polkit.rule("return polkit.Result.YES;")
    scene.governed.eventually(lambda: client.result(scene.write(client))[1] is False)


def test_without_a_bus_everything_else_works(executable, tree):
    scene = Scene(executable, tree, None)
    try:
        _, client = scene.connect()
        text, is_error = client.result(scene.write(client))
        assert is_error and "No such file or directory" in text and "via: queue" in text
        assert client.call("read_file", path=f"{tree}/file") == ("content\n", False)
        assert scene.consents() == [("deny", "nobody", "polkit", "once")]
    finally:
        scene.stop()


def test_an_address_that_is_none_is_said_at_the_start(executable):
    with pytest.raises(AssertionError, match="ended at once"):
        Governed(executable, environment={"DBUS_SYSTEM_BUS_ADDRESS": "tcp:host=localhost,port=1"})


@pytest.mark.parametrize("owner", ["cloister", str(NOBODY)])
def test_only_the_owner_of_the_actions_may_ask_with_details(executable, owner):
    """A daemon that is not root, as the system's is."""
    polkit = Polkit(owner=owner)
    governed = Governed(executable, environment={"DBUS_SYSTEM_BUS_ADDRESS": polkit.address}, user=NOBODY)
    application = None
    try:
        governed.policy(rules("ask: TOOL, tools: system_info, via: polkit"))
        governed.eventually(lambda: governed.generation() == 2)
        application = Application()
        client = Client(governed.daemon, connection=application.connect(governed.daemon))
        governed.clients.append(client)
        agent = polkit.agent(application)
        call = client.begin("tools/call", name="system_info", arguments={})
        if owner == "cloister":
            text, is_error = client.result(call)
            assert is_error and "make its user the owner in org.cloister.Cloister1.policy" in text
            agent.sees_nothing()
        else:
            assert "An application wants to use system_info." in agent.next()["message"]
            agent.tell("approve")
            assert client.result(call)[1] is False
    finally:
        if application:
            application.end()
        governed.stop()
        polkit.stop()
