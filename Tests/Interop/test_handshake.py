"""How a connection begins, in each revision."""

import pytest

from clients import ERAS, LEGACY, MODERN, MODERN_ENVELOPE, Era


async def test_the_client_and_the_daemon_agree_on_the_revision(cloisterd, connect, era):
    async with connect(cloisterd, era) as client:
        assert client.protocol_version == era.revision
        assert "cloister" in client.server_info.name.lower()
        assert client.server_info.version
        assert client.server_capabilities.tools.list_changed


async def test_a_client_that_probes_gets_the_modern_era(cloisterd, connect):
    async with connect(cloisterd, MODERN) as client:
        discovered = client.session.discover_result
        assert client.session.initialize_result is None
        assert discovered.supported_versions == [era.revision for era in reversed(ERAS)]


async def test_a_client_that_knows_the_daemon_can_begin_without_a_probe(cloisterd, connect):
    async with connect(cloisterd, Era("2026-07-28", "2026-07-28")) as client:
        assert "system_info" in [tool.name for tool in (await client.list_tools()).tools]


@pytest.mark.parametrize("era", LEGACY, ids=str)
async def test_a_legacy_client_can_ping(cloisterd, connect, era):
    async with connect(cloisterd, era) as client:
        await client.send_ping()


def test_a_ping_may_come_before_everything_else(cloisterd, connect_raw):
    with connect_raw(cloisterd) as connection:
        assert connection.ask(1, "ping")["result"] == {}
        assert connection.initialize("2025-06-18")["protocolVersion"] == "2025-06-18"


@pytest.mark.parametrize("offer", ["1999-01-01", "2026-07-28", "2099-01-01"])
def test_a_revision_without_a_handshake_is_answered_with_the_newest_that_has_one(
    cloisterd, connect_raw, offer
):
    with connect_raw(cloisterd) as connection:
        assert connection.initialize(offer)["protocolVersion"] == "2025-11-25"


def test_a_client_that_probed_may_still_choose_the_handshake(cloisterd, connect_raw):
    """A probe that timed out in the client must not lock it out of the legacy era."""
    with connect_raw(cloisterd) as connection:
        probe = connection.ask(1, "server/discover", _meta=MODERN_ENVELOPE)
        assert probe["result"]["resultType"] == "complete"
        assert connection.initialize("2025-11-25")["protocolVersion"] == "2025-11-25"
        assert connection.ask(2, "ping")["result"] == {}


def test_a_version_that_is_not_served_is_refused_with_the_ones_that_are(cloisterd, connect_raw):
    envelope = {**MODERN_ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}
    with connect_raw(cloisterd) as connection:
        error = connection.ask(1, "server/discover", _meta=envelope)["error"]
        assert error["code"] == -32022
        assert error["data"]["requested"] == "2099-01-01"
        assert "2026-07-28" in error["data"]["supported"]


def test_a_request_of_neither_era_is_refused_and_the_connection_stays_usable(cloisterd, connect_raw):
    with connect_raw(cloisterd) as connection:
        assert connection.ask(1, "tools/list")["error"]["code"] == -32602
        assert "result" in connection.ask(2, "tools/list", _meta=MODERN_ENVELOPE)
