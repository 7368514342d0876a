"""Somebody on the bus, who does what is said on standard input, a line of JSON each, and says what came of it.

    caller.py ADDRESS UID
"""

import json
import os
import socket
import sys

import libdbus


def answer(connection, order):
    match order.pop("do"):
        case "call":
            return {"values": connection.call(*order["words"], **order["options"])}
        case "send":
            connection.send(*order["words"], **order["options"])
            return {}
        case "match":
            connection.match(order["rule"])
            return {}
        case "signals":
            return {"signals": list(connection.signals(order["seconds"]))}
        case "talk":
            # Over a descriptor that a call has brought.
            with socket.socket(fileno=os.dup(order["descriptor"])) as talk:
                talk.settimeout(order.get("seconds", 20))
                talk.sendall(order["text"].encode())
                reader = talk.makefile(encoding="utf-8")
                return {"lines": [reader.readline() for _ in range(order["lines"])]}


def main():
    libdbus.become(int(sys.argv[2])) if sys.argv[2] != "0" else None
    connection = libdbus.Connection(sys.argv[1])
    print(json.dumps({"name": connection.name, "pid": os.getpid()}), flush=True)
    for line in sys.stdin:
        try:
            said = answer(connection, json.loads(line))
        except libdbus.DBusError as error:
            said = {"error": error.name, "message": error.message}
        except OSError as error:
            said = {"failed": str(error)}
        print(json.dumps(said), flush=True)


main()
