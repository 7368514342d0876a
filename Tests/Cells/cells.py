"""celld and its cells, driven by hand: the two protocols once more, in another language.

A test that speaks them byte for byte also holds the layout still.
"""

import array
import contextlib
import dataclasses
import fcntl
import os
import socket
import subprocess
import tempfile

BINARIES = os.environ.get("CLOISTER_BIN", os.path.join(os.path.dirname(__file__), "../../.build/debug"))
# The walls that cells of this machine lack: without controllers, as with version 1 groups, the wall `cgroup`.
NATIVE = os.environ.get("CLOISTER_LACKING", "cgroup")
WALLS = [
    "userns", "mountns", "pidns", "ipcns", "utsns", "netns", "cgroupns", "timens",
    "fileview", "descriptors", "capabilities", "nonewprivs", "keyring", "rlimits",
    "landlock", "seccomp", "cgroup", "workspace",
]  # fmt: skip
ALL_WALLS = (1 << len(WALLS)) - 1


def integer(width, value):
    return value.to_bytes(width, "little")


def data(value):
    return integer(4, len(value)) + value


def text(value):
    return data(value.encode(errors="surrogateescape"))


class Reader:
    def __init__(self, data):
        self.rest = data

    def take(self, count):
        assert len(self.rest) >= count, "the message ends inside a field"
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def integer(self, width):
        return int.from_bytes(self.take(width), "little")

    def data(self):
        return self.take(self.integer(4))

    def text(self):
        return self.data().decode()


@dataclasses.dataclass
class Limits:
    memory_high: int = 1 << 30
    memory_most: int = 2 << 30
    swap_most: int = 0
    tasks: int = 512
    cpu_percent: int = 200
    cpu_weight: int = 100
    io_weight: int = 100
    open_files: int = 1024
    file_bytes: int = 1 << 30
    locked_bytes: int = 64 << 10
    temporary_bytes: int = 256 << 20
    workspace_bytes: int = 64 << 20

    def encode(self):
        values = dataclasses.astuple(self)
        return b"".join(integer(4 if 3 <= place <= 6 else 8, value) for place, value in enumerate(values))


def plan(application="test", ephemeral=True, limits=None, trees=(), may_lack=ALL_WALLS):
    """Of celld's best effort, a cell may lack all that celld was told that it may."""
    return (
        integer(2, 1)
        + text(application)
        + integer(1, ephemeral)
        + (limits or Limits()).encode()
        + integer(4, may_lack)
        + integer(2, len(trees))
        + b"".join(text(path) + integer(1, writable) for path, writable in trees)
    )


def command(
    arguments, environment=(), directory="", as_root=False, has_input=False, timeout=60, most=256 << 10, limits=None,
    may_lack=ALL_WALLS,
):
    """A command on the host, as cloisterd asks for it."""
    lists = b"".join(
        integer(4, len(words)) + b"".join(text(word) for word in words) for words in (arguments, environment)
    )
    return (
        lists
        + text(directory)
        + integer(1, as_root)
        + integer(1, has_input)
        + integer(4, int(timeout * 1000))
        + integer(4, most)
        + (limits or Limits()).encode()
        + integer(4, may_lack)
    )


def sealed(content):
    """What a command reads: a file that nobody can change any more."""
    file = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL)
    return os.fdopen(file, "rb")


@dataclasses.dataclass
class Refusal(Exception):
    wall: str | None
    reason: str
    remedy: str


class Cell:
    """A cell that stands: its process, its socket, its gaps."""

    def __init__(self, number, pidfd, work, landlock, gaps):
        self.number, self.pidfd, self.landlock, self.gaps = number, pidfd, landlock, gaps
        self.work = work
        self.calls = 0

    def send(self, kind, payload):
        self.calls += 1
        self.work.sendall(integer(4, len(payload) + 5) + integer(4, self.calls) + integer(1, kind) + payload)
        return self.calls

    def receive(self):
        """One frame: call, kind, payload."""
        length = int.from_bytes(self._exactly(4), "little")
        frame = Reader(self._exactly(length))
        return frame.integer(4), frame.integer(1), frame.rest

    def _exactly(self, count):
        taken = b""
        while len(taken) < count:
            more = self.work.recv(count - len(taken))
            if not more:
                raise EOFError("the cell has ended")
            taken += more
        return taken

    def start(self, arguments, environment=None, directory="", stdin=b"", timeout=60, most=256 << 10):
        environment = environment or ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/workspace", "LANG=C.UTF-8"]
        lists = b"".join(
            integer(4, len(words)) + b"".join(text(word) for word in words) for words in (arguments, environment)
        )
        request = integer(1, 1) + lists + text(directory) + data(stdin)
        return self.send(2, request + integer(4, int(timeout * 1000)) + integer(4, most))

    def finish(self, call):
        """The end of a program: (ended, stdout, stderr)."""
        streams = {20: b"", 21: b""}
        while True:
            number, kind, payload = self.receive()
            if number != call:
                continue
            if kind in streams:
                streams[kind] += payload
                continue
            if kind == 19:
                raise Failure(payload)
            return End(Reader(payload)), streams[20], streams[21]

    def run(self, *arguments, **options):
        return self.finish(self.start(list(arguments), **options))

    def shell(self, line, **options):
        return self.run("sh", "-c", line, **options)

    def cancel(self, call):
        self.work.sendall(integer(4, 5) + integer(4, call) + integer(1, 3))

    def close(self):
        self.work.close()
        os.close(self.pidfd)


