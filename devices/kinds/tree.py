"""Street tree with a tilt and soil sensor."""

from __future__ import annotations

from devices.kind import AlertRule, Kind, Quantity, Severity, Span

KIND = Kind(
    name="tree",
    vi="Cây xanh",
    en="Street tree",
    domain="trees",
    interval_s=600,
    timeout_s=3600,
    model="",
    main="tilt",
    quantities=(
        Quantity(
            name="tilt",
            unit="deg",
            vi="Độ nghiêng",
            en="Tilt",
            possible=Span(0, 90),
            plausible=Span(0, 90),  # a fallen tree lies at 90°
            spike=15.0,
            resolution=0.05,
        ),
        Quantity(
            name="soil_moisture",
            unit="%",
            vi="Độ ẩm đất",
            en="Soil moisture",
            possible=Span(0, 100),
            plausible=Span(1, 80),
            rate_per_min=5.0,
            spike=15.0,
            resolution=0.1,
            flat_line_s=259200,
        ),
        Quantity(
            name="battery",
            unit="%",
            vi="Pin",
            en="Battery",
            possible=Span(0, 100),
            plausible=Span(0, 100),
            resolution=0.1,
        ),
    ),
    rules=(
        AlertRule(
            code="tree_leaning",
            quantity="tilt",
            above=15.0,
            clear=12.0,
            dwell_s=1200,
            severity=Severity.HIGH,
            vi="Cây nghiêng nguy hiểm (trên 15°)",
            en="Tree leans dangerously (over 15°)",
            act_vi="Rào chắn, kiểm tra gốc và chằng chống.",
            act_en="Fence it off, inspect the roots, brace it.",
        ),
        AlertRule(
            code="tree_dry",
            quantity="soil_moisture",
            below=12.0,
            clear=18.0,
            dwell_s=3600,
            severity=Severity.LOW,
            vi="Đất khô",
            en="Dry soil",
            act_vi="Đưa vào lịch tưới.",
            act_en="Put it on the watering round.",
        ),
    ),
)
