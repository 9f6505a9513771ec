"""Air quality station. Gases and particles at ambient level, after QCVN 05:2023/BTNMT's list."""

from __future__ import annotations

from devices.kind import AlertRule, Kind, Quantity, Severity, Span
from devices.legal import edition
from devices.ties import Climate, Pair

_NAMES = {"pm25": "PM2.5", "pm10": "PM10", "o3": "O3", "no2": "NO2", "so2": "SO2", "co": "CO"}
_WINDOWS = {"1h": ("1 giờ", "1 hour"), "8h": ("8 giờ", "8 hours"), "24h": ("24 giờ", "24 hours"), "year": ("năm", "year")}  # fmt: skip
_LIMITS = edition("air_limits")


def _derived(name: str, unit: str, vi: str, en: str, high: float, step: float = 1.0) -> Quantity:
    """A quantity that is computed here, from 0 to `high`."""
    span = Span(0, high)
    return Quantity(
        name=name, unit=unit, vi=vi, en=en, possible=span, plausible=span, resolution=step, derived=True
    )  # fmt: skip


def _mean(pollutant: str, window: str) -> Quantity:
    name, (vi, en) = _NAMES[pollutant], _WINDOWS[window]
    return _derived(
        f"{pollutant}_{window}", "ug/m3", f"{name} trung bình {vi}", f"{name}, mean of {en}", 2e5, 0.01
    )  # fmt: skip


def _share(window: str) -> tuple[Quantity, Quantity]:
    vi, en = _WINDOWS[window]
    return (
        _derived(f"limit_{window}", "%", f"So với giới hạn {vi}", f"Share of the {en} limit", 1e6, 0.01),
        _derived(f"limit_{window}_main", "{code}", f"Chất quyết định giới hạn {vi}", f"Pollutant of the {en} limit", 15),
    )  # fmt: skip


def _index(name: str, vi: str, en: str, top: float) -> tuple[Quantity, Quantity]:
    return (
        _derived(name, "{index}", f"Chỉ số {vi}", en, top),
        _derived(f"{name}_main", "{code}", f"Chất quyết định {vi}", f"Main pollutant of {en}", 15),
    )


def _over(window: str, severity: Severity) -> AlertRule:
    """A limit is exceeded over a window: one alert for all its pollutants."""
    vi, en = _WINDOWS[window]
    return AlertRule(
        code=f"air_limit_{window}",
        quantity=f"limit_{window}",
        above=100.0,
        clear=100.0,
        severity=severity,
        vi=f"Không khí vượt giới hạn trung bình {vi} ({_LIMITS})",
        en=f"Air over the limit of the {en} mean ({_LIMITS})",
        act_vi="Xem chất nào vượt và nguồn quanh trạm; báo cơ quan quản lý môi trường.",
        act_en="See which pollutant is over and what is near the station; tell the environment office.",
        edition=_LIMITS,
    )


