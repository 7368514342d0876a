"""org.cloister.Cloister1 on a real bus, with a real polkit: driven by busctl (sd-bus) and by libdbus-1."""

import json
import os
import subprocess
import sys

import pytest

from bus import APPROVAL, CELL, CLIENT, MANAGER, MCP, MODULE, NAME, NOBODY, PROPERTIES, ROOT, BusScene, error, until
from governed import Client, Governed, rules
from libdbus import DBusError
from polkit import Application

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of its own, and clients of other users, need root")

OTHER = 1  # daemon


class Asking:
    """An application of an ordinary user, with a question that waits."""

    def __init__(self, scene, uid=NOBODY):
        self.scene = scene
        governed = scene.governed
        governed.policy(rules("ask: TOOL, tools: system_info, via: queue", "allow: TOOL, tools: '*'"))
        governed.eventually(lambda: governed.generation() == 2)
        self.application = Application(uid)
        self.client = Client(governed.daemon, connection=self.application.connect(governed.daemon))
        governed.clients.append(self.client)
        self.ask()

    def ask(self):
        before = {each["number"] for each in self.waiting()}
        self.call = self.client.begin("tools/call", name="system_info", arguments={})
        [question] = self.scene.governed.eventually(
            lambda: [each for each in self.waiting() if each["number"] not in before]
        )
        self.number, self.digest = question["number"], question["digest"]
        self.path = f"{ROOT}/approval/{self.number}"
        self.client_path = f"{ROOT}/client/{question['session']}"

    def waiting(self):
        return self.scene.governed.json("approvals")["approvals"]

    def end(self):
        self.application.end()


@pytest.fixture
def asking(scene):
    asking = Asking(scene)
    yield asking
    asking.end()


# What is there, and who sees it


def test_busctl_finds_all_that_is_there(scene, asking):
    paths = scene.busctl("tree", "--list", NAME).split()
    assert {ROOT, asking.client_path, asking.path} <= set(paths)
    said = json.loads(json.loads(scene.busctl("--json=short", "call", NAME, ROOT, MANAGER, "Describe"))["data"][0])
    assert said["approvals"] == 1 and said["policy"]["generation"] == 2
    assert scene.busctl("get-property", NAME, ROOT, MANAGER, "Approvals") == "u 1\n"
    assert scene.busctl("get-property", NAME, asking.path, APPROVAL, "Tool") == 's "system_info"\n'


def test_a_user_sees_what_is_their_own_and_nothing_else(scene, asking):
    mine, theirs, root = scene.caller(NOBODY), scene.caller(OTHER), scene.caller()
    for caller in mine, root:
        objects = caller.objects()
        assert objects[asking.client_path][CLIENT]["UID"] == NOBODY
        assert objects[asking.path][APPROVAL]["Digest"] == asking.digest
        assert caller.get(asking.path, APPROVAL, "Tool") == "system_info"
        assert [each["uid"] for each in caller.json("DescribeClients", "b", False)["clients"]] == (
            [NOBODY] if caller is mine else []
        )
    assert theirs.objects() == {}
    assert asking.client_path not in scene.busctl("tree", "--list", NAME, user=OTHER)
    for path, interface in (asking.path, APPROVAL), (asking.client_path, CLIENT):
        for words in ("Get", "ss", interface, "UID"), ("GetAll", "s", interface):
            assert error(theirs.call, path, PROPERTIES, *words)[0] == "InteractiveAuthorizationRequired"
    assert error(theirs.json, "DescribeApprovals", "b", True)[0] == "InteractiveAuthorizationRequired"
    records = scene.refusals()
    assert len(records) == 5 and {each["who"] for each in records} == {f"uid {OTHER}"}
    assert records[0]["object"] == f"{asking.path} {NAME}.view"
    # An administrator can let them.
    scene.polkit.rule(f"if (action.id == '{NAME}.view') return polkit.Result.YES;")

    def sees():
        try:
            return theirs.get(asking.path, APPROVAL, "UID") == NOBODY
        except DBusError:
            return False

    until(sees, "polkit's rule")


