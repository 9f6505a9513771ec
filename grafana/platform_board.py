"""Platform health: does everything that is sent arrive, how long does it take, and what stands in the way."""

from __future__ import annotations

from grafana.board import board
from grafana.limits import GREEN, Steps
from grafana.measurements import PLATFORM, QUARANTINE
from grafana.panels import bars, lines, row, stat
from grafana.queries import Json, graph, over_time
from grafana.tongue import SEVERITIES, Tongue

_RED, _AMBER = SEVERITIES["critical"][2], SEVERITIES["high"][2]


def platform_board(tongue: Tongue) -> Json:
    """The platform's own figures, once a minute."""
    panels = [
        *_now(tongue),
        row(tongue("Nhận dữ liệu", "Ingest")),
        _rates(tongue),
        _reasons(tongue),
        _quarantine(tongue),
        row(tongue("Độ trễ và hàng chờ", "Lag and what waits")),
        _waiting(tongue),
        _latency(tongue),
        _engine(tongue),
        row(tongue("Bộ đệm, đĩa và lỗi", "Spool, disk and failures")),
        _spool(tongue),
        _disk(tongue),
        _failures(tongue),
    ]
    title = tongue("Nền tảng", "Platform health")
    text = tongue(
        "Nền tảng có nhận, lưu và phân tích kịp không.",
        "Whether the platform receives, stores and analyses in time.",
    )
    return board(tongue, "platform", title, text, panels, span="now-6h", refresh="30s",
                 events="\"kind\" = 'platform'", tags=("platform",))  # fmt: skip


def _last(field: str) -> str:
    return over_time(f'last("{field}")', PLATFORM)


def _rate(field: str, name: str) -> str:
    return f'non_negative_derivative(last("{field}"), 1s) AS "{name}"'


def _now(tongue: Tongue) -> list[Json]:
    bad_if_up: Steps = ((None, GREEN), (1, _AMBER))
    return [
        stat(
            tongue("Kết nối broker", "Broker"),
            tongue(
                "1 khi đang nối. 0: kiểm tra broker và mạng; bản tin chờ ở broker, không mất.",
                "1 while connected. 0: look at the broker and the network; messages wait there and are not lost.",
            ),
            [graph(_last("broker_connected"))],
            steps=((None, _RED), (1, GREEN)),
        ),
        stat(
            tongue("Bản tin chờ", "Messages waiting"),
            tongue(
                "Đã nhận, chưa xác nhận. Tăng mãi: kho dữ liệu chậm hoặc không trả lời.",
                "Taken and not acknowledged yet. Ever more: the store is slow or does not answer.",
            ),
            [graph(_last("messages_waiting"))],
            unit="short",
        ),
        stat(
            tongue("Phân tích chậm (lô)", "Analytics behind (batches)"),
            tongue(
                "Lô đã lưu mà phân tích chưa lấy. Tăng mãi: máy quá tải; cảnh báo sẽ đến muộn.",
                "Batches stored and not analysed yet. Ever more: the machine is overloaded; alerts come late.",
            ),
            [graph(_last("engine_batches_behind"))],
            unit="short",
            steps=((None, GREEN), (100, _AMBER), (1000, _RED)),
        ),
        stat(
            tongue("Bộ đệm trên đĩa", "Spool on disk"),
            tongue(
                "Byte chờ vì kho không nhận. Trên 0: kho đang không trả lời; xem kho và chỗ trống của đĩa.",
                "Bytes that wait because a store does not take them. Above 0: see the store, and the disk's space.",
            ),
            [graph(_last("spool_bytes"))],
            unit="bytes",
            steps=bad_if_up,
        ),
        stat(
            tongue("Thiết bị bị hạn chế", "Devices limited"),
            tongue(
                "Thiết bị gửi quá dày, một phần bị từ chối. Kiểm tra cấu hình của chúng.",
                "Devices that send too often and of which a part is refused. Check their settings.",
            ),
            [graph(_last("limited_devices"))],
            steps=bad_if_up,
        ),
        stat(
            tongue("Đĩa đã dùng", "Disk used"),
            tongue(
                "Trên 85 %: dọn đĩa hoặc giảm thời gian lưu; đầy đĩa thì không lưu được gì.",
                "Above 85 %: free the disk or keep data for a shorter time; a full one stores nothing.",
            ),
            [graph(_last("disk_used_percent"))],
            unit="percent",
            steps=((None, GREEN), (75, _AMBER), (85, _RED)),
        ),
    ]


def _rates(tongue: Tongue) -> Json:
    words = {"records_received_total": tongue("Nhận", "Received"), "records_stored_total": tongue("Lưu", "Stored"),
             "records_duplicate_total": tongue("Trùng", "Duplicate")}  # fmt: skip
    return lines(
        tongue("Bản ghi mỗi giây", "Records a second"),
        tongue(
            "Nhận và lưu phải đi cùng nhau. Nhận về 0: mất broker hoặc mạng; trùng tăng vọt: có gì đó gửi lại.",
            "Received and stored go together. Received at 0: broker or network; many duplicates: something sends again.",
        ),
        [graph(over_time(_rate(field, "rate"), PLATFORM), text) for field, text in words.items()],
        unit="ops",
    )


