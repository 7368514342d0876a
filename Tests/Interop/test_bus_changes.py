"""What has changed is signalled: by its name, to everybody, and without a value."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from bus import APPROVAL, CELL, CLIENT, MANAGER, NAME, ROOT, BusScene, until
from governed import rules
from test_bus import OTHER, Asking
from test_policy import small_disk

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of its own, and clients of other users, need root")


class Listener:
    """Somebody who may see nothing of what it is told about."""

    def __init__(self, scene):
        self.caller = scene.caller(OTHER)
        self.caller.do(do="match", rule=f"type='signal',sender='{NAME}'")
        self.objects, self.changed = [], {}

    def listen(self, seconds):
        for sender, destination, path, _, member, values in self.caller.signals(seconds):
            assert destination is None, values
            if member == "PropertiesChanged":
                interface, changed, invalidated = values
                assert changed == {} and invalidated
                self.changed.setdefault((path, interface), set()).update(invalidated)
            else:
                self.objects.append((member, *values))

    def hears(self, *changes, within=10):
        """These, each an object, an interface and names of properties, and of others nothing."""
        wanted = {(path, interface): set(names) for path, interface, *names in changes}
        end = time.monotonic() + within
        while not all(names <= self.changed.get(key, set()) for key, names in wanted.items()):
            assert time.monotonic() < end, (wanted, self.changed)
            self.listen(0.1)
        self.listen(0.2)
        assert self.changed == wanted
        self.changed = {}


def client_path(scene):
    [client] = scene.governed.json("clients")["clients"]
    return f"{ROOT}/client/{client['session']}"


def test_what_policy_changes_is_signalled(scene):
    client = scene.governed.connect(name="editor")
    path, root, listener = client_path(scene), scene.caller(), Listener(scene)
    scene.governed.policy(rules("allow: TOOL, tools: '*'"))
    listener.hears((ROOT, MANAGER, "PolicyGeneration", "PolicyFiles"), (path, CLIENT, "Blocks"))
    assert root.get(ROOT, MANAGER, "PolicyGeneration") == 2 and root.get(path, CLIENT, "Blocks") == ["default", "test"]
    scene.governed.policy("nonsense")
    listener.hears((ROOT, MANAGER, "PolicyFiles", "PolicyFaults"))
    assert root.get(ROOT, MANAGER, "PolicyFaults") != []
    program = root.get(path, CLIENT, "Executable")
    digest = hashlib.sha256(Path(program).read_bytes()).hexdigest()
    scene.governed.policy(rules("deny: TOOL, tools: run_code", more=f"    match: {{sha256: {digest}}}\n"))
    listener.hears((ROOT, MANAGER, "PolicyGeneration", "PolicyFiles", "PolicyFaults"), (path, CLIENT, "SHA256"))
    assert root.get(path, CLIENT, "SHA256") == digest
    # Nothing is different: nothing is told.
    root.manager("Reload")
    listener.hears()
    client.close()
    scene.governed.clients.remove(client)
    listener.hears((ROOT, MANAGER, "Clients"))


def test_what_a_client_says_of_itself_is_signalled_and_its_calls_are_not(scene):
    scene.governed.policy("clients:\n  - name: editors\n    claims: {name: editor}\n    rules: [{deny: TOOL, tools: run_code}]\n")
    scene.governed.eventually(lambda: scene.governed.generation() == 2)
    client = scene.governed.connect(name="editor")
    path, root, listener = client_path(scene), scene.caller(), Listener(scene)
    assert root.get(path, CLIENT, "Claim") == ""
    for _ in range(20):
        assert client.call("system_info")[1] is False
    listener.hears((path, CLIENT, "Claim", "Blocks"))
    assert root.get(path, CLIENT, "Claim") == "editor" and root.get(path, CLIENT, "Blocks") == ["default", "editors"]
    for _ in range(20):
        assert client.call("system_info")[1] is False
    listener.hears()


def test_grants_that_come_and_go_are_signalled(scene):
    asking = Asking(scene)
    listener, root = Listener(scene), scene.caller()
    root.call(asking.path, APPROVAL, "Approve", "sst", asking.digest, "session", 0)
    listener.hears((ROOT, MANAGER, "Approvals", "Grants"))
    assert root.get(ROOT, MANAGER, "Grants") == 1
    root.manager("RevokeGrant", "t", 1)
    listener.hears((ROOT, MANAGER, "Grants"))
    assert asking.client.result(asking.call)[1] is False
    asking.ask()
    listener.hears((ROOT, MANAGER, "Approvals"))
    root.call(asking.path, APPROVAL, "Approve", "sst", asking.digest, "session", 0)
    listener.hears((ROOT, MANAGER, "Approvals", "Grants"))
    asking.end()
    asking.client.close()
    scene.governed.clients.remove(asking.client)
    listener.hears((ROOT, MANAGER, "Clients", "Grants"))
    assert root.get(ROOT, MANAGER, "Grants") == 0


def test_that_nothing_can_be_recorded_is_signalled(executable):
    with small_disk() as disk:
        scene = BusScene(executable, "--audit", f"{disk}/audit")
        try:
            client, root = scene.governed.connect(), scene.caller()
            assert client.call("system_info")[1] is False
            listener = Listener(scene)
            fill = Path(disk, "fill")
            with pytest.raises(OSError), fill.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
            until(lambda: client.call("system_info")[1], "a call that cannot be recorded")
            listener.hears((ROOT, MANAGER, "AuditWritable"))
            assert root.get(ROOT, MANAGER, "AuditWritable") is False
            assert client.call("system_info")[1] is True
            listener.hears()
            fill.unlink()
            assert client.call("system_info")[1] is False
            listener.hears((ROOT, MANAGER, "AuditWritable"))
            assert root.get(ROOT, MANAGER, "AuditWritable") is True
        finally:
            scene.stop()


def test_a_cell_in_the_place_of_another_is_removed_and_added(scene, tree):
    """Where the new one stood before anything was told, nothing was: there was one, and there is one."""
    governed, root = scene.governed, scene.caller()

    def give(path):
        generation = governed.generation()
        governed.policy(rules(f"allow: FILE_READ, paths: ['{path}/**']"))
        return generation + 1

    one, other = tree / "one", tree / "other"
    one.mkdir(), other.mkdir()
    generation = give(one)
    governed.eventually(lambda: governed.generation() == generation)
    client = governed.connect()
    assert client.call("list_directory", path=".")[1] is False
    path = client_path(scene).replace("/client/", "/cell/")
    for given in [other, one] * 3:
        listener = Listener(scene)
        # The cell that stands has what this does not give any more.
        give(given)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            # The new one comes as soon as the old one has ended.
            client.call("list_directory", path=".")
        listener.listen(0.1)
        assert root.get(path, CELL, "ReadableTrees") == [str(given)]
        cells = [each for each in listener.objects if each[1] == path]
        assert cells == [("InterfacesRemoved", path, [CELL]), ("InterfacesAdded", path, {CELL: {}})]