def test_cells_are_their_owners(scene):
    application = Application(NOBODY)
    client = Client(scene.governed.daemon, connection=application.connect(scene.governed.daemon))
    scene.governed.clients.append(client)
    assert client.call("list_directory", path=".") == ("[nothing]", False)
    mine, theirs = scene.caller(NOBODY), scene.caller(OTHER)
    [path] = [each for each in mine.objects() if "/cell/" in each]
    assert mine.get(path, CELL, "Client") == path.replace("/cell/", "/client/")
    assert mine.get(path, CELL, "Workspace") == "application" and "cgroup" in mine.get(path, CELL, "MissingWalls")
    assert error(theirs.get, path, CELL, "Workspace")[0] == "InteractiveAuthorizationRequired"
    assert [each["object"].split()[0] for each in scene.refusals()] == [path]
    client.close()
    scene.governed.clients.remove(client)
    until(lambda: not mine.objects(), "the cell's end")
    assert error(mine.get, path, CELL, "Workspace")[0] == "UnknownObject"
    application.end()


def test_what_comes_and_goes_is_signalled_and_names_nobody(scene):
    listener = scene.caller(OTHER)
    listener.do(do="match", rule=f"type='signal',sender='{NAME}'")
    asking = Asking(scene)
    signals = listener.signals(1)
    added = [each[5] for each in signals if each[4] == "InterfacesAdded"]
    assert [asking.client_path, {CLIENT: {}}] in added and [asking.path, {APPROVAL: {}}] in added
    changed = [each[5] for each in signals if each[4] == "PropertiesChanged"]
    assert [MANAGER, {}, ["Clients"]] in changed or [MANAGER, {}, ["Clients", "Approvals"]] in changed
    assert all(each[1] is None for each in signals)
    scene.governed.ctl("deny", str(asking.number))
    asking.client.close()
    scene.governed.clients.remove(asking.client)
    removed = [each[5] for each in listener.signals(1) if each[4] == "InterfacesRemoved"]
    assert [asking.path, [APPROVAL]] in removed and [asking.client_path, [CLIENT]] in removed
    asking.end()


# Acts


def test_root_answers_and_the_call_goes_on(scene, asking):
    root = scene.caller()
    words = asking.path, APPROVAL, "Approve", "sst"
    assert "something else" in error(root.call, *words, "0" * 64, "once", 0)[1]
    for scope, seconds in ("deny", 0), ("for good", 0), ("time", 0), ("time", 2**64 - 1):
        assert error(root.call, *words, asking.digest, scope, seconds)[0] == f"{NAME}.Error.Refused"
    assert root.call(*words, asking.digest, "session", 0) == ["allowed, as grant 1"]
    assert asking.client.result(asking.call)[1] is False
    assert error(root.call, *words, asking.digest, "once", 0)[0] == "UnknownObject"
    assert root.json("DescribeGrants", "b", True)["grants"][0]["number"] == 1
    assert root.manager("RevokeGrant", "t", 1) == []
    assert error(root.manager, "RevokeGrant", "t", 1)[0] == f"{NAME}.Error.Refused"
    asking.ask()
    assert root.call(asking.path, APPROVAL, "Deny", "s", asking.digest) == ["denied"]
    assert asking.client.result(asking.call)[1] is True
    consents = [(each["verdict"], each["consent"]["who"]) for each in scene.governed.records("consent")]
    assert consents == [("allow", "uid 0"), ("deny", "uid 0")]


def test_who_may_answer_is_polkits_matter_and_each_has_an_action(scene, asking):
    mine, theirs = scene.caller(NOBODY), scene.caller(OTHER)
    words = asking.path, APPROVAL, "Approve", "sst", asking.digest, "once", 0
    # auth_self, and nobody who could prove it; auth_admin for everybody else.
    for caller, act in (mine, "answer-own"), (theirs, "manage-approvals"):
        name, message = error(caller.call, *words)
        assert name == "InteractiveAuthorizationRequired" and f"{NAME}.{act} " in message
        name, message = error(caller.call, *words, interactive=True)
        assert name == f"{NAME}.Error.NoAgent" and "pkttyagent" in message
    assert asking.waiting()
    assert [each["who"] for each in scene.refusals()] == [f"uid {NOBODY}"] * 2 + [f"uid {OTHER}"] * 2
    scene.polkit.rule(
        f"if (action.id == '{NAME}.answer-own' && action.lookup('number') == '{asking.number}' &&"
        f" action.lookup('wants') == 'TOOL system_info') return polkit.Result.YES; return polkit.Result.NO;"
    )
    until(lambda: error(theirs.call, *words)[0] == "AccessDenied", "polkit's rule")
    assert mine.call(*words) == ["allowed once"]
    assert asking.client.result(asking.call)[1] is False


