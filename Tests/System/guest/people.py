"""Applications of two ordinary users."""

import pytest

from services import Client


@pytest.fixture
def anna():
    with Client("anna") as client:
        yield client


@pytest.fixture
def ben():
    with Client("ben") as client:
        yield client
