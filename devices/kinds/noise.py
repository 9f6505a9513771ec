"""Sound level meter, A-weighted (IEC 61672-1)."""

from __future__ import annotations

from devices.kind import AlertRule, Kind, Quantity, Severity, Span

KIND = Kind(
    name="noise",
    vi="Tiếng ồn",
    en="Noise",
    domain="environment",
    interval_s=60,
    timeout_s=300,
    model="NoiseLevelObserved",
    main="laeq",
    quantities=(
        Quantity(
            name="laeq",
            unit="dB{A}",
            vi="Mức ồn tương đương LAeq",
            en="LAeq",
            possible=Span(0, 160),
            plausible=Span(25, 110),
            rate_per_min=60.0,
            spike=25.0,
            resolution=0.1,
            flat_line_s=3600,
        ),
        Quantity(
            name="lamax",
            unit="dB{A}",
            vi="Mức ồn cực đại LAmax",
            en="LAmax",
            possible=Span(0, 170),
            plausible=Span(25, 125),
            rate_per_min=90.0,
            spike=45.0,
            resolution=0.1,
            flat_line_s=3600,
        ),
    ),
    rules=(
        AlertRule(
            code="noise_day_limit",
            quantity="laeq",
            above=85.0,
            clear=80.0,
            dwell_s=600,
            severity=Severity.LOW,
            vi="Tiếng ồn lớn kéo dài (LAeq trên 85 dBA trong 10 phút)",
            en="Loud for long (LAeq over 85 dBA for 10 minutes)",
            act_vi="Kiểm tra công trường, loa hoặc cơ sở sản xuất gần điểm đo.",
            act_en="Check for construction, loudspeakers or workshops near the meter.",
        ),
    ),
)
