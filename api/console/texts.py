"""Every text of the console, in Vietnamese and English. Titles of kinds, quantities and rules come from the kinds."""

from __future__ import annotations

from api.console.alert_texts import ALERT_TEXTS

LANGUAGES = ("vi", "en")

_TEXTS: dict[str, tuple[str, str]] = {
    # Header
    "page_title": ("Trung tâm giám sát đô thị", "Urban monitoring centre"),
    "other_language": ("English", "Tiếng Việt"),
    "api_docs": ("Tài liệu API", "API documentation"),
    "local_time": ("Giờ địa phương", "Local time"),
    # Figures
    "figures": ("Tình hình chung", "At a glance"),
    "devices_online": ("Thiết bị kết nối", "Devices online"),
    "devices_silent": ("{0} chưa gửi dữ liệu", "{0} never heard of"),
    "standing_alerts": ("Cảnh báo đang có", "Standing alerts"),
    "unacknowledged": ("{0} chưa ai nhận", "{0} not acknowledged"),
    "over": ("{0} đã hết", "{0} over"),
    "all_acknowledged": ("đều đã có người nhận", "all acknowledged"),
    "message_rate": ("Bản tin mỗi phút", "Messages per minute"),
    "measuring_rate": ("đang đo…", "measuring…"),
    "received_today": ("{0} bản ghi hôm nay", "{0} records today"),
    "worst_air": ("VN_AQI cao nhất", "Worst VN_AQI"),
    "no_air": ("chưa đủ dữ liệu", "not enough data yet"),
    "highest_stage": ("Mực nước cao nhất", "Highest water stage"),
    "no_stage": ("chưa có số liệu", "no data yet"),
    "quarantined_today": ("Cách ly hôm nay", "Quarantined today"),
    "quarantine": (
        "Cách ly: bản tin không lưu được, mới nhất trước",
        "Quarantine: what could not be stored, newest first",
    ),
    "quarantine_empty": ("Không có bản tin nào bị cách ly.", "Nothing is in quarantine."),
    "close": ("Đóng", "Close"),
    "account": ("Đối soát dữ liệu", "Data account"),
    "balanced": ("✓ Khớp", "✓ Balanced"),
    "unbalanced": ("✗ Lệch {0}", "✗ Off by {0}"),
    "account_note": (
        "nhận = lưu + trùng + cách ly",
        "received = stored + duplicate + quarantined",
    ),
    "history": ("Đang nạp lịch sử", "Filling in history"),
    # Severity and state
    "critical": ("Khẩn cấp", "Critical"),
    "high": ("Cao", "High"),
    "medium": ("Trung bình", "Medium"),
    "low": ("Thấp", "Low"),
    "offline": ("Mất kết nối", "Offline"),
    "silent": ("Chưa gửi dữ liệu", "Never heard of"),
    "ok": ("Bình thường", "Normal"),
    # Alerts
    "alerts": ("Cảnh báo", "Alerts"),
    "no_such_alert": ("Không có cảnh báo này.", "There is no such alert."),
    "no_alerts": ("Hiện không có cảnh báo nào.", "No alert stands."),
    "severity": ("Mức độ", "Severity"),
    "what": ("Việc gì, xử lý thế nào", "What, and what to do"),
    "where": ("Ở đâu", "Where"),
    "since": ("Từ lúc", "Since"),
    "value": ("Giá trị", "Value"),
    "limit_above": ("ngưỡng > {0}", "limit > {0}"),
    "limit_below": ("ngưỡng < {0}", "limit < {0}"),
    "acknowledge": ("Nhận xử lý", "Acknowledge"),
    "sending": ("Đang gửi…", "Sending…"),
    "note": ("Đã biết", "Noted"),
    "note_all": ("Đã biết mọi cảnh báo đã hết", "Note all that are over"),
    "returned": ("Đã trở lại bình thường", "Back to normal"),
    "on_duty": ("Người trực", "On duty"),
    "change": ("đổi", "change"),
    "who": ("Tên của bạn", "Your name"),
    "who_note": (
        "Ghi cùng cảnh báo đã nhận. Trình duyệt này sẽ nhớ tên.",
        "Noted with each alert you acknowledge. This browser remembers it.",
    ),
    "ok_button": ("Đồng ý", "OK"),
    "cancel": ("Hủy", "Cancel"),
    "show": ("Xem", "Show"),
    "acknowledge_failed": ("Chưa nhận được cảnh báo: {0}", "Not acknowledged: {0}"),
    # Map
    "map": ("Bản đồ", "Map"),
    "map_label": (
        "Bản đồ thiết bị; danh sách thiết bị ở ô tìm kiếm bên cạnh",
        "Map of devices; the search box beside it lists them",
    ),
    "map_note": (
        "Nền là sơ đồ: sông, đường và tâm phường vẽ gần đúng",
        "Sketch basemap: rivers, roads and ward centres are approximate",
    ),
    "zoom_in": ("Phóng to", "Zoom in"),
    "zoom_out": ("Thu nhỏ", "Zoom out"),
    "legend": ("Chú giải", "Legend"),
    "all_kinds": ("Tất cả", "All"),
    "kind_filter": ("Lọc theo loại thiết bị", "Filter by kind of device"),
    # Device
    "device": ("Thiết bị", "Device"),
    "find_device": ("Tìm thiết bị", "Find a device"),
    "no_device": (
        "Chọn một thiết bị trên bản đồ hoặc trong danh sách cảnh báo.",
        "Choose a device on the map or in the list of alerts.",
    ),
    "no_readings": (
        "Thiết bị này chưa gửi số liệu nào.",
        "This device has not sent any reading.",
    ),
    "unregistered": ("chưa đăng ký", "not registered"),
    "no_place": ("chưa có vị trí", "no place known"),
    "last_heard": ("Số liệu mới nhất {0}", "Newest reading {0}"),
    "quantity": ("Đại lượng", "Quantity"),
    # Commands
    "command": ("Điều khiển", "Command"),
    "command_what": ("Lệnh", "What to do"),
    "command_value": ("Giá trị ({0})", "Value ({0})"),
    "command_send": ("Gửi lệnh…", "Send…"),
    "command_sure": ("Gửi “{0}” tới {1}?", "Send “{0}” to {1}?"),
    "command_confirm": ("Xác nhận gửi", "Yes, send it"),
    "cs_requested": ("Đang gửi…", "Being sent…"),
    "cs_sent": ("Đã gửi, chờ thiết bị trả lời…", "Sent, waiting for the device…"),
    "cs_acknowledged": ("Thiết bị đã thực hiện", "The device did it"),
    "cs_refused": ("Thiết bị từ chối", "The device refused"),
    "cs_timed_out": ("Thiết bị không trả lời", "The device did not answer"),
    # Chart
    "chart": ("Biểu đồ 24 giờ qua", "The last 24 hours"),
    "chart_empty": (
        "Không có số liệu trong 24 giờ qua.",
        "No reading in the last 24 hours.",
    ),
    "chart_windows": ("Trung bình mỗi {0}", "Mean of {0}"),
    "chart_raw": ("Từng giá trị", "Each value"),
    "suspect": ("Nghi ngờ", "Suspect"),
    "fail": ("Hỏng", "Failed"),
    "missing": ("Thiếu", "Missing"),
    "not_evaluated": ("Chưa đánh giá", "Not evaluated"),
    "good": ("Tốt", "Good"),
    "coverage_note": ("Đủ dữ liệu {0} %", "Coverage {0} %"),
    # Time
    "just_now": ("vừa xong", "just now"),
    "minutes_ago": ("{0} phút trước", "{0} min ago"),
    "hours_ago": ("{0} giờ trước", "{0} h ago"),
    "days_ago": ("{0} ngày trước", "{0} d ago"),
    "minutes": ("{0} phút", "{0} min"),
    "hours": ("{0} giờ", "{0} h"),
    "seconds": ("{0} giây", "{0} s"),
    # Troubles
    "connection_lost": ("Mất kết nối với máy chủ.", "Connection to the server lost."),
    "trying_to_reconnect": ("Đang thử kết nối lại…", "Trying to reconnect…"),
    "message_too_long": ("Dữ liệu quá lớn", "Message too large"),
    "message_too_long_body": (
        "Trang không gửi được dữ liệu lớn như vậy.",
        "The page can't send that much at once.",
    ),
    "troubles": ("Nền tảng đang có sự cố", "The platform has a problem"),
    "no_data": (
        "Không đọc được dữ liệu: {0}. Trang giữ số liệu cuối cùng và tự thử lại.",
        "The data can't be read: {0}. The page keeps the last figures and tries again.",
    ),
    "yes": ("Có", "Yes"),
    "no": ("Không", "No"),
} | ALERT_TEXTS


class Texts:
    """The texts of one language: `texts("minutes_ago", 5)`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.place = LANGUAGES.index(language)

    def __call__(self, key: str, *values: object) -> str:
        return _TEXTS[key][self.place].format(*values)

    def pick(self, vi: str, en: str) -> str:
        """Of a text that a kind, a rule or a city has in both languages."""
        return (vi, en)[self.place]

    def some(self, *keys: str) -> dict[str, str]:
        """Several, for a component in the browser."""
        return {key: self(key) for key in keys}
