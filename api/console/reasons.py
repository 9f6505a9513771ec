"""The reasons of quarantine in words. A reason that is new here shows its code."""

from __future__ import annotations

from api.console.texts import Texts
from telemetry.reasons import Reason

_REASONS: dict[str, tuple[str, str]] = {
    "bad_topic": ("chủ đề MQTT sai", "wrong MQTT topic"),
    "too_large": ("bản tin quá lớn", "message too large"),
    "not_utf8": ("không phải UTF-8", "not UTF-8"),
    "not_json": ("không phải JSON", "not JSON"),
    "not_an_object": ("không phải đối tượng JSON", "not a JSON object"),
    "empty": ("bản tin rỗng", "empty message"),
    "bad_senml": ("SenML sai", "wrong SenML"),
    "bad_time": ("thời gian sai", "wrong time"),
    "naive_time": ("thời gian thiếu múi giờ", "time without its zone"),
    "time_ahead": ("thời gian ở tương lai", "time ahead of ours"),
    "time_too_old": ("thời gian quá cũ", "time too old"),
    "bad_seq": ("số thứ tự sai", "wrong sequence number"),
    "unknown_kind": ("loại thiết bị lạ", "unknown kind"),
    "kind_mismatch": ("thiết bị khác loại", "device of another kind"),
    "unregistered": ("thiết bị chưa đăng ký", "device not registered"),
    "retired": ("thiết bị đã ngừng sử dụng", "device is retired"),
    "too_many_devices": ("quá nhiều thiết bị", "too many devices"),
    "unknown_quantity": ("đại lượng lạ", "unknown quantity"),
    "not_a_number": ("không phải số", "not a number"),
    "not_finite": ("số vô hạn", "not finite"),
    "bad_unit": ("đơn vị sai", "wrong unit"),
    "impossible_value": ("giá trị không thể có", "impossible value"),
    "bad_status": ("trạng thái sai", "wrong status"),
    "store_refused": ("kho dữ liệu từ chối", "refused by the store"),
    "rate_limited": ("gửi quá dày", "sent too often"),
    "internal_error": ("lỗi của nền tảng", "fault of the platform"),
}


def reason_text(reason: str, texts: Texts) -> str:
    """Why something is in quarantine."""
    return texts.pick(*_REASONS.get(reason, (reason, reason)))


def untold() -> list[str]:
    """Reasons that have no words here."""
    return [str(r) for r in Reason if r not in _REASONS]
