"""An authentication agent of polkit's, for one process: what a desktop would show is said on standard output, and what
a person would do is read from standard input, a line each.

    agent.py ADDRESS UID PID

    approve     authenticates by polkit's own helper, and so by PAM
    dismiss     closes the dialog
    lie         says that it has authenticated, without having done so
"""

import json
import os
import select
import subprocess
import sys

from jeepney import DBusAddress, MessageType, new_error, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection

PATH = "/org/cloister/Agent"
HELPER = "/usr/lib/polkit-1/polkit-agent-helper-1"
AUTHORITY = DBusAddress(
    "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1", "org.freedesktop.PolicyKit1.Authority"
)


def say(**event):
    print(json.dumps(event), flush=True)


def start_time(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[19])


class Agent:
    def __init__(self, address, pid):
        self.connection = open_dbus_connection(address)
        self.dialogs = []
        subject = ("unix-process", {"pid": ("u", pid), "start-time": ("t", start_time(pid))})
        call = new_method_call(AUTHORITY, "RegisterAuthenticationAgent", "(sa{sv})ss", (subject, "C", PATH))
        reply = self.connection.send_and_get_reply(call, timeout=10)
        if reply.header.message_type != MessageType.method_return:
            raise SystemExit(f"polkit does not take the agent: {reply.body}")
        say(registered=True)

    def run(self):
        poll = select.poll()
        for descriptor in self.connection.sock, sys.stdin:
            poll.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == sys.stdin.fileno():
                    line = os.read(descriptor, 4096).decode()
                    if not line:
                        return
                    for word in line.split():
                        self.obey(word)
                else:
                    self.receive()

    def receive(self):
        try:
            while True:
                self.take(self.connection.receive(timeout=0.01))
        except TimeoutError:
            pass

    def take(self, message):
        if message.header.message_type != MessageType.method_call:
            return
        member = message.header.fields.get(3)
        if member == "BeginAuthentication":
            action, text, icon, _, cookie, identities = message.body
            self.dialogs.append((message, cookie, identities))
            say(action=action, message=text, icon=icon, identities=identities)
        elif member == "CancelAuthentication":
            self.connection.send(new_method_return(message))
            say(cancelled=True)
            for dialog, _, _ in [each for each in self.dialogs if each[1] == message.body[0]]:
                self.close(dialog, "org.freedesktop.PolicyKit1.Error.Cancelled")

    def close(self, dialog, error=None):
        self.connection.send(new_error(dialog, error, "s", ("",)) if error else new_method_return(dialog))
        self.dialogs = [each for each in self.dialogs if each[0] is not dialog]

    def obey(self, word):
        dialog, cookie, identities = self.dialogs[0]
        if word == "dismiss":
            return self.close(dialog, "org.freedesktop.PolicyKit1.Error.Cancelled")
        if word == "approve":
            import pwd

            user = pwd.getpwuid(identities[0][1]["uid"][1]).pw_name
            helper = subprocess.run([HELPER, user], input=cookie + "\n", capture_output=True, text=True)
            say(helper=helper.stdout.split(), errors=helper.stderr)
        self.close(dialog)


if __name__ == "__main__":
    address, uid, pid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # Everything is loaded by now, which this user might not be allowed to.
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    Agent(address, pid).run()
