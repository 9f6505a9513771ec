"""The eleven kinds, and that impossible declarations fail at start, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.device import Catalogue, Device
from devices.kind import AlertRule, Kind, Quantity, Severity, Span
from devices.registry import Kinds, load_kinds
from telemetry.errors import DeclarationError
from telemetry.units import UNITS

KINDS = load_kinds()

# DESIGN §4, the public table of kinds, quantities and units.
PUBLIC = {
    "air": {
        "pm25": "ug/m3",
        "pm10": "ug/m3",
        "o3": "ug/m3",
        "no2": "ug/m3",
        "so2": "ug/m3",
        "co": "ug/m3",
        "temperature": "Cel",
        "humidity": "%",
    },
    "weather": {
        "temperature": "Cel",
        "humidity": "%",
        "pressure": "hPa",
        "wind_speed": "m/s",
        "wind_direction": "deg",
        "rain": "mm",
    },
    "noise": {"laeq": "dB{A}", "lamax": "dB{A}"},
    "water": {
        "temperature": "Cel",
        "ph": "[pH]",
        "dissolved_oxygen": "mg/L",
        "bod5": "mg/L",
        "cod": "mg/L",
        "tss": "mg/L",
        "ammonium": "mg/L",
        "conductivity": "uS/cm",
        "turbidity": "{NTU}",
        "coliform": "{MPN}/100.mL",
    },
    "level": {"level": "m", "rain": "mm"},
    "traffic": {
        "motorcycle": "{veh}",
        "car": "{veh}",
        "bus": "{veh}",
        "truck": "{veh}",
        "bicycle": "{veh}",
        "speed": "km/h",
        "occupancy": "%",
    },
    "lamp": {
        "power": "W",
        "voltage": "V",
        "current": "A",
        "power_factor": "1",
        "dimming": "%",
        "energy": "kW.h",
    },
    "feeder": {"power": "W", "voltage": "V", "current": "A", "energy": "kW.h", "door": "1"},
    "waste": {"fill": "%", "temperature": "Cel", "tilt": "deg", "battery": "%"},
    "emission": {
        "dust": "mg/m3",
        "so2": "mg/m3",
        "nox": "mg/m3",
        "co": "mg/m3",
        "hcl": "mg/m3",
        "o2": "%",
        "furnace_temperature": "Cel",
        "device_status": "1",
    },
    "tree": {"tilt": "deg", "soil_moisture": "%", "battery": "%"},
}


def test_the_public_table_is_what_devices_may_send() -> None:
    sent = {k.name: {q.name: q.unit for q in k.quantities if not q.derived} for k in KINDS}
    assert sent == PUBLIC


@pytest.mark.parametrize("kind", KINDS.kinds, ids=lambda k: k.name)
def test_every_kind_is_complete_in_both_languages(kind: Kind) -> None:
    texts = [kind.vi, kind.en, *(t for q in kind.quantities for t in (q.vi, q.en))]
    texts += [t for r in kind.rules for t in (r.vi, r.en, r.act_vi, r.act_en)]
    assert all(t.strip() for t in texts)
    assert kind.quantity("online") is not None
    assert {"device_offline", "rate_limited"} <= {r.code for r in kind.rules}
    assert all(q.unit in UNITS for q in kind.quantities)
    assert kind.timeout_s >= 2 * kind.interval_s


@pytest.mark.parametrize("kind", KINDS.kinds, ids=lambda k: k.name)
def test_tables_hold_what_the_kind_declares(kind: Kind) -> None:
    k = KINDS.code[kind.name]
    for q in kind.quantities:
        c = KINDS.quantity_code[q.name]
        assert KINDS.declared[k, c]
        assert KINDS.accepted[k, c] == (not q.derived)
        assert (KINDS.possible_low[k, c], KINDS.possible_high[k, c]) == (
            q.possible.low,
            q.possible.high,
        )
        assert KINDS.quantity(k, c) is q
    absent = [c for name, c in KINDS.quantity_code.items() if kind.quantity(name) is None]
    assert not KINDS.declared[k, absent].any()


def a_kind(**changes: object) -> Kind:
    q = Quantity(name="x", unit="m", vi="x", en="x", possible=Span(0, 10), plausible=Span(1, 9))
    made = Kind(
        name="odd",
        vi="o",
        en="o",
        domain="d",
        interval_s=60,
        timeout_s=300,
        model="",
        main="x",
        quantities=(q,),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def a_rule(**changes: object) -> AlertRule:
    made = AlertRule(
        code="odd_x",
        quantity="x",
        above=5,
        clear=4,
        severity=Severity.LOW,
        vi="v",
        en="e",
        act_vi="v",
        act_en="e",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def a_quantity(**changes: object) -> Quantity:
    return replace(a_kind().quantities[0], **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([a_kind(), a_kind()], "two kinds have the same name, got 'odd'"),
        (
            [a_kind(quantities=(a_quantity(unit="parsec"),))],
            "odd.x: unit must be a UCUM code.*'parsec'",
        ),
        (
            [a_kind(rules=(a_rule(quantity="y"),))],
            r"rule odd_x: needs a quantity of its kind \(x, online, refused_share\), got 'y'",
        ),
        ([a_kind(rules=(a_rule(clear=6),))], "must clear at or under 5, got 6"),
        ([a_kind(rules=(a_rule(above=None, below=5, clear=4),))], "must clear at or over 5, got 4"),
        ([a_kind(rules=(a_rule(below=1),))], "exactly one of above and below"),
        ([a_kind(rules=(a_rule(above=None),))], "exactly one of above and below"),
        (
            [
                a_kind(
                    rules=(
                        a_rule(family="f"),
                        a_rule(code="low", above=None, below=1, clear=2, family="f"),
                    )
                )
            ],
            "family f: its rules must be of one direction",
        ),
        (
            [
                a_kind(
                    rules=(
                        a_rule(family="f"),
                        a_rule(code="off", quantity="online", severity=Severity.HIGH, family="f"),
                    )
                )
            ],
            "family f: its rules must be of one quantity, or of one severity",
        ),
        (
            [a_kind(quantities=(a_quantity(plausible=Span(1, 11)),))],
            "plausible must lie inside possible",
        ),
        ([a_kind(quantities=(a_quantity(), a_quantity()))], "a quantity is declared twice"),
        ([a_kind(main="zz")], "main must be one of x"),
        ([a_kind(timeout_s=60)], "timeout_s must be more than interval_s"),
        ([a_kind(name="Bad Name")], "lower case"),
    ],
)
def test_an_impossible_declaration_fails_in_words(kinds: list[Kind], words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        Kinds(kinds)


def test_a_device_keeps_its_code_and_its_kind() -> None:
    catalogue = Catalogue(KINDS)
    code = catalogue.put(Device(id="aq-1", kind="air"))
    assert catalogue.put(Device(id="aq-1", kind="air", name="Trạm 1")) == code
    assert catalogue.devices[code].name == "Trạm 1"
    with pytest.raises(DeclarationError, match="is of kind air already"):
        catalogue.put(Device(id="aq-1", kind="tree"))
    with pytest.raises(DeclarationError, match="device id"):
        catalogue.put(Device(id="AQ 1", kind="air"))
    with pytest.raises(DeclarationError, match="kind must be one of"):
        catalogue.put(Device(id="aq-2", kind="moon"))


def test_the_catalogue_grows_past_its_first_size() -> None:
    catalogue = Catalogue(KINDS)
    for i in range(3_000):
        catalogue.put(Device(id=f"d-{i}", kind="tree" if i % 2 else "air"))
    assert catalogue.kind_of.tolist() == [
        KINDS.code["tree" if i % 2 else "air"] for i in range(3_000)
    ]
