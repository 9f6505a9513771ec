"""Devices that fall silent together: the rules behind one alert for a gateway, an area or a string of lamps."""

from __future__ import annotations

from analytics.alerts.grafana_rules import GRAFANA_RULES
from analytics.alerts.platform_rules import PLATFORM_RULES
from analytics.alerts.rulebook import Rule
from devices.kind import Severity

GATEWAY, AREA, STRING = "gateway_silent", "area_silent", "feeder_lamps_lost"

GROUP_RULES = (
    Rule(
        code=GATEWAY, severity=Severity.HIGH, domain="platform", origin="platform",
        vi="Bộ tập trung (gateway) mất kết nối", en="Gateway silent",
        act_vi="Kiểm tra nguồn điện và đường truyền của gateway; các thiết bị sau nó được liệt kê bên dưới.",
        act_en="Check the gateway's power and uplink; the devices behind it are listed beneath.",
    ),
    Rule(
        code=AREA, severity=Severity.HIGH, domain="platform", origin="platform",
        vi="Nhiều thiết bị của một khu vực cùng mất kết nối", en="Devices of an area fell silent together",
        act_vi="Hỏi điện lực và nhà mạng về sự cố trong khu vực trước khi cử người đến từng thiết bị.",
        act_en="Ask the utility and the carrier about the area before a crew goes to each device.",
    ),
    # The same family as the cabinet's own word on its supply: one cause, one alert.
    Rule(
        code=STRING, severity=Severity.HIGH, kind="feeder", family="feeder_supply_loss",
        origin="platform", domain="lighting",
        vi="Nhiều đèn của một tủ cùng mất kết nối", en="Lamps of a feeder fell silent together",
        act_vi="Kiểm tra aptomat nhánh, cáp và bộ điều khiển của tuyến đèn.",
        act_en="Check the branch breaker, the cable and the segment controller of the string.",
    ),
)  # fmt: skip
GROUP_CODES = frozenset(r.code for r in GROUP_RULES)
# Every rule that is the platform's own.
OUR_RULES = (*PLATFORM_RULES, *GROUP_RULES, *GRAFANA_RULES)