def test_the_person_at_the_agent_answers_for_themself(scene, asking):
    mine = scene.caller(NOBODY)
    agent = scene.polkit.agent(mine)
    mine.begin(asking.path, APPROVAL, "Approve", "sst", asking.digest, "once", 0, interactive=True)
    dialog = agent.next()
    assert dialog["action"] == f"{NAME}.answer-own" and "calls system_info and wants: TOOL system_info" in dialog["message"]
    assert dialog["identities"] == [["unix-user", {"uid": ["u", NOBODY]}]]
    agent.tell("approve")
    assert mine.told()["values"] == ["allowed once"]
    assert asking.client.result(asking.call)[1] is False


def test_after_polkit_everything_is_looked_up_again(scene, asking):
    """The question was answered otherwise while a person proved that they may."""
    mine = scene.caller(NOBODY)
    agent = scene.polkit.agent(mine)
    mine.begin(asking.path, APPROVAL, "Approve", "sst", asking.digest, "always", 0, interactive=True)
    agent.next()
    scene.governed.ctl("deny", str(asking.number))
    agent.tell("approve")
    assert error(mine.told)[0] == "UnknownObject"
    assert asking.client.result(asking.call)[1] is True
    assert scene.governed.json("grants")["grants"] == []


def test_a_caller_that_leaves_takes_its_question_along(scene, asking):
    mine = scene.caller(NOBODY)
    agent = scene.polkit.agent(mine)
    mine.begin(asking.path, APPROVAL, "Approve", "sst", asking.digest, "once", 0, interactive=True)
    agent.next()
    mine.leave()
    assert "cancelled" in json.dumps(agent.next())
    assert asking.waiting() and scene.refusals() == []


def test_grants_and_reload_have_their_actions(scene, asking):
    scene.governed.ctl("approve", "--session", str(asking.number))
    mine, theirs = scene.caller(NOBODY), scene.caller(OTHER)
    assert len(mine.json("DescribeGrants", "b", False)["grants"]) == 1
    assert theirs.json("DescribeGrants", "b", False)["grants"] == []
    assert f"{NAME}.manage-grants" in error(theirs.manager, "RevokeGrant", "t", 1)[1]
    assert f"{NAME}.manage-grants" in error(theirs.manager, "RevokeGrant", "t", 2)[1]
    assert mine.manager("RevokeGrant", "t", 1) == []
    assert f"{NAME}.reload" in error(mine.manager, "Reload")[1]
    assert scene.caller().manager("Reload") == []
    acts = [(each["who"], each["act"], each.get("outcome")) for each in scene.governed.records("admin")]
    assert acts == [
        (f"uid {OTHER}", f"{MANAGER}.RevokeGrant", "refused"), (f"uid {OTHER}", f"{MANAGER}.RevokeGrant", "refused"),
        (f"uid {NOBODY}", "revoke", None), (f"uid {NOBODY}", f"{MANAGER}.Reload", "refused"), ("uid 0", "reload", None),
    ]  # fmt: skip


# Too much


def test_megabytes_in_a_string_are_refused_and_hurt_nobody(scene, asking):
    theirs = scene.caller(OTHER)
    huge = "x" * (16 << 20)
    assert error(theirs.call, asking.path, APPROVAL, "Deny", "s", huge)[0] == f"{NAME}.Error.Refused"
    assert error(theirs.call, ROOT, PROPERTIES, "GetAll", "s", huge)[0] == "UnknownInterface"
    assert asking.waiting()


