"""How well trouble is detected: scenarios with their truth through the real stack, scored by type.

A quiet day goes before each scenario, so that what is learned is there. Nothing depends on the machine's
speed: the same seed gives the same score. `urban bench detection [--scenario NAME …] [--devices 300]`.
Prints a JSON line a scenario and type, and a table of all; a scenario that falls below its part of
benchmarks/baselines/detection.json ends the run with code 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.detection_score import Count, Score
from benchmarks.detection_signals import Signal
from benchmarks.detection_stack import AFTER, signals
from devices.city import load_city
from devices.registry import load_kinds
from simulators.messages import Messages
from simulators.placement import simulated_devices
from simulators.scenario import find_scenario, known_scenarios, load_scenario
from simulators.truth import truth_of
from telemetry.clock import DAY, format_time

BASELINE = Path(__file__).parent / "baselines" / "detection.json"
QUIET = "quiet-day"
USUAL = (300, 1, "hcmc")  # devices, seed and city that the baseline is of
Kept = Mapping[str, Any]
Baseline = dict[str, dict[str, Kept]]
WARM_UP = DAY
# How far a score may fall below the baseline: a run repeats exactly, so this is for what is meant to change.
RECALL_FALL, PRECISION_FALL, FALSE_RISE = 0.02, 0.02, 0.5


def main() -> None:
    """Parse, run, print, compare."""
    options = _options().parse_args()
    whole, fallen, kept = Count(), list[str](), read_baseline()
    usual = (options.devices, options.seed, options.city) == USUAL
    for name in options.scenario or [p.stem for p in known_scenarios()]:
        count = run(name, options.city, options.devices, options.seed)
        scores = count.scores()
        for score in scores:
            print(json.dumps({"bench": "detection", "scenario": name, **score.as_json()}))
        if options.update_baseline and usual:
            kept[name] = {s.type: s.as_json() for s in scores}
            BASELINE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        elif usual and name in kept:
            fallen += [f"{name}: {words}" for words in falls(scores, kept[name])]
        elif usual:
            print(f"{name} has no baseline yet; keep one with --update-baseline", file=sys.stderr)
        whole.take(count)
    print(table(whole.scores()))
    if options.explain:
        _explain(whole)
    if fallen:
        print("detection has become worse than its baseline:", file=sys.stderr)
        for words in fallen:
            print(f"  {words}", file=sys.stderr)
        sys.exit(1)


def read_baseline() -> Baseline:
    """Scenario → type → its kept score."""
    found: Baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    return found


def run(name: str, city_name: str, number: int, seed: int) -> Count:
    """One scenario after a quiet day, counted."""
    city, kinds = load_city(city_name), load_kinds()
    devices = simulated_devices(city, kinds, number, seed)
    scenario = load_scenario(find_scenario(name))
    start, end = scenario[0].first_cycle(city.zone)
    quiet = Messages(city, kinds, devices, seed, load_scenario(find_scenario(QUIET)))
    struck = Messages(city, kinds, devices, seed, scenario)
    parts = [(quiet, start - WARM_UP, start), (struck, start, end + AFTER)]
    found: list[Signal] = []
    truth = truth_of(struck, start, end + AFTER)
    scored = list(truth)
    for told in signals(city, kinds, devices, parts, scored):
        if isinstance(told, list):
            found = told
        elif sys.stderr.isatty():
            share = (told - start + WARM_UP) / (end + AFTER - start + WARM_UP)
            print(f"\r{name} {100 * share:3.0f} %  ", end="", file=sys.stderr, flush=True)
    count = Count()
    count.add(truth, found, devices, struck.gateways.of, start, end, scored)
    return count


def table(scores: list[Score]) -> str:
    """For people."""
    head = f"{'type':14}{'truths':>7}{'found':>7}{'recall':>8}{'precision':>11}{'delay':>10}{'false':>7}{'a device-year':>15}"
    rows = [
        f"{s.type:14}{s.truths:7}{s.found:7}{_share(s.recall):>8}{_share(s.precision):>11}"
        f"{_time(s.delay_s):>10}{s.false:7}{s.false_alerts:15.2f}"
        for s in scores
    ]
    return "\n".join([head, *rows])


def falls(scores: list[Score], baseline: Mapping[str, Kept]) -> list[str]:
    """What is worse than in the baseline, in words."""
    now = {s.type: s for s in scores}
    found = []
    for type_, was in baseline.items():
        score = now.get(type_)
        if score is None:
            if was["truths"]:
                found.append(f"{type_}: does not occur any more")
            continue
        for name, most in (("recall", RECALL_FALL), ("precision", PRECISION_FALL)):
            before, after = was[name], getattr(score, name)
            if before is not None and not after >= before - most:
                found.append(f"{type_}: {name} {after:.2f}, was {before:.2f}")
        before = was["false_alerts"]
        if before is not None and score.false_alerts > before + FALSE_RISE:
            found.append(
                f"{type_}: {score.false_alerts:.2f} false alerts a device-year, were {before:.2f}"
            )
    found += [
        f"{s.type}: {s.false_alerts:.2f} false alerts a device-year, were none"
        for s in scores
        if s.type not in baseline and s.false_alerts > FALSE_RISE
    ]
    return found


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Score detection against the truth of scenarios.",
        epilog="Example: urban bench detection --scenario king-tide --scenario storm --explain",
    )
    known = [p.stem for p in known_scenarios()]
    parser.add_argument(
        "--scenario", action="append", choices=known, help="only this one; may repeat"
    )
    parser.add_argument("--city", default="hcmc")
    parser.add_argument("--devices", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--explain", action="store_true", help="list what was missed and what was false"
    )
    parser.add_argument(
        "--update-baseline", action="store_true", help="keep this run as the baseline"
    )
    return parser


def _explain(count: Count) -> None:
    for t in count.missed:
        print(f"missed: {t.type} at {t.device} from {format_time(t.start)} to {format_time(t.end)}")
    for s in count.unexplained:
        print(f"false: {s.what} at {s.subject} from {format_time(s.time)} to {format_time(s.end)}")


def _share(value: float) -> str:
    return "–" if value != value else f"{100 * value:.0f} %"


def _time(seconds: float) -> str:
    if seconds != seconds:
        return "–"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3_600 else f"{seconds / 3_600:.1f} h"


if __name__ == "__main__":
    main()