KIND = Kind(
    name="air",
    vi="Chất lượng không khí",
    en="Air quality",
    domain="environment",
    interval_s=60,
    timeout_s=300,
    model="AirQualityObserved",
    main="vn_aqi",
    indices=("vn_aqi", "vn_aqi_day", "us_aqi", *(f"limit_{w}" for w in _WINDOWS)),
    # PM2.5 is a part of PM10; two instruments agree within a tenth and their noise.
    pairs=(Pair(less="pm25", more="pm10", factor=1.1, margin=10.0),),
    quantities=(
        Quantity(
            name="pm25",
            unit="ug/m3",
            vi="Bụi PM2.5",
            en="PM2.5",
            possible=Span(0, 2000),
            plausible=Span(0, 500),
            rate_per_min=150.0,
            spike=60.0,
            resolution=0.1,
            flat_line_s=14400,
            attenuated=(0.5, 0.2),
            neighbour=150.0,
            drift=20.0,
        ),
        Quantity(
            name="pm10",
            unit="ug/m3",
            vi="Bụi PM10",
            en="PM10",
            possible=Span(0, 5000),
            plausible=Span(0, 800),
            rate_per_min=250.0,
            spike=100.0,
            resolution=0.1,
            flat_line_s=14400,
            attenuated=(0.5, 0.2),
            neighbour=200.0,
            drift=40.0,
        ),
        Quantity(
            name="o3",
            unit="ug/m3",
            vi="Ôzôn O3",
            en="Ozone O3",
            possible=Span(0, 2000),
            plausible=Span(0, 600),
            rate_per_min=120.0,
            spike=80.0,
            resolution=0.1,
            flat_line_s=21600,
        ),
        Quantity(
            name="no2",
            unit="ug/m3",
            vi="NO2",
            en="NO2",
            possible=Span(0, 4000),
            plausible=Span(0, 800),
            rate_per_min=150.0,
            spike=100.0,
            resolution=0.1,
            flat_line_s=21600,
        ),
        Quantity(
            name="so2",
            unit="ug/m3",
            vi="SO2",
            en="SO2",
            possible=Span(0, 5000),
            plausible=Span(0, 1000),
            rate_per_min=150.0,
            spike=100.0,
            resolution=0.1,
            flat_line_s=43200,
        ),
        Quantity(
            name="co",
            unit="ug/m3",
            vi="CO",
            en="CO",
            possible=Span(0, 200000),
            plausible=Span(0, 50000),
            rate_per_min=8000.0,
            spike=5000.0,
            resolution=1.0,
            flat_line_s=43200,
        ),
        Quantity(
            name="temperature",
            unit="Cel",
            vi="Nhiệt độ",
            en="Temperature",
            possible=Span(-40, 70),
            plausible=Span(5, 45),
            rate_per_min=3.0,
            spike=3.0,
            resolution=0.01,
            flat_line_s=14400,
            climate=(
                Climate(low=15, months=(5, 6, 7, 8, 9)),
                Climate(high=40, months=(11, 12, 1, 2)),
            ),
            learns=10.0,
            attenuated=(0.5, 0.2),
            neighbour=6.0,
            drift=2.0,
        ),
        Quantity(
            name="humidity",
            unit="%",
            vi="Độ ẩm",
            en="Humidity",
            possible=Span(0, 105),
            plausible=Span(5, 101),
            rate_per_min=15.0,
            spike=20.0,
            resolution=0.1,
            rest=100.0,
            flat_line_s=14400,
            neighbour=35.0,
            drift=10.0,
        ),
        *_index("vn_aqi", "VN_AQI", "VN_AQI", 500),
        *_index("vn_aqi_day", "VN_AQI ngày", "VN_AQI of the day", 500),
        *_index("us_aqi", "US AQI", "US AQI", 5000),
        *(_mean(p, "8h") for p in ("o3", "co")),
        *(_mean(p, w) for w in ("24h", "year") for p in ("pm25", "pm10", "no2", "so2")),
        *(q for w in _WINDOWS for q in _share(w)),
    ),
    rules=(
        AlertRule(
            code="air_unhealthy",
            quantity="vn_aqi",
            above=150,
            clear=140,
            severity=Severity.HIGH,
            vi="Không khí xấu (VN_AQI trên 150)",
            en="Unhealthy air (VN_AQI over 150)",
            act_vi="Khuyến cáo người dân hạn chế hoạt động ngoài trời; tìm nguồn phát thải quanh trạm.",
            act_en="Advise people to stay indoors; look for the source around the station.",
            edition=edition("air_index"),
            family="air_index",
        ),
        AlertRule(
            code="air_very_unhealthy",
            quantity="vn_aqi",
            above=200,
            clear=190,
            severity=Severity.CRITICAL,
            vi="Không khí rất xấu (VN_AQI trên 200)",
            en="Very unhealthy air (VN_AQI over 200)",
            act_vi="Ra thông báo khẩn cho khu vực; trường học chuyển hoạt động vào trong nhà.",
            act_en="Warn the area at once; schools move indoors.",
            edition=edition("air_index"),
            family="air_index",
        ),
        AlertRule(
            code="air_hazardous",
            quantity="vn_aqi",
            above=300,
            clear=290,
            severity=Severity.CRITICAL,
            vi="Không khí nguy hại (VN_AQI trên 300)",
            en="Hazardous air (VN_AQI over 300)",
            act_vi="Khuyến cáo mọi người ở trong nhà; trường học nghỉ; phối hợp y tế và dập nguồn phát thải.",
            act_en="Tell everybody to stay indoors; close schools; call in public health and stop the source.",
            edition=edition("air_index"),
            family="air_index",
        ),
        AlertRule(
            code="air_pm25_surge",
            quantity="pm25",
            above=150,
            clear=120,
            dwell_s=300,
            severity=Severity.MEDIUM,
            vi="Bụi PM2.5 tăng vọt (trên 150 µg/m³ trong 5 phút)",
            en="PM2.5 surge (over 150 µg/m³ for 5 minutes)",
            act_vi="Kiểm tra có đốt rác, cháy hoặc công trường gần trạm.",
            act_en="Check for burning, fire or construction near the station.",
        ),
        _over("1h", Severity.MEDIUM),
        _over("8h", Severity.MEDIUM),
        _over("24h", Severity.MEDIUM),
        _over("year", Severity.LOW),
    ),
)
