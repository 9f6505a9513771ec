"""What the detectors of lights, containers, trees and roads say of themselves: levels, sources, data rules."""

from __future__ import annotations

from analytics import feeder_load, lamp_nights, lamp_quality, lighting, trees, waste
from analytics.indices.info import Category, Confidence, IndexInfo
from analytics.traffic import bottleneck, detector_days, health, incident_tests, incidents
from telemetry.clock import DAY, MINUTE

OWN = "own choice: decision 37"
AT_ONCE = "with each reading while at fault, else on change; a late reading corrects it"
BY_MINUTE = "when the minute's window has closed, at its start; a late minute corrects it"
BY_HOUR = "when the hour's window has closed, at its start; a late hour corrects it"
STATES = (Category(0, "không", "no", "#00A650"), Category(1, "có", "yes", "#ED1C24"))

LIGHTS = (
    IndexInfo(
        quantity="lamp_failure", kinds=("lamp",), vi="Đèn hỏng", en="Lamp failure", unit="{state}",
        formula=f"""told to burn for more than {lighting.WARM_UP // 10**9} s, and
    P < {lighting.FAILURE_SHARE:g} · rated power · dimming level""",
        edition="TALQ 2.7.1", valid_from="", source="TALQ lampFailure; levels: " + OWN,
        data_rule="rated power entered, a dimming level known", derived=AT_ONCE,
        confidence=Confidence.DERIVED, categories=STATES,
        why_not=("chưa có công suất định mức hoặc lệnh", "no rated power or command"),
    ),
    IndexInfo(
        quantity="day_burner", kinds=("lamp",), vi="Đèn sáng ban ngày", en="Burns by day",
        unit="{state}",
        formula=f"""P > {lighting.BURNER_SHARE:g} · rated power while told to be dark, or between civil dawn and dusk at
    its place""",
        edition="LwM2M 3416", valid_from="",
        source="OMA LwM2M object 3416 (day burner); twilight by astral; levels: " + OWN,
        data_rule="rated power entered, a dimming level known", derived=AT_ONCE,
        confidence=Confidence.DERIVED, categories=STATES,
        why_not=("chưa có công suất định mức hoặc lệnh", "no rated power or command"),
    ),
    IndexInfo(
        quantity="cycling_failure", kinds=("lamp",), vi="Đèn tắt mở liên tục", en="Lamp cycles",
        also=(
            "lamp_power_low", "lamp_power_high", "power_factor_low", "supply_voltage_low",
            "supply_voltage_high",
        ),
        unit="{state}",
        formula=f"""{lamp_quality.SWITCHES} switches or more in {lamp_quality.LOOK_BACK} min. Power of a warm lamp outside
    {lamp_quality.LOW_PERCENT:g}–{lamp_quality.HIGH_PERCENT:g} % of rated · level; power factor under
    {lamp_quality.FACTOR_FULL:g} (dimmed {lamp_quality.FACTOR_DIMMED:g}); voltage outside
    {lamp_quality.VOLTAGE[0]:g}–{lamp_quality.VOLTAGE[1]:g} V (EN 50160)""",
        edition="TALQ 2.7.1", valid_from="",
        source="TALQ LampMonitor events; levels: " + OWN,
        data_rule="a minute with what it is judged by; warm: lit at every message of 23 minutes",
        derived=BY_MINUTE, confidence=Confidence.DERIVED, categories=STATES,
    ),
    IndexInfo(
        quantity="dimming_saving", kinds=("lamp",), vi="Tiết kiệm nhờ giảm sáng",
        en="Saved by dimming", also=("burning_hours", "energy_night"), unit="%",
        formula="1 − Σ h·p / Σ h over the hours h at level p, from noon to noon",
        edition="design values", valid_from="",
        source="definition; energy by the meter's counter, else by the hours' mean power",
        data_rule=f"{lamp_nights.ENOUGH_H} of the 24 hours heard",
        derived="in the hour that ends at noon", confidence=Confidence.DERIVED, max_age_s=26 * 3600,
    ),
    IndexInfo(
        quantity="supply_loss", kinds=("feeder",), vi="Mất nguồn", en="Supply loss",
        unit="{state}", formula=f"U < {lighting.SUPPLY_V:g} V", edition="TALQ 2.7.1",
        valid_from="", source="TALQ supplyLoss; level: " + OWN,
        data_rule="any voltage that has not failed a test", derived=AT_ONCE,
        confidence=Confidence.DERIVED, categories=STATES,
    ),
    IndexInfo(
        quantity="load_lost", kinds=("feeder",), vi="Mất tải", en="Load lost", unit="{state}",
        formula=f"""P < {feeder_load.SHARE:g} · peak, {feeder_load.MARGIN // MINUTE} min or more within the night (civil twilight);
    peak: the most of two readings in a row, fading by e in {feeder_load.FADES // DAY} d, {feeder_load.LEAST_W:g} W at least""",
        edition="design values", valid_from="", source="meter power drop: " + OWN,
        data_rule="""the cabinet's place is known, and it burns all night; by day what was found stands""",
        derived=AT_ONCE, confidence=Confidence.DERIVED, categories=STATES,
    ),
)  # fmt: skip

