"""A bus that says more of its callers than this machine's: the real one, with a relay in front, which adds to each answer
of GetConnectionCredentials a descriptor of the process, as dbus 1.16 and dbus-broker 35 do, and a security label.

Whoever connects by the relay is on the bus as the test's own user.
"""

import array
import os
import socket
import struct
import threading

CALL, RETURN = 1, 2
# Fields of a message's header.
MEMBER, REPLY_SERIAL, UNIX_FDS = 3, 5, 9
MOST_DESCRIPTORS = 64


def padded(data, to):
    return data + bytes(-len(data) % to)


class Message:
    """One of the little endian, whole."""

    def __init__(self, data):
        self.kind, (self.body_length, self.serial, self.fields_length) = data[1], struct.unpack_from("<III", data, 4)
        self.head, self.fields = data[:12], data[16 : 16 + self.fields_length]
        self.body = data[len(data) - self.body_length :]
        self.known = dict(self.each_field())

    @staticmethod
    def length(data):
        """Of the message that begins here; `None` where that is not known yet."""
        if len(data) < 16:
            return None
        assert data[:1] == b"l", data[:16]
        body, _, fields = struct.unpack_from("<III", data, 4)
        return 16 + fields + -fields % 8 + body

    def each_field(self):
        place = 0
        while place < len(self.fields):
            place += -place % 8
            code, kind = self.fields[place], chr(self.fields[place + 2])
            [number] = struct.unpack_from("<I", self.fields, place + 4) if kind != "g" else [self.fields[place + 4]]
            if kind == "u":
                yield code, number
                place += 8
            else:
                start = place + (5 if kind == "g" else 8)
                yield code, self.fields[start : start + number].decode()
                place = start + number + 1

    def with_more(self, label):
        """An `a{sv}` with two entries more; the descriptor comes beside it."""
        body = padded(self.body, 8)
        body += struct.pack("<I", 9) + b"ProcessFD\0" + b"\x01h\0"
        body = padded(body, 4) + struct.pack("<I", 0)
        body = padded(body, 8) + struct.pack("<I", 18) + b"LinuxSecurityLabel\0" + b"\x02ay\0"
        body = padded(body, 4) + struct.pack("<I", len(label) + 1) + label + b"\0"
        # Entries begin at a multiple of eight.
        body = struct.pack("<I", len(body) - 8) + body[4:]
        fields = padded(self.fields, 8) + struct.pack("<B3sI", UNIX_FDS, b"\x01u\0", 1)
        head = self.head[:4] + struct.pack("<I", len(body)) + self.head[8:12]
        return padded(head + struct.pack("<I", len(fields)) + fields, 8) + body

    def process(self):
        """What the bus says of the process, by its number."""
        place = self.body.index(b"ProcessID\0\x01u\0") + len(b"ProcessID\0\x01u\0")
        return struct.unpack_from("<I", self.body, place + -place % 4)[0]


class NewerBus:
    def __init__(self, address, directory, label=b"relayed_t"):
        self.real, self.label = address.removeprefix("unix:path="), label
        path = os.path.join(directory, "newer-bus.sock")
        self.address = f"unix:path={path}"
        self.answered = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            bus = socket.socket(socket.AF_UNIX)
            bus.connect(self.real)
            asked = set()
            for source, sink, change in (client, bus, self.note), (bus, client, self.add):
                threading.Thread(target=self.relay, args=(source, sink, change, asked), daemon=True).start()

    @staticmethod
    def note(message, asked):
        if message.kind == CALL and message.known.get(MEMBER) == "GetConnectionCredentials":
            asked.add(message.serial)

    def add(self, message, asked):
        """What goes out instead of an answer of the bus, and with what."""
        if message.kind != RETURN or message.known.get(REPLY_SERIAL) not in asked:
            return None
        asked.remove(message.known[REPLY_SERIAL])
        self.answered += 1
        return message.with_more(self.label), os.pidfd_open(message.process())

    def relay(self, source, sink, change, asked):
        """Message for message, so that a descriptor stays with the one that it belongs to."""
        data, descriptors = b"", []
        try:
            while True:
                new, ancillary, _, _ = source.recvmsg(1 << 16, socket.CMSG_SPACE(4 * MOST_DESCRIPTORS))
                for _, _, raw in ancillary:
                    descriptors += array.array("i", raw)
                if not new:
                    break
                data = self.pass_on(data + new, descriptors, sink, change, asked)
        except OSError:
            pass
        for each in source, sink:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def pass_on(self, data, descriptors, sink, change, asked):
        """What is left when all that is whole has gone out."""
        while data:
            if data[:1] != b"l":
                # How the two get to know each other: lines, of which the first begins with a NUL.
                line, end, rest = data.partition(b"\r\n")
                if not end:
                    break
                sink.sendall(line + end)
                data = rest
                continue
            length = Message.length(data)
            if length is None or len(data) < length:
                break
            message, out = Message(data[:length]), data[:length]
            data = data[length:]
            count = message.known.get(UNIX_FDS, 0)
            passed, descriptors[:count] = descriptors[:count], []
            if changed := change(message, asked):
                out, descriptor = changed
                passed = [descriptor]
            self.send(sink, out, passed)
        return data

    @staticmethod
    def send(sink, out, passed):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", passed))] if passed else []
        sent = sink.sendmsg([out], rights)
        sink.sendall(out[sent:])
        for each in passed:
            os.close(each)

    def close(self):
        self.listener.close()
