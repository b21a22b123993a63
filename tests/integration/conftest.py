"""Integration tests may use the installation of the journeys."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "journeys"))
