"""What the acceptance suite stands on: the machine as its administrator has it, and the harness of the other tests."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../guest"), os.path.join(HERE, "../../Cells")]

from people import anna, ben  # noqa: E402, F401
