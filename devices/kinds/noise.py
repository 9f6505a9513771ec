"""Sound level meter, A-weighted (IEC 61672-1)."""

from __future__ import annotations

from devices.kind import AlertRule, Kind, Quantity, Severity, Span
from devices.legal import edition


def _level(name: str, vi: str, en: str, low: float = 0.0) -> Quantity:
    """A level that is computed here."""
    span = Span(low, 160)
    return Quantity(
        name=name, unit="dB{A}", vi=vi, en=en, possible=span, plausible=span, resolution=0.1, derived=True
    )  # fmt: skip


KIND = Kind(
    name="noise",
    vi="Tiếng ồn",
    en="Noise",
    domain="environment",
    interval_s=60,
    timeout_s=300,
    model="NoiseLevelObserved",
    main="laeq",
    indices=("laeq_1h", "noise_over_limit", "lden"),
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
            attenuated=(1.0, 0.5),
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
        _level("laeq_1h", "LAeq của giờ", "LAeq of the hour"),
        _level("noise_over_limit", "Vượt giới hạn tiếng ồn", "Over the noise limit", -160.0),
        _level("laeq_day", "LAeq ban ngày (06–21 giờ)", "LAeq by day (06–21)"),
        _level("laeq_night", "LAeq ban đêm (21–06 giờ)", "LAeq by night (21–06)"),
        _level("lday", "Mức ồn ngày Lday", "Lday"),
        _level("levening", "Mức ồn tối Levening", "Levening"),
        _level("lnight", "Mức ồn đêm Lnight", "Lnight"),
        _level("lden", "Mức ồn ngày – tối – đêm Lden", "Lden"),
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
        AlertRule(
            code="noise_over_limit",
            quantity="noise_over_limit",
            # A city's roadsides are over the limit on most nights: the index shows it, and nobody can act.
            above=15.0,
            clear=10.0,
            severity=Severity.LOW,
            vi=f"Tiếng ồn vượt giới hạn theo giờ trên 15 dB ({edition('noise')})",
            en=f"Noise over 15 dB above the limit of the hour ({edition('noise')})",
            act_vi="Xem giờ và khu vực; nhắc công trường, hàng quán hoặc cơ sở gần điểm đo.",
            act_en="See the hour and the area; speak to sites, bars or workshops near the meter.",
            edition=edition("noise"),
        ),
    ),
)
