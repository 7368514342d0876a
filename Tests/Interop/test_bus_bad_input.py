"""Every method and every property of every object, called as nobody should: refused by its own error, and nothing done."""

import os
from xml.etree import ElementTree

import pytest

from bus import APPROVAL, CELL, CLIENT, MANAGED, MANAGER, MCP, MODULE, PROPERTIES, ROOT, error
from libdbus import types
from test_bus import Asking

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of its own, and clients of other users, need root")

LOG_CONTROL = "org.freedesktop.LogControl1"
LOG_PATH = "/org/freedesktop/LogControl1"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
# What sd-bus answers by itself.
PEER = "org.freedesktop.DBus.Peer"

BAD_VALUES = [("s", "x" * (1 << 20)), ("u", 7), ("as", ["a"]), ("a{sv}", {"a": ("u", 1)}), ("v", ("s", "x")), ("", None)]
# Such as a method could take: what is wrong is their number alone.
GOOD_VALUES = {"s": "x", "t": 1, "b": False, "a{sv}": {}, "v": ("s", "x")}


class Everything:
    """One object of each kind, and what each says that it offers."""

    def __init__(self, scene):
        self.scene, self.asking, self.root = scene, Asking(scene), scene.caller()
        assert scene.governed.connect().call("list_directory", path=".")[1] is False
        self.objects = {}
        for path in [*self.root.managed(), ROOT, LOG_PATH]:
            [xml] = self.root.call(path, INTROSPECTABLE, "Introspect")
            self.objects[path] = {each.get("name"): each for each in ElementTree.fromstring(xml).iter("interface")}
        found = set().union(*self.objects.values())
        assert found >= {MANAGER, MCP, CLIENT, CELL, APPROVAL, MODULE, LOG_CONTROL, PROPERTIES, MANAGED, INTROSPECTABLE}
        self.before = self.state()

    def methods(self):
        """With the signature of what each takes."""
        for path, interfaces in self.objects.items():
            for name, interface in interfaces.items():
                for method in interface.iter("method") if name != PEER else ():
                    takes = [each.get("type") for each in method.iter("arg") if each.get("direction") == "in"]
                    yield path, name, method.get("name"), "".join(takes)

    def properties(self):
        for path, interfaces in self.objects.items():
            for name, interface in interfaces.items():
                for each in interface.iter("property"):
                    yield path, name, each.get("name"), each.get("type"), each.get("access") == "readwrite"

    def state(self):
        """All that there is, but for what changes by itself."""
        found = {**self.root.managed(), LOG_PATH: self.root.call(LOG_PATH, PROPERTIES, "GetAll", "s", LOG_CONTROL)[0]}
        found[ROOT] = self.root.call(ROOT, PROPERTIES, "GetAll", "s", MANAGER)[0]
        del found[self.asking.path][APPROVAL]["SecondsLeft"]
        return found

    def end(self):
        assert self.state() == self.before
        self.asking.end()


@pytest.fixture
def everything(scene):
    everything = Everything(scene)
    yield everything
    everything.end()


def test_every_method_refuses_wrong_types_and_serves_on(everything):
    count = 0
    for path, interface, method, takes in everything.methods():
        for signature, value in BAD_VALUES:
            if signature == takes:
                continue
            values = [] if value is None else [value]
            name, _ = error(everything.root.call, path, interface, method, signature, *values)
            assert name == "InvalidArgs", (path, interface, method, signature, name)
            count += 1
    assert count > 180


def test_every_method_refuses_too_few_and_too_many_arguments(everything):
    count = 0
    for path, interface, method, takes in everything.methods():
        takes = list(types(takes))
        for wrong in [takes[:number] for number in range(len(takes))] + [[*takes, each] for each in GOOD_VALUES]:
            values = [GOOD_VALUES[each] for each in wrong]
            name, message = error(everything.root.call, path, interface, method, "".join(wrong), *values)
            assert name == "InvalidArgs", (path, interface, method, wrong, name, message)
            count += 1
    assert count > 180


def test_no_property_can_be_set_but_those_that_say_so_and_to_nothing_else(everything):
    refused = set()
    for path, interface, name, kind, is_writable in everything.properties():
        for given, value in *GOOD_VALUES.items(), ("as", ["a"]), ("u", 7):
            if is_writable and given == kind:
                continue
            words = path, PROPERTIES, "Set", "ssv", interface, name, (given, value)
            wanted = "InvalidArgs" if is_writable else "PropertyReadOnly"
            fault, message = error(everything.root.call, *words)
            assert fault == wanted, (words, fault, message)
        refused.add((interface, name))
    assert len(refused) > 50 and {interface for interface, _ in refused} == {
        MANAGER, CLIENT, CELL, APPROVAL, MODULE, LOG_CONTROL,
    }  # fmt: skip


def test_what_an_object_does_not_have_is_said_by_its_own_error(everything):
    root = everything.root
    known = set().union(*everything.objects.values())
    for path, interfaces in everything.objects.items():
        own = [name for name in interfaces if name != PEER]
        for interface in own:
            assert error(root.call, path, interface, "Nothing")[0] == "UnknownMethod", (path, interface)
        assert error(root.call, path, None, "Nothing")[0] == "UnknownMethod"
        for interface in [*(known - set(interfaces)), "org.cloister.Other"]:
            for member in "Nothing", "Describe", "GetManagedObjects", "Approve":
                assert error(root.call, path, interface, member)[0] == "UnknownInterface", (path, interface, member)
            for words in ("Get", "ss", interface, "UID"), ("GetAll", "s", interface):
                assert error(root.call, path, PROPERTIES, *words)[0] == "UnknownInterface", (path, words)
            assert error(root.call, path, PROPERTIES, "Set", "ssv", interface, "UID", ("u", 1))[0] == "UnknownInterface"
        for interface in own:
            # Those of the specification have no properties.
            wanted = "UnknownInterface" if interface in (PROPERTIES, MANAGED, INTROSPECTABLE) else "UnknownProperty"
            for name in "Nothing", "", "x" * 100_000:
                assert error(root.get, path, interface, name)[0] == wanted, (path, interface)
                assert error(root.call, path, PROPERTIES, "Set", "ssv", interface, name, ("s", "x"))[0] == wanted


def test_an_object_that_is_not_there_has_no_method_at_all(everything):
    root, far = everything.root, 2**64 - 1
    paths = ["/", "/org", "/org/cloister", f"{ROOT}/client", f"{ROOT}/x/1", f"{ROOT}/module/other", LOG_PATH + "/x"]
    for kind in "client", "cell", "approval":
        paths += [f"{ROOT}/{kind}/{number}" for number in (0, far, "x")]
        # Of one that is there, written otherwise.
        [there, *_] = [each for each in everything.objects if f"/{kind}/" in each]
        stem, _, number = there.rpartition("/")
        paths += [f"{stem}/0{number}", f"{there}/{number}"]
    for path in paths:
        for _, interface, method, takes in everything.methods():
            if method == "Introspect":
                continue
            values = [GOOD_VALUES[each] for each in types(takes)]
            assert error(root.call, path, interface, method, takes, *values)[0] == "UnknownObject", (path, method)
    assert root.call(ROOT, None, "Describe") and root.call(ROOT, PEER, "Ping") == []
