"""Holds recorded connections against the protocol: `python validate_wire.py WIRE_DIR`

Every *.wire file is one connection. A line starts with `>` (client to server: anything, broken on
purpose at times) or `<` (server to client: must always be right). Each server message is validated
against the JSON schema of the revision in force for it:

    the answer to a request      the revision its `_meta` names (modern), else the negotiated one
    an `initialize` result       the revision it names itself
    a notification               the revision of the request or subscription it belongs to
    nothing decided yet          the newest revision that knows the method

The schemas are lenient: result definitions are open objects, and their unions accept nearly anything.
So a message is validated as the one definition it has to be, and once more against that definition
with all its objects closed, taken from the newest revision of the era. (Fields which an older
revision does not know are harmless; fields which no revision knows are mistakes.)

What schemas cannot say is checked here: one answer for each id, no progress after it, batches only in
2025-03-26, legacy results without the modern members, subscriptions acknowledged first.
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from jsonschema import FormatChecker
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for

# Oldest first. An enumeration: revisions are not ordered by comparing their names.
REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")

# Holds REVISION/schema.json.
SCHEMAS = Path(__file__).parent / "schemas"

META_PROTOCOL_VERSION = "io.modelcontextprotocol/protocolVersion"
META_LOG_LEVEL = "io.modelcontextprotocol/logLevel"
META_SERVER_INFO = "io.modelcontextprotocol/serverInfo"
META_SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"

MODERN_RESULT_MEMBERS = ("resultType", "ttlMs", "cacheScope")
MAY_REQUIRE_INPUT = ("tools/call", "prompts/get", "resources/read")
LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

sys.set_int_max_str_digits(0)  # numbers are echoed at any length
sys.setrecursionlimit(10_000)  # and values at any depth

Violation = tuple[str, str]  # what is wrong, and the path of the schema that says so (or "")


# MARK: Schemas

formats = FormatChecker(formats=())


@formats.checks("byte", raises=ValueError)
def is_base64(value: Any) -> bool:
    return not isinstance(value, str) or base64.b64decode(value, validate=True) is not None


@formats.checks("uri")
def is_uri(value: Any) -> bool:
    return not isinstance(value, str) or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:\S+$", value) is not None


def closed(node: Any, name: str = "") -> Any:
    """The same schema with every object closed to members it does not define, except where members
    are the user's own: metadata, and JSON schemas carried as values."""
    if isinstance(node, list):
        return [closed(item, name) for item in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        carried = key in ("inputSchema", "outputSchema", "requestedSchema", "allOf")
        result[key] = value if carried or key.endswith("MetaObject") else closed(value, key)
    if "properties" in node and (name == "Result" or "additionalProperties" not in node):
        result["additionalProperties"] = False
    return result


class Revision:
    """One revision's schema, and which of its definitions belongs to which method or error code."""

    def __init__(self, name: str, schema: dict):
        self.name = name
        self.schemas = {False: schema, True: closed(copy.deepcopy(schema))}
        self.container = "$defs" if "$defs" in schema else "definitions"
        self.definitions = schema[self.container]
        self.validators: dict[tuple[str, bool], Any] = {}
        self.results: dict[str, str] = {}
        self.requests: dict[str, str] = {}
        self.notifications: dict[str, str] = {}
        self.errors: dict[int, str] = {}  # `error` objects
        self.error_messages: dict[int, str] = {}  # whole messages
        for definition, content in self.definitions.items():
            self.index(definition, content.get("properties", {}))
        self.modern = "initialize" not in self.results
        self.id_required = "id" in self.definitions[self.envelope("error")]["required"]

    def index(self, definition: str, properties: dict) -> None:
        method = properties.get("method", {}).get("const")
        if method and definition.endswith("Request"):
            result = definition.removesuffix("Request") + "Result"
            self.requests[method] = definition
            self.results[method] = result if result in self.definitions else "EmptyResult"
        elif method and definition.endswith("Notification"):
            self.notifications[method] = definition
        elif "const" in properties.get("code", {}):
            self.errors[properties["code"]["const"]] = definition
        else:
            for part in properties.get("error", {}).get("allOf", ()):
                if "const" in (code := part.get("properties", {}).get("code", {})):
                    self.error_messages[code["const"]] = definition

    def envelope(self, kind: str) -> str:
        """The JSON-RPC definitions have changed their names once."""
        names = {
            "request": ("JSONRPCRequest",),
            "notification": ("JSONRPCNotification",),
            "result": ("JSONRPCResultResponse", "JSONRPCResponse"),
            "error": ("JSONRPCErrorResponse", "JSONRPCError"),
        }
        return next(name for name in names[kind] if name in self.definitions)

    def problems(self, definition: str, value: Any, strict: bool = False) -> Iterator[Violation]:
        validator = self.validators.get((definition, strict))
        if validator is None:
            schema = self.schemas[strict]
            root = {key: schema[key] for key in ("$schema", self.container)}
            root["$ref"] = f"#/{self.container}/{definition}"
            validator = validator_for(root)(root, format_checker=formats)
            self.validators[definition, strict] = validator
        error = best_match(validator.iter_errors(value))
        if error is not None:
            where = "/".join(str(step) for step in error.absolute_path)
            path = "/".join(str(step) for step in list(error.absolute_schema_path)[1:])
            message = error.message if len(error.message) < 300 else error.message[:300] + "..."
            yield (f"{where or 'the whole value'}: {message}", f"{self.name}#{definition}/{path}")


class Schemas:
    def __init__(self, directory: Path):
        self.revisions = {
            name: Revision(name, json.loads((directory / name / "schema.json").read_text()))
            for name in REVISIONS
        }
        self.newest = self.revisions[REVISIONS[-1]]
        self.newest_legacy = next(
            self.revisions[name] for name in reversed(REVISIONS) if not self.revisions[name].modern
        )

    def newest_with(self, method: str) -> Revision:
        known = (self.revisions[name] for name in reversed(REVISIONS))
        return next((revision for revision in known if method in revision.results), self.newest)

    def specific(self, revision: Revision, definition: str, value: Any) -> Iterator[Violation]:
        """As the revision defines it; and if that holds, with no member that its era does not know."""
        found = list(revision.problems(definition, value))
        era = self.newest if revision.modern else self.newest_legacy
        if not found and definition in era.definitions:
            found = [
                (f"{what} (closed: no revision of the era knows it)", path)
                for what, path in era.problems(definition, value, strict=True)
            ]
        yield from found


# MARK: Connections


def key_of(identifier: Any) -> tuple[type, Any] | None:
    """1 and "1" are different ids, as are 1 and true: Python alone would call some of them equal."""
    return (type(identifier), identifier) if type(identifier) in (int, str) else None


def meta_of(value: Any) -> dict:
    """The `_meta` of params or of a result; empty if there is none, or no sensible one."""
    meta = value.get("_meta") if isinstance(value, dict) else None
    return meta if isinstance(meta, dict) else {}


@dataclass
class Request:
    """A client's request, as long as it is of interest."""

    id: Any
    method: str
    meta: dict
    last_progress: float | None = None
    answered: bool = False
    acknowledged: bool = False

    @property
    def modern(self) -> bool:
        return META_PROTOCOL_VERSION in self.meta


class Connection:
    """Follows one connection, line by line."""

    def __init__(self, schemas: Schemas):
        self.schemas = schemas
        self.negotiated: Revision | None = None
        self.requests: dict[Any, Request] = {}
        self.tokens: dict[Any, Request] = {}
        self.messages = 0

    # What the client sends is only taken note of.

    def client_line(self, line: bytes) -> None:
        try:
            value = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return
        for message in value if isinstance(value, list) else [value]:
            # Even without a method: what is not a message is refused under its id, if it has one.
            if not isinstance(message, dict):
                continue
            if "method" in message or not message.keys() & {"result", "error"}:
                self.client_message(message)

    def client_message(self, message: dict) -> None:
        key = key_of(message.get("id"))
        before = self.requests.get(key)
        if key is None or (before is not None and not before.answered):
            return  # a notification, or an id still in use: nothing may be answered for this one
        request = Request(message["id"], str(message.get("method")), meta_of(message.get("params")))
        self.requests[key] = request
        if (token := key_of(request.meta.get("progressToken"))) is not None:
            self.tokens[token] = request

    # What the server sends is judged.

    def server_line(self, line: bytes) -> Iterator[Violation]:
        self.messages += 1
        try:
            message = json.loads(line.decode("utf-8"), parse_constant=reject_constant)
        except (ValueError, RecursionError) as error:
            yield f"not a line of JSON in UTF-8: {error}", ""
            return
        if not isinstance(message, list):
            yield from self.server_message(message)
            return
        if self.negotiated is None or "JSONRPCBatchResponse" not in self.negotiated.definitions:
            yield "a batch, in a revision without batches", ""
        else:
            # With a stand-in where an id is null; see error().
            known = [e | {"id": 0} if isinstance(e, dict) and e.get("id", 0) is None else e for e in message]
            yield from self.negotiated.problems("JSONRPCBatchResponse", known)
            if not message:
                yield "an empty batch", ""
        for element in message:
            yield from self.server_message(element)

    def server_message(self, message: Any) -> Iterator[Violation]:
        if not isinstance(message, dict):
            yield "a message that is not an object", ""
            return
        if unknown := message.keys() - {"jsonrpc", "id", "method", "params", "result", "error"}:
            yield f"members that JSON-RPC does not know: {sorted(unknown)}", ""
        if len(message.keys() & {"method", "result", "error"}) != 1:
            yield "neither a request, a notification, a result nor an error", ""
        elif "result" in message:
            yield from self.result(message)
        elif "error" in message:
            yield from self.error(message)
        elif "id" in message:
            yield from self.server_request(message)
        else:
            yield from self.notification(message)

    def settle(self, message: dict) -> tuple[Request | None, list[Violation]]:
        """Finds the request that a response answers, and takes note that it is answered.

        An answer to a cancelled request is let pass: it may have crossed the cancellation.
        """
        request = self.requests.get(key_of(message.get("id")))
        if request is None:
            return None, [(f"answers id {message.get('id')!r}, which no request has", "")]
        if request.answered:
            return request, [(f"a second answer to id {request.id!r}", "")]
        request.answered = True
        return request, []

    def result(self, message: dict) -> Iterator[Violation]:
        request, violations = self.settle(message)
        yield from violations
        result, revision = message["result"], self.in_force(request)
        if request is None or not isinstance(result, dict):
            yield from revision.problems(revision.envelope("result"), message)
            return
        if request.method == "initialize":
            version = str(result.get("protocolVersion"))
            revision = self.schemas.revisions.get(version, self.schemas.newest)
            if revision.modern:
                yield f"initialize agrees on {version}, which it cannot", ""
                return
            self.negotiated = revision
        elif self.negotiated is None and not request.modern:
            revision = self.schemas.newest_with(request.method)
        yield from revision.problems(revision.envelope("result"), message)
        yield from self.result_of(request.method, result, revision)
        if request.method == "subscriptions/listen":
            subscription = meta_of(result).get(META_SUBSCRIPTION, request.id)
            if key_of(subscription) != key_of(request.id):
                yield f"ends subscription {subscription!r} in the answer to {request.id!r}", ""

    def result_of(self, method: str, result: dict, revision: Revision) -> Iterator[Violation]:
        definition = revision.results.get(method)
        if definition is None:
            yield f"a result for {method!r}, which {revision.name} does not have", ""
            return
        if revision.modern:
            kind = result.get("resultType")
            if kind == "input_required":
                definition = "InputRequiredResult"
                if method not in MAY_REQUIRE_INPUT:
                    yield f"{method} may not ask for input", ""
            elif kind != "complete":
                yield f"resultType is {kind!r}", ""
        else:
            leaked = [member for member in MODERN_RESULT_MEMBERS if member in result]
            leaked += [META_SERVER_INFO] if META_SERVER_INFO in meta_of(result) else []
            if leaked:
                yield f"a legacy result with modern members: {', '.join(leaked)}", ""
                return
        yield from self.schemas.specific(revision, definition, result)

    def error(self, message: dict) -> Iterator[Violation]:
        """JSON-RPC 2.0 wants `"id": null` when the request's id cannot be known. MCP's schemas do not
        allow null: the newer ones want the member omitted, the older ones have no way to say it. But
        clients in Python read null, and cannot read an error without the member. So null is what the
        daemon sends, and here the message is validated without it, or with an id in its stead.
        """
        revision = self.in_force(None)
        code = message["error"].get("code") if isinstance(message["error"], dict) else None
        code = code if type(code) is int else None
        if "id" not in message:
            yield "an error without an id (it has to be null if it is unknown)", ""
        elif message["id"] is None:
            # A connection that gets no session is told so before anything else, and answers nothing.
            is_refusal = code == -32603 and self.messages == 1
            if code not in (-32700, -32600) and not is_refusal:
                yield f"error {code} with a null id: the request was understood, so its id is known", ""
            message = {key: value for key, value in message.items() if key != "id"}
            if revision.id_required:
                message["id"] = 0
        else:
            request, violations = self.settle(message)
            yield from violations
            revision = self.in_force(request)
        yield from revision.problems(revision.envelope("error"), message)
        if code in revision.error_messages:
            yield from revision.problems(revision.error_messages[code], message)
        elif code in revision.errors:
            yield from revision.problems(revision.errors[code], message["error"])

    def server_request(self, message: dict) -> Iterator[Violation]:
        revision = self.in_force(None)
        definition = revision.requests.get(str(message["method"]))
        yield from revision.problems(revision.envelope("request"), message)
        if revision.modern:
            yield "a request to the client, which the modern era does not have", ""
        elif definition is None:
            yield f"a request {message['method']!r}, which {revision.name} does not have", ""
        else:
            yield from self.schemas.specific(revision, definition, message)

    def notification(self, message: dict) -> Iterator[Violation]:
        method, params = str(message["method"]), message.get("params")
        params = params if isinstance(params, dict) else {}
        meta, revision = meta_of(params), self.in_force(None)
        if method == "notifications/progress":
            request = self.tokens.get(key_of(params.get("progressToken")))
            revision = self.in_force(request)
            yield from self.progress(request, params)
        elif META_SUBSCRIPTION in meta:
            revision = self.schemas.newest
            yield from self.subscribed(method, meta[META_SUBSCRIPTION])
        elif revision.modern and method == "notifications/message":
            yield from self.log(params)
        elif revision.modern and method == "notifications/cancelled":
            request = self.requests.get(key_of(params.get("requestId")))
            if request is None or request.method != "subscriptions/listen":
                yield "a cancellation by the server of something else than a subscription", ""
        elif revision.modern:
            yield f"{method} without a subscription", ""
        yield from revision.problems(revision.envelope("notification"), message)
        definition = revision.notifications.get(method)
        if definition is None:
            yield f"a notification {method!r}, which {revision.name} does not have", ""
            return
        yield from self.schemas.specific(revision, definition, message)

    def progress(self, request: Request | None, params: dict) -> Iterator[Violation]:
        if request is None:
            yield f"progress for token {params.get('progressToken')!r}, which no request gave", ""
            return
        if request.answered:
            yield f"progress after the answer to id {request.id!r}", ""
        progress = params.get("progress")
        if type(progress) in (int, float):
            if request.last_progress is not None and progress <= request.last_progress:
                yield f"progress {progress} does not exceed {request.last_progress}", ""
            request.last_progress = progress

    def subscribed(self, method: str, identifier: Any) -> Iterator[Violation]:
        request = self.requests.get(key_of(identifier))
        if request is None or request.method != "subscriptions/listen":
            yield f"{method} for subscription {identifier!r}, which no request opened", ""
        elif request.answered and method != "notifications/cancelled":
            # The result ends a subscription; the cancellation that streams are owed as well comes after it.
            yield f"{method} for subscription {identifier!r}, which has ended", ""
        elif method == "notifications/subscriptions/acknowledged":
            request.acknowledged = True
        elif not request.acknowledged:
            yield f"{method} before subscription {identifier!r} was acknowledged", ""

    def log(self, params: dict) -> Iterator[Violation]:
        wanted = [
            LOG_LEVELS.index(level)
            for request in self.requests.values()
            if not request.answered and (level := request.meta.get(META_LOG_LEVEL)) in LOG_LEVELS
        ]
        level = params.get("level")
        if level in LOG_LEVELS and (not wanted or LOG_LEVELS.index(level) < min(wanted)):
            yield f"a log message of level {level}, which no open request asked for", ""

    def in_force(self, request: Request | None) -> Revision:
        if request is not None and request.modern:
            return self.schemas.newest
        return self.negotiated or self.schemas.newest


def reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# MARK: Files


def validate_file(path: Path, schemas: Schemas) -> tuple[int, list[str]]:
    """The number of server messages in the file, and a line for each violation."""
    connection = Connection(schemas)
    report = []
    lines = path.read_bytes().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for number, line in enumerate(lines, start=1):
        found: list[Violation] = []
        if line.startswith(b">"):
            connection.client_line(line[1:])
        elif line.startswith(b"<"):
            found = list(connection.server_line(line[1:]))
        else:
            found = [("a line without a direction", "")]
        for what, schema_path in found:
            report.append(f"{path}:{number}: {what}" + (f" [{schema_path}]" if schema_path else ""))
    return connection.messages, report


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Validate recorded MCP connections.")
    parser.add_argument("wire", type=Path, help="the directory of *.wire files")
    options = parser.parse_args(arguments)
    schemas = Schemas(SCHEMAS)
    messages = violations = 0
    for path in sorted(options.wire.glob("*.wire")):
        count, report = validate_file(path, schemas)
        messages += count
        violations += len(report)
        for line in report:
            print(line)
    print(f"{messages} messages validated, {violations} violations")
    return 1 if violations or not messages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
