"""What the acceptance suite stands on: the machine as its administrator has it, and the harness of the other tests."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../guest"), os.path.join(HERE, "../../Cells")]

from services import Client  # noqa: E402


@pytest.fixture
def anna():
    with Client("anna") as client:
        yield client


@pytest.fixture
def ben():
    with Client("ben") as client:
        yield client
