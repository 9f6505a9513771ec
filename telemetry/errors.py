"""Errors that people read: each gives the place, the value, the need and the remedy.

UrbanError
├── SettingsError      a setting has a value that is not allowed
├── StartError         the platform can't start: a port, a folder or a file is taken
├── DeclarationError   a kind, a city or a mapping declares something impossible
├── TimeError          a time is naive, not a time at all, or out of range
├── UnitError          a unit is unknown or measures something else
├── QueryError         a question to a store that can't be answered as put
└── StoreError         a store did not take or give what was asked
    └── StoreBusy      … because another process holds it
"""

from __future__ import annotations


class UrbanError(Exception):
    """Base of all errors that a person can mend. `str()` is one line.

    Args: place (where: a file, a setting, a topic and path), need (what was expected),
    value (what was found instead, shown as repr), remedy (what to do about it).
    """

    def __init__(self, place: str, need: str, value: object = None, remedy: str = "") -> None:
        self.place = place
        self.need = need
        self.value = value
        self.remedy = remedy
        super().__init__(place, need, value, remedy)

    def __str__(self) -> str:
        text = f"{self.place}: {self.need}"
        if self.value is not None:
            shown = repr(self.value)
            text += f", got {shown if len(shown) <= 120 else shown[:117] + '…'}"
        if self.remedy:
            text += f"; {self.remedy}"
        return text.replace("\n", " ")


class SettingsError(UrbanError):
    """A setting has a value that is not allowed."""


class StartError(UrbanError):
    """The platform can't start here."""


class DeclarationError(UrbanError):
    """A kind, a city file or a mapping file declares something impossible."""


class TimeError(UrbanError):
    """A time is naive, malformed or out of range."""


class UnitError(UrbanError):
    """A unit is unknown, or measures something else than the quantity does."""


class QueryError(UrbanError):
    """A question that can't be answered as it was put. `place` names the parameter."""


class StoreError(UrbanError):
    """A store did not take or give what was asked."""

    retry_after_s = 0.0  # how long the store asks to be left alone


class StoreBusy(StoreError):
    """Another process holds the store's file."""