def test_what_would_be_too_long_for_the_bus_is_not_sent(scene, asking):
    """dbus-daemon cuts off whoever sends 32 MiB at once, and everybody's sessions on the bus would end with that."""
    content = "x" * (7 << 20)
    scene.governed.policy(rules("ask: TOOL, tools: '*', via: queue"))
    scene.governed.eventually(lambda: scene.governed.generation() == 3)
    for number in range(5):
        asking.client.begin("tools/call", name="write_file", arguments={"path": str(number), "content": content})
    root = scene.caller()
    until(lambda: root.get(ROOT, MANAGER, "Approvals") == 6, "the questions")
    assert error(root.json, "DescribeApprovals", "b", True)[0] == "LimitsExceeded"
    objects = root.objects()
    [one, *_] = [each[APPROVAL] for each in objects.values() if each.get(APPROVAL, {}).get("Tool") == "write_file"]
    assert one["Arguments"].endswith(" bytes)") and len(one["Arguments"]) < 40_000
    assert scene.has_name() and root.json("Describe")["approvals"] == 6


def test_a_flood_of_one_caller_is_bounded_and_others_are_served(scene, asking):
    flood, other = scene.caller(NOBODY), scene.caller(OTHER)
    agent = scene.polkit.agent(flood)
    for _ in range(500):
        order = {"interactive": True}
        words = [NAME, asking.path, APPROVAL, "Approve", "sst", [asking.digest, "once", 0]]
        flood.tell(do="send", words=words, options=order)
    for _ in range(500):
        flood.told()
    assert other.json("Describe")["approvals"] == 1
    dialogs = sum(agent.next().get("action") is not None for _ in range(4))
    assert dialogs == 4
    agent.sees_nothing()


CALLERS = """
import json, sys, libdbus
address, uid, count, words = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
libdbus.become(uid)
callers = [libdbus.Connection(address) for _ in range(count)]
# All at once, and then one after the other.
for caller in callers:
    caller.send(*words)
for caller in callers:
    print(json.dumps(caller.call(*words, timeout=200)), flush=True)
sys.stdin.read()
for caller in callers:
    caller.close()
"""


