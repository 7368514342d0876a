"""The wire validator finds what it is there to find, and nothing in a correct conversation."""

import json

import pytest

import validate_wire

LEGACY = [revision for revision in validate_wire.REVISIONS if revision != "2026-07-28"]
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture(scope="session")
def schemas():
    return validate_wire.Schemas(validate_wire.SCHEMAS)


@pytest.fixture
def violations(schemas, tmp_path):
    """Validates a conversation of (direction, message) and returns the report's lines."""

    def validate(*lines):
        path = tmp_path / "conversation.wire"
        with path.open("wb") as file:
            for direction, message in lines:
                raw = message if isinstance(message, bytes) else json.dumps(message).encode()
                file.write(direction.encode() + raw + b"\n")
        return validate_wire.validate_file(path, schemas)[1]

    return validate


def ask(identifier, method, **params):
    return ">", {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}


def answer(identifier, **result):
    return "<", {"jsonrpc": "2.0", "id": identifier, "result": result}


def refuse(identifier, code, **error):
    error = {"code": code, "message": "no", **error}
    return "<", {"jsonrpc": "2.0", "id": identifier, "error": error}


def notify(method, **params):
    return "<", {"jsonrpc": "2.0", "method": method, "params": params}


def handshake(revision):
    info = {"name": "x", "version": "1"}
    yield ask(0, "initialize", protocolVersion=revision, capabilities={}, clientInfo=info)
    yield answer(0, protocolVersion=revision, capabilities={"tools": {}}, serverInfo=info)


def only(report, *words):
    """The report has one line, and it says all the words."""
    assert len(report) == 1, report
    assert all(word in report[0] for word in words), report[0]


TOOL = {"name": "a", "inputSchema": {"type": "object", "additionalProperties": False}}
TEXT = {"type": "text", "text": "x"}


@pytest.mark.parametrize("revision", LEGACY)
def test_a_correct_legacy_conversation_has_no_violations(violations, revision):
    assert not violations(
        *handshake(revision),
        (">", {"jsonrpc": "2.0", "method": "notifications/initialized"}),
        ask(1, "ping"),
        answer(1),
        ask("1", "tools/list"),
        answer("1", tools=[TOOL], nextCursor="b"),
        ask(2, "tools/call", name="a", _meta={"progressToken": "t"}),
        notify("notifications/progress", progressToken="t", progress=0.5, total=1),
        notify("notifications/message", level="info", data="x"),
        notify("notifications/tools/list_changed"),
        answer(2, content=[TEXT]),
        (">", b"\xff{not json"),
        refuse(None, -32700),
        ask(3, "tools/call", name="b"),
        refuse(3, -32602),
    )


def test_a_correct_modern_conversation_has_no_violations(violations):
    mark = {"io.modelcontextprotocol/subscriptionId": "s"}
    log = {**ENVELOPE, "io.modelcontextprotocol/logLevel": "info", "progressToken": 7}
    hints = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    versions = ["2026-07-28", "2025-11-25"]
    unsupported = {"supported": versions, "requested": "2099-01-01"}
    future = {**ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}
    assert not violations(
        ask(1, "server/discover", _meta=ENVELOPE),
        answer(1, supportedVersions=versions, capabilities={"tools": {"listChanged": True}}, **hints),
        ask(2, "tools/list", _meta=ENVELOPE),
        answer(2, tools=[TOOL], **hints),
        ask("s", "subscriptions/listen", notifications={"toolsListChanged": True}, _meta=ENVELOPE),
        notify(
            "notifications/subscriptions/acknowledged",
            notifications={"toolsListChanged": True},
            _meta=mark,
        ),
        ask(3, "tools/call", name="a", _meta=log),
        notify("notifications/message", level="error", data="x"),
        notify("notifications/progress", progressToken=7, progress=1),
        answer(3, content=[TEXT], structuredContent=[1.5, None], resultType="complete"),
        notify("notifications/tools/list_changed", _meta=mark),
        ask(4, "tools/list", _meta=future),
        refuse(4, -32022, data=unsupported),
        answer("s", resultType="complete", _meta=mark),
    )


def test_a_ping_before_anything_is_decided_is_answered_in_the_legacy_way(violations):
    assert not violations(ask(1, "ping"), answer(1))


@pytest.mark.parametrize("revision", LEGACY)
def test_it_finds_a_field_of_the_wrong_type(violations, revision):
    report = violations(*handshake(revision), ask(1, "tools/list"), answer(1, tools=[{**TOOL, "name": 5}]))
    only(report, "5 is not of type 'string'", f"{revision}#ListToolsResult/")


def test_it_finds_a_misspelt_field(violations):
    report = violations(
        *handshake("2025-06-18"), ask(1, "tools/call", name="a"), answer(1, content=[], is_error=True)
    )
    only(report, "is_error")


