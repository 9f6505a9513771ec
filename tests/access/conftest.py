"""The small city of tests/api/world.py, shared or of one's own."""

from __future__ import annotations

from tests.api.conftest import shared_world, world

__all__ = ["shared_world", "world"]