CONTAINERS_AND_TREES = (
    IndexInfo(
        quantity="time_to_full", kinds=("waste",), vi="Thời gian đến khi đầy", en="Time to full",
        also=("fill_rate", "collected"), unit="h",
        formula=f"""(100 − fill) / rate; rate: Theil–Sen over the hours since it was emptied, {waste.DAY_H} at most;
    emptied: {waste.EMPTIED_BY:g} points less than in the last known hour""",
        edition="Sen 1968", valid_from="",
        source="Sen, J. Am. Stat. Assoc. 63 (1968) 1379; levels: " + OWN,
        data_rule=f"{waste.LEAST_HOURS} hours with a level since it was emptied", derived=BY_HOUR,
        confidence=Confidence.VERIFIED,
    ),
    IndexInfo(
        quantity="fire", kinds=("waste",), vi="Cháy thùng rác", en="Fire", unit="{state}",
        formula=f"""T ≥ {waste.HOT:g} °C, or T ≥ {waste.WARM:g} °C and rising by {waste.FIRE_RATE:g} °C/h or more since the
    last temperature, {waste.BACK_MIN} min ago at most""",
        edition="design values", valid_from="", source=OWN,
        data_rule="a temperature in that minute", derived=BY_MINUTE,
        confidence=Confidence.DERIVED, categories=STATES,
    ),
    IndexInfo(
        quantity="lean_trend", kinds=("tree",), vi="Xu hướng nghiêng", en="Trend of the lean",
        also=("lean",), unit="deg/d",
        formula=f"""Theil–Sen over the medians of a week's quarters of a day, calm hours only
    (wind under {trees.WINDY:g} m/s at the nearest station); lean: median of the day's calm hours""",
        edition="Sen 1968", valid_from="",
        source="Sen, J. Am. Stat. Assoc. 63 (1968) 1379; levels: " + OWN,
        data_rule=f"""{trees.LEAST_QUARTERS} quarters of a day; lean: {trees.LEAST_DAY} calm hours""",
        derived=BY_HOUR, confidence=Confidence.VERIFIED,
    ),
    IndexInfo(
        quantity="uprooting", kinds=("tree",), vi="Bật gốc", en="Uprooting", unit="{state}",
        formula=f"""the hour's tilt is {trees.UPROOTS_BY:g}° (in wind {trees.UPROOTS_BY_IN_WIND:g}°) or more over the week's
    median of calm hours""",
        edition="design values", valid_from="", source=OWN,
        data_rule=f"{trees.LEAST_WEEK} calm hours in the week", derived=BY_HOUR,
        confidence=Confidence.DERIVED, categories=STATES,
    ),
)  # fmt: skip

ROADS = (
    IndexInfo(
        quantity="incident", kinds=("traffic",), vi="Sự cố giao thông", en="Incident",
        unit="{state}",
        formula=f"""California #8 towards the next station (T1 {incident_tests.T1:g}, T2 {incident_tests.T2:g},
    T3 {incident_tests.T3:g}, T4 {incident_tests.T4:g}, T5 {incident_tests.T5:g}), or a standard normal deviate of
    {incidents.CRITICAL:g} or more in two minutes; only with {incidents.RISE:g} points more occupancy and
    {100 - 100 * incidents.SLOWER:g} % less speed, and not where the road is slow at this hour day by day""",
        edition="FHWA 1978", valid_from="",
        source="""Payne & Tignor, FHWA 1978 (California #8); Dudek, Messer & Nuckles 1974 (deviate); gates: """ + OWN,
        data_rule="three of the five minutes before", derived=BY_MINUTE,
        confidence=Confidence.DERIVED, categories=STATES,
    ),
    IndexInfo(
        quantity="bottleneck", kinds=("traffic",), vi="Điểm nghẽn", en="Bottleneck",
        also=("recurring",), unit="{state}",
        formula=f"""{bottleneck.NEEDED} of {bottleneck.POINTS} five-minute points slower than {bottleneck.SLOW_SHARE:g} of the
    free-flow speed and {bottleneck.RISE_SHARE:g} of it slower than the next station; recurring:
    {bottleneck.OFTEN} of the seven days before in the same shift""",
        edition="PeMS", valid_from="",
        source="Chen, Skabardonis & Varaiya 2004; shares of the free-flow speed: " + OWN,
        data_rule="a speed in the five minutes", derived="every five minutes, at their beginning",
        confidence=Confidence.DERIVED, categories=STATES,
    ),
    IndexInfo(
        quantity="detector_fault",
        also=("detector_day",), kinds=("traffic",), vi="Lỗi đầu đo", en="Detector fault",
        unit="{state}",
        formula=f"""1 no vehicle for {health.NO_HITS_MIN / 60:g} h; 2 more than the station's bound (else
    {health.PER_LANE:.0f} a minute and lane), for a day; 3 occupied for {health.LOCKED_MIN:g} min; 4 jumps of
    {health.SPIKE_PERCENT:g} points in more than {health.SPIKES} minutes. The whole day, 05:00–22:00, by PeMS: 1 under
    {100 * detector_days.ENOUGH:g} % of the minutes; 2 no occupancy in {100 * detector_days.ZERO:g} %; 3 over
    {detector_days.HIGH_PERCENT:g} % in {100 * detector_days.HIGH:g} %; 4 occupancy without flow in
    {100 * detector_days.EMPTY_COUNT:g} %, or cars without occupancy in {100 * detector_days.UNFELT_COUNT:g} %; 5 one
    occupancy for {detector_days.SAME} times five minutes""",
        edition="IRIS", valid_from="",
        source="Minnesota DOT, IRIS automatic detector failures; Caltrans PeMS (the day); bound of motorcycles: " + OWN,
        data_rule="a count in that minute", derived=BY_MINUTE, confidence=Confidence.DERIVED,
    ),
)  # fmt: skip

INDICES = (*LIGHTS, *CONTAINERS_AND_TREES, *ROADS)
