"""The platform's own conditions: what of itself it tells an operator. Subjects: `platform:<part>`."""

from __future__ import annotations

from analytics.alerts.rulebook import Rule
from devices.kind import Severity

DOMAIN = "platform"
# Part of the platform (devices.subject.PARTS) → the rule that says that it is not well.
RULE_OF_PART = {
    "broker": "broker_lost",
    "ingest": "ingest_failing",
    "telemetry-store": "telemetry_store_away",
    "operations-store": "operations_store_away",
    "spool": "spool_filling",
    "disk": "disk_filling",
    "analytics": "analytics_failing",
    "notification": "notification_failing",
}


def _rule(code: str, severity: Severity, vi: str, en: str, act_vi: str, act_en: str) -> Rule:
    return Rule(
        code=code, severity=severity, vi=vi, en=en, act_vi=act_vi, act_en=act_en,
        domain=DOMAIN, origin="platform",
    )  # fmt: skip


PLATFORM_RULES = (
    _rule(
        "broker_lost", Severity.CRITICAL,
        "Mất kết nối với máy chủ MQTT", "Broker not reached",
        "Kiểm tra tiến trình và mạng của máy chủ MQTT; thiết bị vẫn giữ bản tin của mình.",
        "Check the broker's process and network; devices keep their messages meanwhile.",
    ),
    _rule(
        "ingest_failing", Severity.CRITICAL,
        "Khối tiếp nhận dữ liệu gặp lỗi", "Ingest is failing",
        "Xem /readyz và nhật ký; bản tin chờ ở máy chủ MQTT, không mất.",
        "Look at /readyz and the log; messages wait at the broker and are not lost.",
    ),
    _rule(
        "telemetry_store_away", Severity.CRITICAL,
        "Kho số liệu đo không trả lời", "Telemetry store does not answer",
        "Khôi phục kho số liệu; bản tin được giữ trong vùng đệm cho đến khi kho trở lại.",
        "Bring the telemetry store back; messages are kept in the spool until then.",
    ),
    _rule(
        "operations_store_away", Severity.CRITICAL,
        "Kho vận hành không trả lời", "Operations store does not answer",
        "Khôi phục cơ sở dữ liệu vận hành; cảnh báo chưa ghi được sẽ được ghi lại.",
        "Bring the operations database back; alerts that could not be written are written then.",
    ),
    _rule(
        "spool_filling", Severity.HIGH,
        "Vùng đệm bản tin sắp đầy", "Spool is filling",
        "Khôi phục kho số liệu trước khi vùng đệm đầy, hoặc tăng URBAN_SPOOL_MB.",
        "Bring the store back before the spool is full, or raise URBAN_SPOOL_MB.",
    ),
    _rule(
        "disk_filling", Severity.HIGH,
        "Ổ đĩa sắp đầy", "Disk is filling",
        "Giải phóng hoặc mở rộng ổ đĩa của thư mục dữ liệu.",
        "Free or enlarge the disk of the data folder.",
    ),
    _rule(
        "analytics_failing", Severity.HIGH,
        "Khối phân tích gặp lỗi hoặc chậm", "Analytics is failing or behind",
        "Xem nhật ký; cảnh báo của thành phố đến muộn cho đến khi phân tích đuổi kịp.",
        "Look at the log; the city's alerts come late until analytics has caught up.",
    ),
    _rule(
        "notification_failing", Severity.HIGH,
        "Kênh thông báo không nhận tin", "A notification channel takes no messages",
        "Gọi trực tiếp cho người trực; kiểm tra địa chỉ và mạng của kênh.",
        "Call whoever is on duty; check the channel's address and network.",
    ),
)  # fmt: skip
