"""The reference implementation of DBus, libdbus-1, as far as the tests need it: whatever it says to the daemon, and
whatever it understands of the answers, was not written by us.

Values are written by a signature; a variant is a pair of signature and value. What is read becomes plain Python, and a
descriptor an `int` that belongs to the reader.
"""

import ctypes
import os
import time
from ctypes import POINTER, byref, c_bool, c_char_p, c_double, c_int, c_int64, c_uint32, c_uint64, c_void_p

lib = ctypes.CDLL("libdbus-1.so.3")
POINTERS = """
    dbus_bus_get_unique_name dbus_connection_open_private dbus_connection_pop_message
    dbus_connection_send_with_reply_and_block dbus_message_get_error_name dbus_message_get_interface
    dbus_message_get_member dbus_message_get_path dbus_message_get_sender dbus_message_get_destination
    dbus_message_iter_get_signature dbus_message_new_method_call
"""
for name in POINTERS.split():
    getattr(lib, name).restype = c_char_p if "_get_" in name and "iter" not in name else c_void_p
RETURN = 2
SIGNAL = 4


class Error(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("message", c_char_p), ("flags", c_uint32), ("padding", c_void_p)]

    def __init__(self):
        lib.dbus_error_init(byref(self))


class Iter(ctypes.Structure):
    # Opaque, and smaller than this.
    _fields_ = [("room", c_void_p * 24)]


class DBusError(Exception):
    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


BASIC = {"b": c_uint32, "u": c_uint32, "i": c_int, "h": c_int, "t": c_uint64, "x": c_int64, "d": c_double,
         "s": c_char_p, "o": c_char_p, "g": c_char_p, "y": ctypes.c_ubyte}  # fmt: skip


def split(signature):
    """The first complete type, and what follows it."""
    if signature[0] == "a":
        first, rest = split(signature[1:])
        return "a" + first, rest
    if signature[0] in "({":
        depth = 0
        for place, letter in enumerate(signature):
            depth += (letter in "({") - (letter in ")}")
            if not depth:
                return signature[: place + 1], signature[place + 1 :]
    return signature[0], signature[1:]


def types(signature):
    while signature:
        first, signature = split(signature)
        yield first


def write(place, signature, value):
    kind = signature[0]
    if kind in BASIC:
        raw = value.encode() if kind in "sog" else value
        cell = BASIC[kind](raw)
        assert lib.dbus_message_iter_append_basic(byref(place), ord(kind), byref(cell))
        return
    inside = Iter()
    if kind == "v":
        contained = value[0]
        assert lib.dbus_message_iter_open_container(byref(place), ord("v"), contained.encode(), byref(inside))
        write(inside, contained, value[1])
    elif kind == "a":
        contained = signature[1:]
        assert lib.dbus_message_iter_open_container(byref(place), ord("a"), contained.encode(), byref(inside))
        for each in value.items() if contained[0] == "{" else value:
            write(inside, contained, each)
    else:
        letter = "e" if kind == "{" else "r"
        assert lib.dbus_message_iter_open_container(byref(place), ord(letter), None, byref(inside))
        for contained, each in zip(types(signature[1:-1]), value):
            write(inside, contained, each)
    assert lib.dbus_message_iter_close_container(byref(place), byref(inside))


def read(place):
    kind = chr(lib.dbus_message_iter_get_arg_type(byref(place)))
    if kind in BASIC:
        cell = BASIC[kind]()
        lib.dbus_message_iter_get_basic(byref(place), byref(cell))
        if kind in "sog":
            return cell.value.decode()
        return bool(cell.value) if kind == "b" else cell.value
    inside = Iter()
    lib.dbus_message_iter_recurse(byref(place), byref(inside))
    if kind == "v":
        return read(inside)
    entries = kind == "a" and chr(lib.dbus_message_iter_get_element_type(byref(place))) == "e"
    values = read_all(inside)
    return dict(values) if entries else values if kind == "a" else tuple(values)


def read_all(place):
    values = []
    while lib.dbus_message_iter_get_arg_type(byref(place)):
        values.append(read(place))
        lib.dbus_message_iter_next(byref(place))
    return values


def arguments(message):
    place = Iter()
    return read_all(place) if lib.dbus_message_iter_init(c_void_p(message), byref(place)) else []


class Connection:
    def __init__(self, address):
        error = Error()
        self.raw = c_void_p(lib.dbus_connection_open_private(address.encode(), byref(error)))
        if not self.raw or not lib.dbus_bus_register(self.raw, byref(error)):
            raise DBusError(error.name.decode(), error.message.decode())
        lib.dbus_connection_set_exit_on_disconnect(self.raw, 0)
        self.name = lib.dbus_bus_get_unique_name(self.raw).decode()

    def message(self, destination, path, interface, member, signature="", values=(), interactive=False):
        message = c_void_p(
            lib.dbus_message_new_method_call(
                destination.encode(), path.encode(), interface and interface.encode(), member.encode()
            )
        )
        assert message, "no message"
        if interactive:
            lib.dbus_message_set_allow_interactive_authorization(message, 1)
        place = Iter()
        lib.dbus_message_iter_init_append(message, byref(place))
        for each, value in zip(types(signature), values, strict=True):
            write(place, each, value)
        return message

    def call(self, *words, timeout=30, **options):
        message = self.message(*words, **options)
        error = Error()
        answer = lib.dbus_connection_send_with_reply_and_block(self.raw, message, timeout * 1000, byref(error))
        lib.dbus_message_unref(message)
        if not answer:
            raise DBusError(error.name.decode(), error.message.decode())
        values = arguments(answer)
        lib.dbus_message_unref(c_void_p(answer))
        return values

    def send(self, *words, **options):
        """A call whose answer nobody waits for here."""
        message = self.message(*words, **options)
        assert lib.dbus_connection_send(self.raw, message, None)
        lib.dbus_connection_flush(self.raw)
        lib.dbus_message_unref(message)

    def match(self, rule):
        error = Error()
        lib.dbus_bus_add_match(self.raw, rule.encode(), byref(error))
        assert not error.name, error.message

    def signals(self, seconds=0.5):
        """All that come within so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            lib.dbus_connection_read_write(self.raw, int(left * 1000) + 1)
            while raw := lib.dbus_connection_pop_message(self.raw):
                message = c_void_p(raw)
                if lib.dbus_message_get_type(message) == SIGNAL:
                    text = [
                        each.decode() if (each := getattr(lib, f"dbus_message_get_{field}")(message)) else None
                        for field in ("sender", "destination", "path", "interface", "member")
                    ]
                    yield (*text, arguments(raw))
                lib.dbus_message_unref(message)

    def close(self):
        lib.dbus_connection_close(self.raw)
        lib.dbus_connection_unref(self.raw)


def become(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
