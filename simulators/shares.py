"""How many devices of each kind a simulated city has: the city's `mix`, scaled to a count."""

from __future__ import annotations

from collections.abc import Mapping

from devices.city import City
from devices.registry import Kinds
from telemetry.errors import DeclarationError

LAMPS_PER_FEEDER = 26


def shares(city: City, kinds: Kinds, count: int) -> dict[str, int]:
    """Devices per kind, `count` in all: largest remainders, and at least one of each from len(mix) on.

    With fewer devices than kinds, the kinds with the largest shares get one each. Lamps and feeders are
    shared out together: a feeder for 26 to 52 lamps. Raises DeclarationError for a mix that names an
    unknown kind or holds no share.
    """
    _check(city, kinds)
    wanted = {name: float(share) for name, share in city.mix.items() if share > 0}
    if count < len(wanted):
        largest = sorted(wanted, key=lambda name: -wanted[name])[: max(count, 0)]
        return {name: int(name in largest) for name in wanted}
    found = _largest_remainders(wanted, count)
    if "lamp" in found and "feeder" in found:
        lights = found["lamp"] + found["feeder"]
        found["feeder"] = max(1, lights // (LAMPS_PER_FEEDER + 1))
        found["lamp"] = lights - found["feeder"]
    return found


def _check(city: City, kinds: Kinds) -> None:
    place = f"cities/{city.name}: mix"
    for name, share in city.mix.items():
        if name not in kinds:
            raise DeclarationError(place, f"a kind must be one of {', '.join(kinds.code)}", name)
        if not 0 <= share < float("inf"):
            raise DeclarationError(f"{place}.{name}", "a share must be 0 or more", share)
    if not any(city.mix.values()):
        raise DeclarationError(place, "must hold a share above 0", dict(city.mix))


def _largest_remainders(wanted: Mapping[str, float], count: int) -> dict[str, int]:
    """Hamilton's method over what is left after one each."""
    spare = count - len(wanted)
    total = sum(wanted.values())
    # One each is part of a kind's share, so the quota is of the whole count, less that one.
    quota = {name: max(0.0, count * share / total - 1) for name, share in wanted.items()}
    scale = spare / sum(quota.values()) if any(quota.values()) else 0.0
    exact = {name: q * scale for name, q in quota.items()}
    found = {name: 1 + int(x) for name, x in exact.items()}
    by_rest = sorted(exact, key=lambda name: (int(exact[name]) - exact[name], name))
    for name in by_rest[: count - sum(found.values())]:
        found[name] += 1
    return found
