"""Bytes on the line that the SDK cannot or will not send."""

import json
from decimal import Decimal

import pytest

from clients import LEGACY


def number(literal: str):
    """A JSON number as its exact value and whether it was written as an integer."""
    return Decimal(literal), literal.lstrip("-").isdigit()


def test_numbers_are_echoed_without_loss(fixture_daemon, connect_raw, era):
    literals = [
        "9223372036854775808",
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "1e400",
        "-1e-400",
        "1.0",
        "0.1000000000000000055511151231257827",
        "0",
    ]
    with connect_raw(fixture_daemon) as connection:
        envelope = connection.open(era)
        params = json.dumps({"name": "fixture_echo", "arguments": {"value": 0}, **envelope})
        for identifier, literal in enumerate(literals):
            echo = params.replace('"value": 0', f'"value": {literal}')
            request = f'{{"jsonrpc":"2.0","id":{identifier},"method":"tools/call","params":{echo}}}'
            connection.send(request.encode())
            result = json.loads(connection.receive(), parse_float=number, parse_int=number)["result"]
            value = result.get("structuredContent")
            if value is None:
                assert not era.since("2025-06-18")
                text = result["content"][0]["text"]
                value = json.loads(text, parse_float=number, parse_int=number)
            assert value == {"value": number(literal)}


def test_an_id_is_given_back_as_it_came(fixture_daemon, connect_raw, era):
    with connect_raw(fixture_daemon) as connection:
        envelope = connection.open(era)
        for identifier in [0, -1, 1, "1", 2**63 - 1, 2**53 + 1, "", "\u00e9\U0001f512"]:
            answer = connection.ask(identifier, "tools/list", **envelope)
            assert type(answer["id"]) is type(identifier)
            assert answer["id"] == identifier


NO_MESSAGES = [
    (b"{", -32700, None),
    (b"not json", -32700, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping\xff"}', -32700, None),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":"known"}', -32600, "known"),
    (b'{"jsonrpc":"1.0","id":7,"method":"ping"}', -32600, 7),
    (b"5", -32600, None),
    (b"[]", -32600, None),
]


def test_lines_that_are_no_messages_are_refused_and_the_connection_goes_on(
    cloisterd, connect_raw, era
):
    with connect_raw(cloisterd) as connection:
        envelope = connection.open(era)
        for line, code, identifier in NO_MESSAGES:
            connection.send(line)
            refusal = connection.answer(identifier)
            assert refusal["error"]["code"] == code, line
            assert "result" in connection.ask("next", "tools/list", **envelope)


def test_blank_lines_and_carriage_returns_are_tolerated(cloisterd, connect_raw):
    with connect_raw(cloisterd) as connection:
        for ending in [b"", b"\r", b"\r\n\r\n \r"]:
            connection.send(b'{"jsonrpc":"2.0","id":1,"method":"ping"}' + ending)
            assert connection.answer(1)["result"] == {}
        assert connection.ask(2, "ping")["result"] == {}


@pytest.mark.parametrize("era", LEGACY, ids=str)
def test_a_batch_is_answered_in_the_one_revision_that_has_batches(cloisterd, connect_raw, era):
    with connect_raw(cloisterd) as connection:
        connection.open(era)
        connection.send([{"jsonrpc": "2.0", "id": number, "method": "ping"} for number in (1, 2)])
        answer = json.loads(connection.receive())
        if era.revision == "2025-03-26":
            assert sorted(element["id"] for element in answer) == [1, 2]
            assert all(element["result"] == {} for element in answer)
        else:
            assert (answer["id"], answer["error"]["code"]) == (None, -32600)
        assert connection.ask(3, "ping")["result"] == {}
