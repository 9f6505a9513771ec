"""A notification file → channels and routes, checked whole before the first alert.

Channels are URLs of Apprise (mail, chat, SMS, webhook). They hold secrets, so a file that holds them is
readable by its owner only, or names environment variables instead. Nothing here ever shows a URL.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Container, Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from devices.kind import Severity
from telemetry.errors import DeclarationError
from telemetry.schedule import Day, Schedule

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
SeverityName = Literal["low", "medium", "high", "critical"]
NewsName = Literal["raised", "worse", "unattended", "reminded", "cleared"]
Language = Literal["vi", "en"]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to reach people.

    url       an Apprise URL; or `url_env`: the environment variable that holds it
    language  of its texts; empty: the file's
    group_s   how long the first of several alerts waits for the others [s]
    gap_s     least time between two messages [s]
    per_hour  messages an hour at most; what comes beyond waits for the next one and goes with it
    """

    url: str = ""
    url_env: str = ""
    language: Language | None = None
    group_s: Seconds = 30.0
    gap_s: Seconds = 60.0
    per_hour: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 20


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which alerts go to which channels. A list that is empty does not restrict.

    news      why: raised, worse, unattended (nobody has it), reminded (it still stands), cleared
    severity  this one and worse
    kinds     of the device; domains: the department that its kind belongs to
    start     local time of day from which on it holds, up to `end`; over midnight where end <= start
    """

    channels: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    news: tuple[NewsName, ...] = ()
    severity: SeverityName = "high"
    domains: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    days: tuple[Day, ...] = ()
    start: time | None = None
    end: time | None = None

    def holds(self, subject: Subject, news: str, local: datetime) -> bool:
        """True where this news of an alert of this subject, at this local time, takes the route."""
        return (
            (not self.news or news in self.news)
            and subject.severity >= Severity[self.severity.upper()]
            and (not self.domains or subject.domain in self.domains)
            and (not self.kinds or subject.kind in self.kinds)
            and (not self.areas or subject.area in self.areas)
            and (not self.rules or subject.rule in self.rules)
            and Schedule(self.days, self.start, self.end).holds(local)
        )


class Subject(msgspec.Struct, frozen=True):
    """What routes look at. `severity` as devices.kind.Severity; names are codes."""

    rule: str
    severity: int
    kind: str = ""
    domain: str = ""
    area: str = ""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A notification file. `link`: where the page is reached, for the links in messages."""

    channels: dict[str, Channel]
    routes: tuple[Route, ...]
    language: Language = "vi"
    link: str = ""

    def hears(self, channel: str, subject: Subject, news: str, local: datetime) -> bool:
        """True where a channel is to hear this news of an alert."""
        return any(channel in r.channels and r.holds(subject, news, local) for r in self.routes)


class Known(msgspec.Struct, frozen=True):
    """The names that a route may use."""

    domains: Container[str]
    kinds: Container[str]
    areas: Container[str]
    rules: Container[str]


def load_plan(path: Path, known: Known, environ: Mapping[str, str] | None = None) -> Plan:
    """Read and check a notification file. Raises DeclarationError with the place and what is allowed.

    Each channel of the result has its URL at hand.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(
            str(path), f"must be a file that can be read ({error.strerror})"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(str(path), f"must be TOML: {error}") from None
    _refuse_unknown_keys(path, table)
    try:
        plan = msgspec.convert(table, Plan)
    except msgspec.ValidationError as error:
        raise DeclarationError(str(path), str(error)) from None
    env = os.environ if environ is None else environ
    channels = {name: _with_url(path, name, c, env) for name, c in plan.channels.items()}
    for number, route in enumerate(plan.routes, 1):
        _check_route(f"{path}: routes[{number}]", route, channels, known)
    _check_used(path, plan)
    return msgspec.structs.replace(plan, channels=channels)


def _refuse_unknown_keys(path: Path, table: Mapping[str, object]) -> None:
    # msgspec would refuse them too, but without saying what is allowed.
    channels, routes = table.get("channels"), table.get("routes")
    named = channels.items() if isinstance(channels, dict) else ()
    places = [
        (str(path), table, Plan),
        *((f"{path}: channels.{name}", row, Channel) for name, row in named),
        *(
            (f"{path}: routes[{i}]", row, Route)
            for i, row in enumerate(routes if isinstance(routes, list) else (), 1)
        ),
    ]
    for place, row, form in places:
        allowed = form.__struct_fields__
        for key in row if isinstance(row, dict) else ():
            if key not in allowed:
                raise DeclarationError(f"{place}: {key}", f"must be one of {', '.join(allowed)}")


def _with_url(path: Path, name: str, channel: Channel, environ: Mapping[str, str]) -> Channel:
    place = f"{path}: channels.{name}"
    if not NAME.fullmatch(name):
        raise DeclarationError(place, "a channel's name is lower case letters, digits and -")
    if bool(channel.url) == bool(channel.url_env):
        raise DeclarationError(place, "needs exactly one of url and url_env")
    if channel.url:
        _refuse_readable(path)
        return channel
    url = environ.get(channel.url_env, "")
    if not url:
        raise DeclarationError(f"{place}.url_env", "must name a variable that is set", channel.url_env)  # fmt: skip
    return msgspec.structs.replace(channel, url=url)


def _refuse_readable(path: Path) -> None:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DeclarationError(
            str(path), "holds URLs with secrets and can be read by others than its owner",
            remedy=f"chmod 600 {path.name}, or put them into the environment and name them by url_env",
        )  # fmt: skip


def _check_route(place: str, route: Route, channels: Container[str], known: Known) -> None:
    lists: tuple[tuple[str, tuple[str, ...], Container[str]], ...] = (
        ("channels", route.channels, channels),
        ("domains", route.domains, known.domains),
        ("kinds", route.kinds, known.kinds),
        ("areas", route.areas, known.areas),
        ("rules", route.rules, known.rules),
    )
    for key, given, allowed in lists:
        for word in given:
            if word not in allowed:
                some = sorted(allowed)[:20] if isinstance(allowed, set | frozenset | dict) else ()
                raise DeclarationError(f"{place}.{key}", f"must be one of {', '.join(some)}", word)
    for key, clock in (("start", route.start), ("end", route.end)):
        if clock is not None and clock.tzinfo is not None:
            raise DeclarationError(f"{place}.{key}", "must be a local time of day", str(clock))


def _check_used(path: Path, plan: Plan) -> None:
    used = {c for r in plan.routes for c in r.channels}
    for name in plan.channels:
        if name not in used:
            raise DeclarationError(f"{path}: channels.{name}", "is on no route: nobody would hear")
