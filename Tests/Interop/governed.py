"""A daemon with policy files of its own, its administrator, and applications line by line."""

import json
import os
import socket
import subprocess
import time

from daemon import Daemon


class Lines:
    """Of a socket. One file for both directions would lose, with each write, what it has read ahead."""

    def __init__(self, connection):
        self.reader = connection.makefile(encoding="utf-8")
        self.writer = connection.makefile("w", encoding="utf-8")
        self.readline, self.write, self.flush = self.reader.readline, self.writer.write, self.writer.flush

    def close(self):
        self.reader.close()
        self.writer.close()


class Client:
    """An application, line by line."""

    def __init__(self, daemon, name="application", connection=None, capabilities=None, initialize=True):
        self.socket = connection or socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        if not connection:
            self.socket.connect(os.fspath(daemon.socket))
        self.file = Lines(self.socket)
        self.last = 0
        self.notifications = []
        self.answers = {}
        # Requests of the daemon, and what it took back.
        self.requests = []
        self.withdrawn = []
        if not initialize:
            return
        self.ask(
            "initialize", protocolVersion="2025-06-18", capabilities=capabilities or {},
            clientInfo={"name": name, "version": "1"})
        self.say("notifications/initialized")

    def say(self, method, **params):
        self.file.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}) + "\n")
        self.file.flush()

    def begin(self, method, **params):
        self.last += 1
        message = {"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}
        # As they are: what would disguise something is not escaped by us.
        self.file.write(json.dumps(message, ensure_ascii=False) + "\n")
        self.file.flush()
        return self.last

    def answer(self, identifier):
        while identifier not in self.answers:
            message = json.loads(self.file.readline())
            self.take(message)
        return self.answers.pop(identifier)

    def take(self, message):
        if "method" not in message:
            self.answers[message["id"]] = message
        elif "id" in message:
            self.requests.append(message)
        elif message["method"] == "notifications/cancelled":
            self.withdrawn.append(message["params"]["requestId"])
        else:
            self.notifications.append(message["method"])

    def asked(self):
        """What the daemon asks next."""
        while not self.requests:
            self.take(json.loads(self.file.readline()))
        return self.requests.pop(0)

    def reply(self, request, **result):
        self.file.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\n")
        self.file.flush()

    def ask(self, method, **params):
        return self.answer(self.begin(method, **params))

    def call(self, tool, **arguments):
        """The text of the result, and whether it is an error."""
        return self.result(self.begin("tools/call", name=tool, arguments=arguments))

    def result(self, identifier):
        answer = self.answer(identifier)
        if "error" in answer:
            return answer["error"]["message"], True
        result = answer["result"]
        return result["content"][0]["text"], result.get("isError", False)

    def tools(self):
        return {tool["name"] for tool in self.ask("tools/list")["result"]["tools"]}

    def close(self):
        self.file.close()
        self.socket.close()


# A user of nobody's: its processes are ours alone.
STRANGER = 4242


class BridgedClient(Client):
    """A bridge of another user, with an application that is gone when the bridge is."""

    def __init__(self, governed, executable, uid=STRANGER, groups=()):
        os.chmod(governed.directory, 0o755)
        self.process = subprocess.Popen(
            [executable("cloister-bridge"), "--socket", governed.directory / "mcp.sock"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=uid, group=uid, extra_groups=groups)
        self.file = ReadAndWrite(self.process)
        self.socket = self.process.stdin
        self.last, self.notifications, self.answers, self.progress = 0, [], {}, []
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "a", "version": "1"})
        self.say("notifications/initialized")

    def structured(self, **arguments):
        """What came of a command on the host."""
        answer = self.ask("tools/call", name="run_system_command", arguments=arguments)
        assert "result" in answer and "structuredContent" in answer["result"], answer
        return answer["result"]["structuredContent"]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        self.process.stdout.close()


class ReadAndWrite:
    def __init__(self, process):
        self.write, self.flush = process.stdin.write, process.stdin.flush
        self.readline = process.stdout.readline


class Governed:
    """A daemon with policy files of its own, and cloisterctl beside it."""

    def __init__(self, executable, *options, **settings):
        self.ctl_program = executable("cloisterctl")
        self.daemon = Daemon(executable("cloisterd"), "--best-effort", "cgroup", *options, **settings)
        self.directory = self.daemon.directory
        self.clients = []

    def policy(self, text, name="50-test.yaml"):
        place = self.directory / "policy.d"
        place.mkdir(exist_ok=True, mode=0o755)
        (place / ("." + name)).write_text(text)
        (place / ("." + name)).chmod(0o644)
        (place / ("." + name)).rename(place / name)

    def connect(self, **options):
        client = Client(self.daemon, **options)
        self.clients.append(client)
        return client

    def ctl(self, *words, status=0):
        run = subprocess.run(
            [self.ctl_program, "--root", self.directory, *words], capture_output=True, text=True, timeout=30)
        assert status is None or run.returncode == status, run.stdout + run.stderr
        return run.stdout + run.stderr

    def json(self, *words, status=0):
        return json.loads(self.ctl("--json", *words, status=status))

    def eventually(self, check, within=10):
        end = time.monotonic() + within
        while not (value := check()):
            assert time.monotonic() < end, "in vain"
            time.sleep(0.02)
        return value

    def generation(self):
        return self.json("status")["policy"]["generation"]

    def records(self, kind="call"):
        lines = self.ctl("audit", "--output", "json", "--kind", kind).splitlines()
        return [json.loads(line) for line in lines]

    def stop(self):
        for client in self.clients:
            client.close()
        self.daemon.stop()


def fill(tree):
    tree.chmod(0o777)
    (tree / "file").write_text("content\n")
    (tree / "secret.txt").write_text("secret\n")
    (tree / "link").symlink_to("secret.txt")
    for file in tree.iterdir():
        if not file.is_symlink():
            file.chmod(0o666)
    return tree


def rules(*lines, more=""):
    text = "".join(f"      - {{{line}}}\n" for line in lines)
    return f"clients:\n  - name: test\n{more}    rules:\n{text}"
