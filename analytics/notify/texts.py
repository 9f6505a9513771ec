"""What a message says, in Vietnamese or English: what, where, since when, how bad, which limit, what to do.

One alert is told whole. Of several the worst come first, each in two lines; beyond `WHOLE` they are counted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from analytics.notify.outbox import Item, News
from telemetry.clock import to_datetime
from telemetry.wording import with_unit

WHOLE = 10  # alerts of one message that are named
_SEVERITY = {
    "vi": ("", "Thấp", "Trung bình", "Cao", "Khẩn cấp"),
    "en": ("", "Low", "Medium", "High", "Critical"),
}
_NEWS = {
    "vi": {
        News.RAISED: "mới", News.WORSE: "nặng hơn", News.UNATTENDED: "chưa ai nhận",
        News.REMINDED: "vẫn còn", News.CLEARED: "đã hết",
    },
    "en": {
        News.RAISED: "new", News.WORSE: "worse", News.UNATTENDED: "nobody has it",
        News.REMINDED: "still standing", News.CLEARED: "over",
    },
}  # fmt: skip
_WORDS = {
    "vi": {
        "where": "Nơi", "since": "Từ", "until": "Hết lúc", "value": "Giá trị", "worst": "Cao điểm", "limit": "Ngưỡng",
        "act": "Việc cần làm", "runbook": "Sổ tay", "page": "Trang", "alerts": "cảnh báo", "more": "và {} cảnh báo khác",
        "detail": "Chi tiết",
    },
    "en": {
        "where": "Where", "since": "Since", "until": "Over at", "value": "Value", "worst": "Worst", "limit": "Limit",
        "act": "To do", "runbook": "Runbook", "page": "Page", "alerts": "alerts", "more": "and {} more",
        "detail": "Detail",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert as a message tells it. Texts by language: {"vi": …, "en": …}; times in ns, UTC."""

    id: str
    runbook: str
    severity: int
    title: dict[str, str]
    act: dict[str, str]
    where: dict[str, str]
    unit: str
    value: float
    worst: float
    level: float
    edition: str
    raised: int
    cleared: int | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to a channel."""

    title: str
    body: str


class Writer:
    """Writes the messages of one channel. Args: language (vi | en), zone, link (of the page, or "")."""

    def __init__(self, language: str, zone: ZoneInfo, link: str) -> None:
        self._language = language
        self.zone = zone
        self._link = link.rstrip("/")
        self._words = _WORDS[language]

    def write(self, items: Sequence[tuple[Item, Told]]) -> Message:
        """One message of all items; there is at least one."""
        # What stands before what is over, the worst first, then the oldest.
        ordered = sorted(items, key=lambda i: (i[0].over, -i[1].severity, i[1].raised, i[1].id))
        if len(ordered) == 1:
            return self._single(*ordered[0])
        return self._several(ordered)

    def _single(self, item: Item, told: Told) -> Message:
        language, words = self._language, self._words
        title = f"[{self._severity(told)}] {told.title[language]} – {told.where[language]}"
        lines = [f"{words['where']}: {told.where[language]}", self._since(told)]
        lines += self._figures(told)
        if told.detail:
            lines.append(f"{words['detail']}: {told.detail}")
        if not item.over and told.act[language]:
            lines.append(f"{words['act']}: {told.act[language]}")
        if not item.over and told.runbook:
            lines.append(f"{words['runbook']}: {told.runbook}")
        return Message(f"{title} ({self._news(item)})", "\n".join(lines + self._page(told)))

    def _several(self, items: Sequence[tuple[Item, Told]]) -> Message:
        language = self._language
        worst = items[0][1]
        counts = Counter(item.news[-1] for item, _ in items)
        summary = ", ".join(f"{n} {_NEWS[language][news]}" for news, n in sorted(counts.items()))
        title = f"[{self._severity(worst)}] {len(items)} {self._words['alerts']}: {summary}"
        lines = [line for item, told in items[:WHOLE] for line in self._short(item, told)]
        rest = items[WHOLE:]
        if rest:
            lines.append(self._words["more"].format(len(rest)) + ":")
            kinds = Counter(told.title[language] for _, told in rest)
            lines += [f"  {n} × {what}" for what, n in kinds.most_common(WHOLE)]
        return Message(title, "\n".join(lines + self._page(None)))

    def _short(self, item: Item, told: Told) -> list[str]:
        language = self._language
        head = f"• [{self._severity(told)}] {told.title[language]} – {told.where[language]} ({self._news(item)})"
        return [head, "  " + "; ".join([self._since(told), *self._figures(told)])]

    def _figures(self, told: Told) -> list[str]:
        if not math.isfinite(told.value) or told.unit == "{state}":
            return []
        words = self._words
        shown = [f"{words['value']}: {with_unit(told.value, told.unit, self._language)}"]
        if math.isfinite(told.worst) and told.worst != told.value:
            shown[0] += (
                f" ({words['worst'].lower()}: {with_unit(told.worst, told.unit, self._language)})"
            )
        if math.isfinite(told.level):
            edition = f" ({told.edition})" if told.edition else ""
            shown.append(f"{words['limit']}: {with_unit(told.level, told.unit, self._language)}{edition}")  # fmt: skip
        return shown

    def _since(self, told: Told) -> str:
        text = f"{self._words['since']}: {self._time(told.raised)}"
        if told.cleared is not None:
            text += f"; {self._words['until'].lower()}: {self._time(told.cleared)}"
        return text

    def _page(self, told: Told | None) -> list[str]:
        if not self._link:
            return []
        at = f"/?alert={told.id}" if told else "/"
        return [f"{self._words['page']}: {self._link}{at}"]

    def _news(self, item: Item) -> str:
        return ", ".join(_NEWS[self._language][n] for n in item.news)

    def _severity(self, told: Told) -> str:
        return _SEVERITY[self._language][told.severity]

    def _time(self, time: int) -> str:
        return to_datetime(time).astimezone(self.zone).strftime("%H:%M %d/%m/%Y")
