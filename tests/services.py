"""What tests need from the machine: say whether it is there, and skip in words or fail where it must be."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRED = os.environ.get("URBAN_REQUIRE_SERVICES") == "1"


def require(name: str, present: bool) -> None:
    """Skip the test where `name` is absent; fail it where URBAN_REQUIRE_SERVICES=1 says it must be there."""
    if present:
        return
    if REQUIRED:
        pytest.fail(f"{name} is needed and absent (URBAN_REQUIRE_SERVICES=1)", pytrace=False)
    pytest.skip(f"{name} is not installed")


def chromium() -> str:
    """Path of Chromium; skips or fails where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    require("chromium", found is not None)
    assert found is not None
    return found
