"""Engineers' rules in the engine: put in force and changed while it runs, kept by a snapshot, told with the facts."""

from __future__ import annotations

from analytics.engine import Engine
from analytics.facts import Facts, What
from devices.device import Catalogue, Device
from telemetry.clock import HOUR, MINUTE
from tests.analytics.city import T0, ZONE, batch, catalogue
from tests.custom.model import rule

NOW = T0 + 100 * HOUR


def dust(known: Catalogue, engine: Engine, minute: int, value: float) -> list[tuple[str, str]]:
    return told(
        engine, engine.process(batch(known, [("aq-1", "pm25", T0 + minute * MINUTE, value)]), NOW)
    )


def told(engine: Engine, facts: Facts) -> list[tuple[str, str]]:
    pairs = zip(facts.custom.rule.tolist(), facts.custom.what.tolist(), strict=True)
    return [(engine.custom.codes[n], What(w).name.lower()) for n, w in pairs if w != What.UPDATE]


def test_rules_come_change_and_go_while_the_engine_runs() -> None:
    known = catalogue()
    engine = Engine(known, ZONE)
    assert dust(known, engine, 0, 60.0) == []
    low, high = rule(known), rule(known, code="higher", when={"quantity": "pm25", "above": 100.0})
    engine.custom.replace([low, high])
    assert dust(known, engine, 1, 60.0) == [("own_rule", "raise")]
    # What is not changed goes on as it was; what is changed begins anew.
    engine.custom.replace(
        [low, rule(known, code="higher", when={"quantity": "pm25", "above": 55.0})]
    )
    assert dust(known, engine, 2, 60.0) == [("higher", "raise")]
    engine.custom.replace([low])
    assert dust(known, engine, 3, 10.0) == [("own_rule", "clear")]


def test_a_snapshot_keeps_where_rules_stand() -> None:
    known = catalogue()
    engine = Engine(known, ZONE)
    dwelling = rule(known, dwell_s=300)
    engine.custom.replace([dwelling])
    assert dust(known, engine, 0, 60.0) == []
    again = Engine.restore(engine.snapshot(), known, ZONE, custom=[dwelling])
    assert dust(known, again, 5, 60.0) == [("own_rule", "raise")]
    # A rule that is new since the snapshot begins empty, the others keep their state.
    other = rule(known, code="other", dwell_s=300)
    third = Engine.restore(again.snapshot(), known, ZONE, custom=[other, dwelling])
    assert dust(known, third, 6, 10.0) == [("own_rule", "clear")]
    # Without rules the rest of the state is taken over all the same.
    assert Engine.restore(third.snapshot(), known, ZONE).watermark == third.watermark


def test_what_was_raised_before_a_restart_can_clear() -> None:
    known = catalogue()
    engine = Engine(known, ZONE)
    engine.custom.replace([rule(known)])
    engine.advance(NOW)
    before = batch(known, [("aq-1", "pm25", T0, 60.0)])
    engine.custom.adopt("own_rule", before.device, before.time, before.value)
    assert dust(known, engine, 1, 10.0) == [("own_rule", "clear")]


def test_devices_that_come_and_change_are_meant_at_once() -> None:
    known = catalogue()
    engine = Engine(known, ZONE)
    engine.custom.replace([rule(known, tags=["school"])])
    assert dust(known, engine, 0, 60.0) == []
    known.put(Device(id="aq-1", kind="air", tags=("school",)))
    assert dust(known, engine, 1, 60.0) == [("own_rule", "raise")]
    known.put(Device(id="aq-new", kind="air", tags=("school",)))
    facts = engine.process(batch(known, [("aq-new", "pm25", T0, 60.0)]), NOW)
    assert told(engine, facts) == [("own_rule", "raise")]
