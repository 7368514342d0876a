"""What the daemon offers, what dbus/*.xml and the man page say of it, and the actions of polkit: one and the same."""

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bus import NAME, NOBODY, PROPERTIES, ROOT, error
from test_bus import Asking

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of its own, and clients of other users, need root")

TREE = Path(__file__).resolve().parents[2]
LOG_CONTROL = "org.freedesktop.LogControl1"


def canonical(interface):
    return ElementTree.canonicalize(ElementTree.tostring(interface), strip_text=True)


def offered(scene):
    """Interfaces of ours, by name, as the running daemon introspects them."""
    root = scene.caller()
    asking = Asking(scene)
    scene.governed.connect().call("list_directory", path=".")
    found = {}
    for path in [*root.managed(), ROOT, "/org/freedesktop/LogControl1"]:
        [xml] = root.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")
        for interface in ElementTree.fromstring(xml).iter("interface"):
            if not interface.get("name").startswith("org.freedesktop.DBus."):
                found[interface.get("name")] = interface
    asking.end()
    return found


def described(page, interface):
    """The properties of an interface, with their types, in the section that begins with its name."""
    [section] = [each for each in page.split("\n.Sh ") if each.split("\n")[1].startswith(f".Li {interface}")]
    found, kind = {}, None
    for line in re.findall(r"^\.It Va (.*)$", section, re.M):
        for each in line.split(" , "):
            # As in C: a type is that of all names up to the next one.
            *kinds, name = each.split()
            [kind] = kinds or [kind]
            assert name not in found, name
            found[name] = kind
    return found


def test_the_daemon_the_files_and_the_manual_are_one(scene):
    found = offered(scene)
    files = {path.stem: ElementTree.parse(path).find("interface") for path in (TREE / "dbus").glob("*.xml")}
    assert sorted(found) == sorted(files) and len(found) == 7
    page = (TREE / "man/org.cloister.Cloister1.5").read_text()
    for name, interface in found.items():
        assert canonical(interface) == canonical(files[name]), name
        assert f".Li {name}\n" in page or f".Li {name} ,\n" in page
        for kind in "method", "signal":
            for each in interface.iter(kind):
                arguments = [
                    " ".join(filter(None, (arg.get("direction"), arg.get("type"), arg.get("name")))) for arg in each
                ]
                line = " ".join([f".It Fn {each.get('name')}", *(f'"{text}"' for text in arguments)])
                assert line + "\n" in page, line
        properties = {each.get("name"): each.get("type") for each in interface.iter("property")}
        assert described(page, name) == properties, name


def test_the_actions_of_polkit_are_those_that_the_manual_names():
    policy = ElementTree.parse(TREE / "polkit/org.cloister.Cloister1.policy")
    actions = [each.get("id") for each in policy.iter("action")]
    page = (TREE / "man/org.cloister.Cloister1.5").read_text()
    named = re.findall(r"^\.It Li (org\.cloister\.Cloister1\.[a-z-]+)$", page, re.M)
    # Behind those of permissions, in the same order.
    assert actions[-len(named) :] == named and len(named) == 7
    for each in list(policy.iter("action"))[-len(named) :]:
        owner = each.find("annotate[@key='org.freedesktop.policykit.owner']")
        assert owner.text == "unix-user:cloister" and each.findtext("message") and each.findtext("icon_name")


def test_the_activation_file_leaves_the_start_to_systemd_and_to_who_enables_the_unit():
    text = (TREE / "dbus/org.cloister.Cloister1.service").read_text()
    assert f"Name={NAME}\n" in text and f"SystemdService=dbus-{NAME}.service\n" in text
    assert f"Alias=dbus-{NAME}.service\n" in (TREE / "systemd/cloisterd.service").read_text()


def test_the_level_of_the_log_is_changed_by_who_may(scene):
    root, theirs = scene.caller(), scene.caller(NOBODY)
    path = "/org/freedesktop/LogControl1"

    def put(caller, name, value):
        return caller.call(path, PROPERTIES, "Set", "ssv", LOG_CONTROL, name, ("s", value))

    assert (root.get(path, LOG_CONTROL, "LogLevel"), root.get(path, LOG_CONTROL, "LogTarget")) == ("info", "console")
    assert theirs.get(path, LOG_CONTROL, "SyslogIdentifier") == "cloisterd"
    assert error(put, theirs, "LogLevel", "debug")[0] == "InteractiveAuthorizationRequired"
    assert scene.refusals()[-1]["object"] == f"{path} {NAME}.set-logging"
    assert put(root, "LogLevel", "debug") == [] and root.get(path, LOG_CONTROL, "LogLevel") == "debug"
    assert put(root, "LogLevel", "emerg") == [] and root.get(path, LOG_CONTROL, "LogLevel") == "err"
    assert put(root, "LogTarget", "console") == []
    assert error(put, root, "LogTarget", "kmsg")[0] == f"{NAME}.Error.Refused"
    assert error(put, root, "LogLevel", "loud")[0] == "InvalidArgs"
    assert error(put, root, "SyslogIdentifier", "x")[0] == "PropertyReadOnly"
    words = path, PROPERTIES, "Set", "ssv", LOG_CONTROL, "LogLevel", ("u", 1)
    assert error(root.call, *words)[0] == "InvalidArgs"
