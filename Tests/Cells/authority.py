"""In polkit's place on a real bus: of any version, and it answers what the test says. What it is asked is kept."""

import threading

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection

from machine import host_pid

NAME = "org.freedesktop.PolicyKit1"
BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
# Who may have polkit's name is only polkit's user, elsewhere.
POLICY = f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><policy user="root"><allow own="{NAME}"/></policy></busconfig>
"""

ALLOWED, DENIED, NEEDS_AGENT = (True, False, {}), (False, False, {}), (False, True, {})
DISMISSED = (False, False, {"polkit.dismissed": "true"})


class Authority:
    """`polkit` has neither bus nor polkitd yet. Without an answer a question stays open."""

    def __init__(self, polkit, version, answer=None):
        self.version, self.answer = version, answer
        # Each: the subject's kind and values, action, details, flags; a descriptor is the process that it stands for.
        self.questions, self.left = [], []
        (polkit.directory / "names/authority.conf").write_text(POLICY)
        polkit.start_bus()
        self.connection = open_dbus_connection(polkit.address, enable_fds=True)
        for member, signature, body in ("RequestName", "su", (NAME, 0)), ("AddMatch", "s", ("member='NameOwnerChanged'",)):
            reply = self.connection.send_and_get_reply(new_method_call(BUS, member, signature, body), timeout=10)
            assert reply.header.message_type == MessageType.method_return, reply.body
        self.is_wanted = True
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.is_wanted = False
        self.thread.join()
        self.connection.close()

    def serve(self):
        while self.is_wanted:
            try:
                message = self.connection.receive(timeout=0.05)
            except TimeoutError:
                continue
            except ConnectionError:
                return
            self.take(message, message.header.fields.get(HeaderFields.member))

    def take(self, message, member):
        if member == "NameOwnerChanged" and not message.body[2]:
            self.left.append(message.body[0])
        elif member == "Get":
            self.connection.send(new_method_return(message, "v", (("s", self.version),)))
        elif member == "CheckAuthorization":
            (kind, values), action, details, flags, _ = message.body
            values = {key: value[1] for key, value in values.items()}
            if "pidfd" in values:
                values["pidfd"] = host_pid(values["pidfd"].to_raw_fd())
            self.questions.append((message.header.fields[HeaderFields.sender], kind, values, action, details, flags))
            if self.answer:
                self.connection.send(new_method_return(message, "(bba{ss})", (self.answer,)))
