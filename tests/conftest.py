"""What all tests share: the report says which real programs they run."""

import os

from tests.e2e.stage import CLAUDE_VARIABLE


def pytest_report_header() -> str:
    claude = os.environ.get(CLAUDE_VARIABLE)
    return f"real claude: {claude}" if claude else f"real claude: not named, its tests are left out ({CLAUDE_VARIABLE}=PATH)"