class Crowd:
    """Callers of one user, in one process: each calls twice, and they leave when they are told."""

    def __init__(self, scene, uid, count, *words):
        self.count = count
        self.process = subprocess.Popen(
            [sys.executable, "-c", CALLERS, scene.polkit.address, str(uid), str(count), json.dumps(words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=os.path.dirname(__file__),
        )  # fmt: skip

    def answers(self):
        return [json.loads(self.process.stdout.readline()) for _ in range(self.count)]

    def leave(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0


def test_a_thousand_callers_are_served(scene):
    crowd = Crowd(scene, NOBODY, 1000, NAME, ROOT, MANAGER, "Describe")
    assert all(said.startswith("{") for [said] in crowd.answers())
    crowd.leave()
    assert scene.caller().json("Describe")["clients"] == 0


# Each of them is met by celld, which takes half a minute in all, and longer where others work as well.
@pytest.mark.timeout(240)
def test_a_thousand_callers_of_several_users_call_tools(scene):
    """Each has a session of its own, as its own user, and none is left when they have gone."""
    users, count = [NOBODY, OTHER, 2, 3], 250
    words = NAME, ROOT, MCP, "CallTool", "ssa{sv}", ["system_info", "{}", {}]
    crowds = [Crowd(scene, uid, count, *words) for uid in users]
    for crowd in crowds:
        for is_error, result in crowd.answers():
            assert is_error is False and json.loads(result)["content"]
    root = scene.caller()
    clients = root.json("DescribeClients", "b", True)["clients"]
    assert sorted(each["uid"] for each in clients) == sorted(users * count)
    assert {each["transport"] for each in clients} == {"bus"} and len({each["pid"] for each in clients}) == len(users)
    assert len(scene.caller(2).json("DescribeClients", "b", False)["clients"]) == count
    for crowd in crowds:
        crowd.leave()
    until(lambda: root.json("Describe")["clients"] == 0, "the end of the sessions")
    calls = [(each["client"]["uid"], each["outcome"]) for each in scene.governed.records()]
    assert sorted(calls) == sorted([(uid, "succeeded") for uid in users] * count * 2)


# The bus itself


def test_a_bus_that_comes_again_finds_the_objects_again(scene):
    scene.polkit.end(scene.polkit.bus)
    client = scene.governed.connect()
    assert client.call("system_info")[1] is False
    scene.polkit.end(scene.polkit.daemon)
    scene.polkit.start_bus()
    scene.polkit.start()
    scene.wait_for_name()
    assert [each[CLIENT]["UID"] for each in scene.caller().objects().values()] == [0]


def test_a_daemon_that_is_there_before_the_bus(executable):
    scene = BusScene.__new__(BusScene)
    from polkit import Polkit

    scene.polkit, scene.callers = Polkit(), []
    scene.polkit.end(scene.polkit.bus)
    environment = {"DBUS_SYSTEM_BUS_ADDRESS": scene.polkit.address}
    scene.governed = Governed(executable, "--bus", "yes", environment=environment)
    try:
        assert scene.governed.connect().call("system_info")[1] is False
        scene.polkit.end(scene.polkit.daemon)
        scene.polkit.start_bus()
        scene.polkit.start()
        scene.wait_for_name()
        assert scene.caller().json("Describe")["clients"] == 1
    finally:
        scene.stop()


def test_a_second_daemon_waits_for_the_name_and_gets_it(scene, executable):
    environment = {"DBUS_SYSTEM_BUS_ADDRESS": scene.polkit.address}
    second = Governed(executable, "--bus", "yes", environment=environment)
    try:
        root = scene.caller()
        first = scene.governed.daemon.process.pid
        assert root.json("Describe")["pid"] == first
        assert second.connect().call("system_info")[1] is False
        assert root.json("Describe")["pid"] == first
        scene.governed.daemon.ask_to_stop()
        until(lambda: scene.has_name() and root.json("Describe")["pid"] == second.daemon.process.pid, "the second daemon")
    finally:
        second.stop()


def test_nobody_else_can_take_the_name(scene):
    take = ["busctl", f"--address={scene.polkit.address}", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", "RequestName", "su", NAME, "3"]  # fmt: skip
    run = subprocess.run(take, capture_output=True, text=True, user=NOBODY, extra_groups=[], timeout=20)
    assert run.returncode != 0 and "Access denied" in run.stderr


def test_what_provides_tools_is_there_for_everybody(scene):
    theirs = scene.caller(OTHER)
    [(path, interfaces)] = [each for each in theirs.managed().items() if "/module/" in each[0]]
    module = interfaces[MODULE]
    assert path == f"{ROOT}/module/builtin" and module["Name"] == "builtin" and module["State"] == "active"
    assert module["Version"] == theirs.get(ROOT, MANAGER, "Version") and theirs.get(ROOT, MANAGER, "Modules") == 1
    assert {"system_info", "read_file"} <= set(module["Tools"]) and theirs.get(path, MODULE, "Tools") == module["Tools"]
    [described] = theirs.json("DescribeModules")["modules"]
    assert described == {key.lower(): value for key, value in module.items()}
    assert error(theirs.get, f"{ROOT}/module/other", MODULE, "Name")[0] == "UnknownObject"
    assert path in scene.busctl("tree", "--list", NAME, user=OTHER)
    assert "builtin" in scene.ctl("modules", user=OTHER) and "system_info" in scene.ctl("modules", user=OTHER)


def test_tools_that_come_are_signalled(executable):
    """One of the fixtures makes another one come and go."""
    scene = BusScene(lambda name: executable("fixture-daemon" if name == "cloisterd" else name))
    try:
        listener = scene.caller(OTHER)
        path = f"{ROOT}/module/builtin"
        before = set(listener.get(path, MODULE, "Tools"))
        listener.do(do="match", rule=f"type='signal',sender='{NAME}'")
        assert scene.governed.connect().call("fixture_toggle")[1] is False
        changed = [each for each in listener.signals(1) if each[4] == "PropertiesChanged" and each[2] == path]
        assert [each[5] for each in changed] == [[MODULE, {}, ["Tools"]]]
        assert set(listener.get(path, MODULE, "Tools")) > before
    finally:
        scene.stop()


@pytest.mark.parametrize("text", ["x" * 2_000_000, "e" + "\u0301" * 1_000_000], ids=["letters", "one character"])
def test_an_error_is_not_as_long_as_what_it_is_about(scene, text):
    """A bus cuts off whoever sends it more than 32 MiB, and with us all of our callers would lose their sessions."""
    caller = scene.caller(NOBODY)
    name, message = error(caller.call, ROOT, PROPERTIES, "Get", "ss", text, "y")
    assert name == "UnknownInterface" and len(message.encode()) <= 4096
