"""Fields that bodies of requests share: names, reasons and times, trimmed and printable."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable text")
    return text


def text(longest: int, shortest: int = 1) -> StringConstraints:
    """Text of a body, without blanks around it."""
    return StringConstraints(
        strip_whitespace=True, min_length=shortest, max_length=longest, strict=True
    )


Name = Annotated[str, text(80), AfterValidator(_printable)]
Why = Annotated[str, text(500), AfterValidator(_printable)]
Maybe = Annotated[str, text(500, 0), AfterValidator(_printable)]
MaybeName = Annotated[str, text(80, 0), AfterValidator(_printable)]


class Act(BaseModel):
    """What somebody does; nothing but the fields that are named.

    by  who does it. Who is logged in leaves it out and signs with their own name; with a key it says for
        whom the program acts; without authentication it must be given
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    by: MaybeName = ""
