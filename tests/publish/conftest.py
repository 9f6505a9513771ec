"""The small city of the API's tests, asked by nobody in particular."""

from tests.api.conftest import client, own_client, shared_world, world

__all__ = ["client", "own_client", "shared_world", "world"]
