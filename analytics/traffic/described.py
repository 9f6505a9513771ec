"""What the indices of traffic say of themselves: sources, editions, data rule."""

from __future__ import annotations

from analytics.indices.info import Category, Confidence, IndexInfo

DATA_RULE = "three of the five minutes heard (60 %, as PeMS asks)"
TOLD = "every five minutes once their windows have closed, at their beginning; a late minute corrects them"
WHY_NOT = ("chưa đủ ba trong năm phút", "fewer than three of five minutes")

INDICES = (
    IndexInfo(
        quantity="pcu",
        also=("volume", "motorcycle_equivalent"),
        kinds=("traffic",),
        vi="Lưu lượng quy đổi ra xe con",
        en="Volume in passenger car units",
        unit="{PCU}/h",
        formula="Σ n · factor; the band of factors by the street's free-flow speed (20 | 30–50 | 60 km/h)",
        edition="TCXDVN 104:2007",
        valid_from="2007-01-01",
        source="TCXDVN 104:2007 (now TCVN 13592:2022), from a secondary source; Cao & Sano 2012",
        data_rule=DATA_RULE,
        derived=TOLD,
        confidence=Confidence.DERIVED,
        why_not=WHY_NOT,
        max_age_s=1_800,
        notes="motorcycle equivalents leave trucks out: the study gives no factor for them",
    ),
    IndexInfo(
        quantity="los",
        also=("space_mean_speed", "density"),
        kinds=("traffic",),
        vi="Mức phục vụ",
        en="Level of service",
        unit="{los}",
        formula="""streets: space-mean speed as a share of the base free-flow speed (A > 85, B > 67, C > 50, D > 40,
    E > 30 %); freeways: density in pc/mi/ln (A ≤ 11, B ≤ 18, C ≤ 26, D ≤ 35, E ≤ 45)""",
        edition="HCM 2010",
        valid_from="2010-01-01",
        source="Highway Capacity Manual 2010",
        data_rule=DATA_RULE,
        derived=TOLD,
        confidence=Confidence.VERIFIED,
        why_not=WHY_NOT,
        max_age_s=1_800,
        categories=tuple(
            Category(n, letter, letter, colour)
            for n, letter, colour in (
                (1, "A", "#00A650"),
                (2, "B", "#8DC63F"),
                (3, "C", "#FFF200"),
                (4, "D", "#FDB813"),
                (5, "E", "#F26522"),
                (6, "F", "#ED1C24"),
            )
        ),
        notes="50 km/h where a station's own free-flow speed is not entered: the general limit in towns",
    ),
    IndexInfo(
        quantity="travel_time_index",
        also=("delay",),
        kinds=("traffic",),
        vi="Chỉ số thời gian đi lại",
        en="Travel-time index",
        unit="1",
        formula="free-flow speed / space-mean speed; delay max(0, q·(L/v − L/v_free))",
        edition="PeMS",
        valid_from="2001-01-01",
        source="Caltrans Performance Measurement System, documentation of performance measures",
        data_rule=DATA_RULE,
        derived=TOLD,
        confidence=Confidence.VERIFIED,
        why_not=WHY_NOT,
        max_age_s=1_800,
    ),
)
