"""What Grafana, which watches the platform from outside, tells of it: a rule for each severity.

Grafana's own rules are its own; here each of its alerts is one subject, `grafana:<fingerprint>`, and
the words come with it. See grafana/alerting.py for the rules that we give it.
"""

from __future__ import annotations

from analytics.alerts.platform_rules import DOMAIN
from analytics.alerts.rulebook import Rule
from devices.kind import Severity

FAMILY = "grafana"
GRAFANA_RULES = tuple(
    Rule(
        code=f"grafana_{severity.name.lower()}", severity=severity, family=FAMILY,
        rank=float(severity), domain=DOMAIN, origin="platform", runbook="grafana_alert",
        vi="Grafana báo sự cố của nền tảng", en="Grafana tells of trouble in the platform",
        act_vi="Đọc chi tiết của cảnh báo, mở bảng Nền tảng trong Grafana và làm theo mô tả ở đó.",
        act_en="Read the alert's details, open the Platform board in Grafana, and do what stands there.",
    )
    for severity in Severity
)  # fmt: skip
RULE_OF_SEVERITY = {r.severity: r.code for r in GRAFANA_RULES}