def test_it_finds_content_of_a_kind_the_revision_does_not_have(violations):
    link = {"type": "resource_link", "uri": "file:///x", "name": "x"}
    call = ask(1, "tools/call", name="a"), answer(1, content=[link])
    assert not violations(*handshake("2025-06-18"), *call)
    only(violations(*handshake("2025-03-26"), *call), "2025-03-26#CallToolResult")


def test_it_finds_a_missing_result_type(violations):
    report = violations(ask(1, "tools/call", name="a", _meta=ENVELOPE), answer(1, content=[]))
    assert any("resultType" in line for line in report)


@pytest.mark.parametrize("member", [{"resultType": "complete"}, {"ttlMs": 0}, {"cacheScope": "private"}])
def test_it_finds_a_modern_member_in_a_legacy_result(violations, member):
    only(violations(*handshake("2025-11-25"), ask(1, "ping"), answer(1, **member)), *member)


def test_it_finds_an_unsupported_version_error_without_its_data(violations):
    report = violations(ask(1, "tools/list", _meta=ENVELOPE), refuse(1, -32022))
    only(report, "UnsupportedProtocolVersionError")


def test_it_finds_a_second_answer(violations):
    only(violations(*handshake("2025-11-25"), ask(1, "ping"), answer(1), answer(1)), "second answer")


def test_an_id_may_be_used_again_once_it_is_answered(violations):
    report = violations(*handshake("2025-11-25"), ask(1, "ping"), answer(1), ask(1, "ping"), answer(1))
    assert not report


def test_what_is_no_message_may_be_refused_under_its_id(violations):
    assert not violations((">", {"jsonrpc": "2.0", "id": 5}), refuse(5, -32600))


@pytest.mark.parametrize("asked, answered", [(1, "1"), ("1", 1), (1, 2)])
def test_it_finds_an_answer_that_no_request_asked_for(violations, asked, answered):
    report = violations(*handshake("2025-11-25"), ask(asked, "ping"), answer(answered))
    only(report, f"answers id {answered!r}")


def test_batches_are_for_one_revision_only(violations):
    batch = [ask(1, "ping")[1], ask(2, "ping")[1]]
    answers = [answer(2)[1], answer(1)[1]]
    exchange = (">", batch), ("<", answers)
    assert not violations(*handshake("2025-03-26"), *exchange)
    only(violations(*handshake("2025-06-18"), *exchange), "batch")


def test_it_finds_progress_after_the_answer(violations):
    report = violations(
        *handshake("2025-11-25"),
        ask(1, "tools/call", name="a", _meta={"progressToken": 1}),
        answer(1, content=[]),
        notify("notifications/progress", progressToken=1, progress=1),
    )
    only(report, "progress after the answer")


def test_it_finds_progress_that_does_not_advance(violations):
    report = violations(
        *handshake("2025-11-25"),
        ask(1, "tools/call", name="a", _meta={"progressToken": 1}),
        notify("notifications/progress", progressToken=1, progress=1),
        notify("notifications/progress", progressToken=1, progress=1),
    )
    only(report, "does not exceed")


def test_it_finds_a_change_that_no_modern_client_subscribed_to(violations):
    report = violations(ask(1, "tools/list", _meta=ENVELOPE), notify("notifications/tools/list_changed"))
    only(report, "without a subscription")


def test_it_finds_a_log_message_that_no_modern_request_asked_for(violations):
    report = violations(
        ask(1, "tools/call", name="a", _meta=ENVELOPE),
        notify("notifications/message", level="info", data="x"),
    )
    only(report, "no open request asked for")


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"\xff", b'{"jsonrpc":"2.0","id":1,"result":{"a":NaN}}', b"5", b"\xef\xbb\xbf{}"],
)
def test_it_finds_a_line_that_is_no_message(violations, line):
    only(violations(*handshake("2025-11-25"), ("<", line)))


def test_it_succeeds_only_if_it_has_seen_messages(schemas, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(validate_wire, "Schemas", lambda _: schemas)
    arguments = [str(tmp_path)]
    assert validate_wire.main(arguments) == 1
    (tmp_path / "a.wire").write_text(
        '>{"jsonrpc":"2.0","id":1,"method":"ping"}\n<{"jsonrpc":"2.0","id":1,"result":{}}\n'
    )
    assert validate_wire.main(arguments) == 0
    assert capsys.readouterr().out.endswith("1 messages validated, 0 violations\n")


def test_an_error_without_an_id_may_only_refuse_what_was_not_understood_or_the_whole_connection(violations):
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "too many sessions"}}
    line = ("<", json.dumps(error).encode())
    assert violations(line) == []
    only(violations(*handshake("2025-11-25"), line), "null id")
