"""What the tests inside the machine stand on: its systemd, and the two services as a package would install them."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../Cells"))

from people import anna, ben  # noqa: E402, F401
from services import Celld, assert_no_cells  # noqa: E402


@pytest.fixture
def celld():
    """What it has built is gone when its test is over."""
    connection = Celld()
    yield connection
    connection.stop()
    assert_no_cells()