class Failure(Exception):
    def __init__(self, payload):
        reader = Reader(payload)
        self.kind, self.call, self.errno = reader.integer(1), reader.text(), reader.integer(4)
        self.path, self.message = reader.text(), reader.text()
        super().__init__(self.message)


class End:
    def __init__(self, reader):
        assert reader.integer(1) == 1
        signalled, status = reader.integer(1), reader.integer(1)
        self.exit, self.signal = (None, status) if signalled else (status, None)
        self.timed_out, self.out_of_memory = bool(reader.integer(1)), bool(reader.integer(1))
        self.cpu, self.wall, self.peak = (reader.integer(8) for _ in range(3))
        self.output_bytes, self.error_bytes = reader.integer(8), reader.integer(8)
        self.output_file, self.error_file = reader.text(), reader.text()


class Celld:
    """A cloister-celld of our own, by its connected socket."""

    def __init__(self, best_effort="", state=None, inject="", inject_cells="", spares=0, options=(), inside=()):
        self.temporary = None if state else tempfile.TemporaryDirectory(prefix="cells.")
        self.state = state or self.temporary.name
        os.chmod(self.state, 0o755)
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(30)
        # None waits for the next cell, unless a test wants it: what is there is then of cells that were asked for.
        command = [*inside, os.path.abspath(os.path.join(BINARIES, "cloister-celld")), "--state", self.state, "--spares", str(spares), *options]
        if best_effort:
            command += ["--best-effort", best_effort]
        environment = dict(os.environ, CLOISTER_INJECT=inject, CLOISTER_INJECT_CELL=inject_cells)
        with other:
            self.process = subprocess.Popen(
                command + ["--connection", str(other.fileno())], pass_fds=[other.fileno()], env=environment,
                stderr=subprocess.PIPE,
            )
        self.cells = 0

    def ask(self, encoded_plan, client=None):
        """Sends a plan with a client's socket (one of our own user, unless given)."""
        self.cells += 1
        message = integer(1, 1) + integer(4, self.cells) + data(encoded_plan)
        if client is None:
            client, far = socket.socketpair()
            with client, far:
                self._send(message, client)
        else:
            self._send(message, client)
        return self.cells

    def ask_command(self, client, *arguments, stdin=None, **options):
        """Sends a command with its client's socket, and what it reads; its number."""
        self.cells += 1
        encoded = command(arguments, has_input=stdin is not None, **options)
        message = integer(1, 4) + integer(4, self.cells) + encoded
        with contextlib.ExitStack() as stack:
            files = [] if stdin is None else [stack.enter_context(sealed(stdin))]
            self._send(message, client, *files)
        return self.cells

    def start_command(self, client, *arguments, **options):
        """One that runs; like a cell, whose one call is 1."""
        self.ask_command(client, *arguments, **options)
        kind, value = self.reply()
        while kind == "gone":
            kind, value = self.reply()
        if kind == "refused":
            raise value
        return value

    def run_command(self, client, *arguments, **options):
        running = self.start_command(client, *arguments, **options)
        try:
            return running.finish(1)
        finally:
            running.close()

    def _send(self, message, client, *others):
        numbers = [each.fileno() for each in (client, *others)]
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", numbers))]
        self.socket.sendmsg([message], rights)

    def reply(self):
        """One message: ("built", Cell), ("refused", Refusal) or ("gone", number)."""
        message, fds, _, _ = socket.recv_fds(self.socket, 1 << 20, 8)
        if not message:
            raise EOFError("celld has ended")
        reader = Reader(message)
        kind, number = reader.integer(1), reader.integer(4)
        if kind == 1:
            landlock = reader.integer(1)
            gaps = {WALLS[reader.integer(1)]: reader.text() for _ in range(reader.integer(1))}
            work = socket.socket(fileno=fds[1])
            work.settimeout(120)
            return "built", Cell(number, fds[0], work, landlock, gaps)
        if kind == 2:
            wall = reader.integer(1)
            return "refused", Refusal(WALLS[wall - 1] if wall else None, reader.text(), reader.text())
        if kind == 4:
            if reader.integer(1):
                reader.integer(8), reader.integer(8)  # the executable's device and inode
            facts = [reader.text() if reader.integer(1) else None for _ in range(3)]
            return "identified", dict(zip(("executable", "parent", "group"), facts))
        return "gone", number

    def build(self, encoded_plan=None, client=None):
        self.ask(encoded_plan if encoded_plan is not None else plan(), client)
        while True:
            kind, value = self.reply()
            if kind == "built":
                return value
            if kind == "refused":
                raise value

    def identify(self, client):
        """What celld says of the process at the other end of a client's socket."""
        self.cells += 1
        self._send(integer(1, 3) + integer(4, self.cells), client)
        kind, value = self.reply()
        if kind == "refused":
            raise value
        return value

    def knock(self):
        """Returns when celld serves: it refuses a plan without a client."""
        self.cells += 1
        self.socket.send(integer(1, 1) + integer(4, self.cells) + data(plan()))
        return self.wait_for("refused")

    def end(self, cell):
        """Asks for a cell's end."""
        self.socket.send(integer(1, 2) + integer(4, cell.number))

    def wait_for(self, kind):
        """The next message, which has to be of this kind."""
        got, value = self.reply()
        assert got == kind, (got, value)
        return value

    def log(self):
        """All that it had to say, once it has ended."""
        self.process.wait(20)
        return self.process.stderr.read().decode()

    def stop(self):
        self.socket.close()
        self.process.wait(20)
        self.process.stderr.close()
        if self.temporary:
            self.temporary.cleanup()


@contextlib.contextmanager
def celld(**options):
    keeper = Celld(**options)
    try:
        yield keeper
    finally:
        keeper.stop()
