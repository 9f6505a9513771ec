"""One row of the table of settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. hidden: a value that is wrong is not shown either."""

    name: str
    default: str
    allowed: str
    text: str
    parse: Callable[[str], object]
    hidden: bool = False
