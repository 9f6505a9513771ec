"""Which signals are an answer to which type of fault or event, as data; the first are the likeliest."""

from __future__ import annotations

from collections.abc import Mapping

_SILENT = ("alert:device_offline", "alert:gateway_silent", "alert:area_silent")
_OFF = (
    "quality:neighbour",
    "quality:drift",
    "quality:climatology",
    "quality:range",
    "quality:rate",
    "quality:spike",
)
_AIR = (
    "alert:air_pm25_surge",
    "alert:air_unhealthy",
    "alert:air_very_unhealthy",
    "alert:air_hazardous",
    "alert:air_limit_1h",
    "alert:air_limit_8h",
    "alert:air_limit_24h",
)
_TREE = ("alert:tree_uprooting", "alert:tree_leaning", "alert:tree_lean_grows")
_JAM = ("alert:traffic_incident", "alert:traffic_congestion")
_DETECTOR = ("alert:traffic_detector_fault", "alert:traffic_detector_day")
_QUARANTINED = tuple(
    f"quarantine:{r}" for r in ("not_json", "not_a_number", "naive_time", "bad_time", "bad_senml", "not_an_object")
)  # fmt: skip

SEES: Mapping[str, tuple[str, ...]] = {
    "stuck": ("quality:flat", "quality:attenuated", "alert:gauge_stuck", *_DETECTOR),
    "spikes": ("quality:spike", "quality:rate", "quality:range"),
    "drift": _OFF,
    "bias": _OFF,
    "noise": _OFF,
    "gap": (*_SILENT, "account:gap"),
    "late_burst": (*_SILENT, "account:late"),
    "duplicate": ("account:duplicate",),
    "wrong_unit": ("quarantine:impossible_value", *_OFF, "quality:flat", "quality:attenuated", "quality:pair"),
    "wrong_clock": ("quarantine:time_ahead", "quarantine:time_too_old", *_SILENT),
    "malformed": _QUARANTINED,
    "offline": (*_SILENT, "alert:feeder_lamps_lost"),
    "flat_battery": ("alert:waste_battery_low", *_SILENT),
    "dead_gateway": ("alert:gateway_silent", "alert:area_silent", "alert:device_offline"),
    "supply_loss": ("alert:feeder_supply_loss", "alert:feeder_load_lost", "alert:feeder_lamps_lost"),
    "breaker_trip": ("alert:feeder_load_lost", "alert:feeder_lamps_lost", "alert:feeder_supply_loss"),
    "cable_theft": ("alert:feeder_load_lost", "alert:feeder_lamps_lost", "alert:device_offline", "alert:feeder_door_open"),
    "door_open": ("alert:feeder_door_open",),
    "lamp_failure": ("alert:lamp_failure", "alert:lamp_power_low"),
    "day_burner": ("alert:lamp_day_burner",),
    "episode": _AIR,
    "leaning": _TREE,
    "overfull": ("alert:waste_full",),
    "congestion": _JAM,
    "burning": _AIR,
    "surge": ("alert:flood_bd1", "alert:flood_bd2", "alert:flood_bd3"),
    "cloudburst": ("alert:weather_heavy_rain",),
    "storm": ("alert:weather_strong_wind",),
    "spill": ("alert:water_low_oxygen", "alert:water_quality_poor", "alert:water_ph_low"),
    "party": ("alert:noise_day_limit", "alert:noise_over_limit"),
    "incident": _JAM,
    "fire": ("alert:waste_heating", "alert:waste_fire"),
    "late_round": ("alert:waste_full",),
    "exceedance": tuple(f"alert:emission_{p}_limit" for p in ("dust", "co", "so2", "nox", "hcl")),
    "shutdown": ("alert:emission_cold_furnace",),
    "uproot": _TREE,
}  # fmt: skip

# Faults of sensors and of the way from them: an alert of the city that rests on one of these was misled.
OF_SENSORS = frozenset(
    {
        "stuck", "spikes", "drift", "bias", "noise", "gap", "late_burst", "duplicate", "wrong_unit", "wrong_clock",
        "malformed",
    }
)  # fmt: skip
# Rules that say what a value is. Where a device is well the value is true, whoever planned it or not.
STATEMENTS = frozenset(
    {
        *_AIR, "alert:flood_bd1", "alert:flood_bd2", "alert:flood_bd3", "alert:weather_heavy_rain",
        "alert:weather_strong_wind", "alert:water_quality_poor", "alert:water_low_oxygen", "alert:noise_day_limit",
        "alert:noise_over_limit",
    }
)  # fmt: skip

# What nobody has to notice: a cause that others are judged by, or an act that must raise nothing.
UNSEEN = frozenset({"inversion", "calibration"})
# Kinds at which an event can be noticed at all, where not at every kind that shows it.
NOTICED_AT: Mapping[str, tuple[str, ...]] = {"cloudburst": ("weather",), "storm": ("weather",)}