def _reasons(tongue: Tongue) -> Json:
    query = over_time('non_negative_difference(last("total"))', QUARANTINE, by='"reason"')
    return lines(
        tongue("Cách ly theo lý do", "Quarantine by reason"),
        tongue(
            "Bản ghi mới vào khu cách ly. Một lý do tăng vọt: thiết bị mới hoặc phần mềm mới; xem sổ tay theo lý do.",
            "Records that went into quarantine. One reason surges: new devices or firmware; see the runbook's heading.",
        ),
        [graph(query, "$tag_reason")],
        unit="short",
    )


def _quarantine(tongue: Tongue) -> Json:
    query = over_time('last("total")', QUARANTINE, by='"reason"')
    return bars(
        tongue("Đã cách ly từ khi khởi động", "In quarantine since the start"),
        tongue(
            "Tổng theo lý do từ khi chương trình khởi động. Sửa nguyên nhân rồi gửi lại: urban quarantine.",
            "By reason since the program started. Mend the cause, then send them again: urban quarantine.",
        ),
        [graph(query, "$tag_reason")],
        w=24,
        h=9,
        unit="short",
    )


def _waiting(tongue: Tongue) -> Json:
    return lines(
        tongue("Bản tin chờ theo thời gian", "Messages waiting over time"),
        tongue(
            "Răng cưa thấp là bình thường; lên không xuống là kho không kịp.",
            "A low saw-tooth is normal; what rises and does not fall is a store that does not keep up.",
        ),
        [graph(over_time('max("messages_waiting")', PLATFORM), tongue("Chờ", "Waiting"))],
        w=8,
        unit="short",
    )


def _mean_of(histogram: str) -> str:
    total, count = f'last("{histogram}_sum")', f'last("{histogram}_count")'
    return f"non_negative_difference({total}) / non_negative_difference({count})"


def _latency(tongue: Tongue) -> Json:
    return lines(
        tongue("Thời gian ghi một lô", "Time to write a batch"),
        tongue(
            "Trung bình mỗi khoảng. Trên 1 giây: InfluxDB hoặc đĩa của nó quá tải.",
            "Mean of each interval. Above a second: InfluxDB or its disk is overloaded.",
        ),
        [graph(over_time(_mean_of("store_write_seconds"), PLATFORM), tongue("Ghi", "Write"))],
        w=8,
        unit="s",
        steps=((None, GREEN), (1, _AMBER), (5, _RED)),
    )


def _engine(tongue: Tongue) -> Json:
    return lines(
        tongue("Thời gian phân tích một lô", "Time to analyse a batch"),
        tongue(
            "Trung bình mỗi khoảng. Lâu hơn khoảng cách giữa hai lô: phân tích sẽ chậm dần.",
            "Mean of each interval. Longer than the time between two batches: analytics falls behind.",
        ),
        [
            graph(
                over_time(_mean_of("engine_batch_seconds"), PLATFORM),
                tongue("Phân tích", "Analytics"),
            )
        ],
        w=8,
        unit="s",
    )


def _spool(tongue: Tongue) -> Json:
    return lines(
        tongue("Bộ đệm theo thời gian", "Spool over time"),
        tongue(
            "Lên: kho không nhận. Xuống: kho đã trở lại và bản tin chờ được ghi. Gần giới hạn URBAN_SPOOL_MB: sửa kho ngay.",
            "Up: the store does not take. Down: it is back. Near URBAN_SPOOL_MB: mend the store now.",
        ),
        [graph(over_time('max("spool_bytes")', PLATFORM), tongue("Bộ đệm", "Spool"))],
        w=8,
        unit="bytes",
    )


def _disk(tongue: Tongue) -> Json:
    return lines(
        tongue("Chỗ trống trên đĩa", "Free space on disk"),
        tongue(
            "Đĩa của thư mục dữ liệu. Đường dốc xuống đều cho biết còn bao lâu thì đầy.",
            "The disk of the data folder. A steady slope says how long it will last.",
        ),
        [graph(over_time('min("disk_free_bytes")', PLATFORM), tongue("Trống", "Free"))],
        w=8,
        unit="bytes",
    )


def _failures(tongue: Tongue) -> Json:
    words = {
        "store_failures_total": tongue("Kho từ chối ghi", "Store refused"),
        "engine_failures_total": tongue("Phân tích lỗi", "Analytics failed"),
        "housekeeping_failures_total": tongue("Dọn dẹp lỗi", "Housekeeping failed"),
    }
    return lines(
        tongue("Lỗi", "Failures"),
        tongue(
            "Lần thất bại mỗi khoảng; việc được làm lại. Lặp lại mãi: xem nhật ký của chương trình.",
            "Failures in each interval; the work is done again. Again and again: see the program's log.",
        ),
        [
            graph(over_time(f'non_negative_difference(last("{field}"))', PLATFORM), text)
            for field, text in words.items()
        ],
        w=8,
        unit="short",
    )
