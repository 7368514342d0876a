"""A tap on an MCP connection: `python tap.py LOGFILE -- COMMAND ARGS...`

Runs COMMAND with its standard input and output piped through here, byte for byte, and appends every
line to LOGFILE: `>` before what the client sent, `<` before what the server sent. A client that
launches the tap instead of COMMAND notices no difference, and every message is on record.

A line is recorded before it is passed on. So a request always stands above its answer, and an answer
above whatever the client did because of it.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

CHUNK = 65536
PR_SET_PDEATHSIG = 1


class Recording:
    """The log file, written one whole line at a time, by two threads."""

    def __init__(self, path: str):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self.lock = threading.Lock()

    def add(self, direction: bytes, line: bytes) -> None:
        with self.lock:
            write_all(self.fd, direction + line + b"\n")


class Lines:
    """Cuts a stream of chunks into lines. Keeps an unfinished line in pieces: joining it anew for
    every chunk would take a 5 MB line quadratic time."""

    def __init__(self):
        self.pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            self.pieces.append(chunk)
            return []
        lines = (b"".join(self.pieces) + head).split(b"\n")
        self.pieces = [tail]
        return lines

    def rest(self) -> list[bytes]:
        rest = b"".join(self.pieces)
        return [rest] if rest else []


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def pump(source: int, sink: int, recording: Recording, direction: bytes) -> None:
    """Copies source to sink until either end closes, then closes both ends: the reader sees the end
    of input, and the writer a broken pipe, just as they would without the tap between them."""
    lines = Lines()
    try:
        while chunk := os.read(source, CHUNK):
            for line in lines.feed(chunk):
                recording.add(direction, line)
            write_all(sink, chunk)
    except OSError:
        pass
    for line in lines.rest():
        recording.add(direction, line)
    for fd in (sink, source):
        try:
            os.close(fd)
        except OSError:
            pass


def die_with_parent() -> None:
    """Runs in the child before exec: ends it even when the tap is killed with SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main(arguments: list[str]) -> int:
    if len(arguments) < 3 or arguments[1] != "--":
        print("usage: tap.py LOGFILE -- COMMAND ARGS...", file=sys.stderr)
        return 2
    recording = Recording(arguments[0])
    child = subprocess.Popen(
        arguments[2:],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent,
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: child.send_signal(received))

    # The tap's own descriptors are closed by the pumps; Popen must not close those numbers again.
    inward, outward = os.dup(child.stdin.fileno()), os.dup(child.stdout.fileno())
    child.stdin.close()
    child.stdout.close()
    threading.Thread(target=pump, args=(0, inward, recording, b">"), daemon=True).start()
    answers = threading.Thread(target=pump, args=(outward, 1, recording, b"<"), daemon=True)
    answers.start()

    status = child.wait()
    answers.join(timeout=10)  # what the child wrote last may still be on its way to the client
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    # Not sys.exit: the thread that reads standard input may be blocked there for good.
    os._exit(main(sys.argv[1:]))
