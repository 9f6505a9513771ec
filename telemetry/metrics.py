"""What the platform counts about itself, in Prometheus' words. Labels are bounded: reasons, never ids."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, registry=REGISTRY)


def _seconds(name: str, text: str) -> Histogram:
    buckets = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
    return Histogram(name, text, buckets=buckets, registry=REGISTRY)


MESSAGES = _counter("urban_messages_total", "Messages taken from the broker")
ACKNOWLEDGED = _counter("urban_acknowledged_total", "Messages acknowledged to the broker")
RECEIVED = _counter(
    "urban_records_received_total", "Records received: values, and messages that hold none"
)
STORED = _counter("urban_records_stored_total", "Records stored")
DUPLICATE = _counter("urban_records_duplicate_total", "Records that were there already")
QUARANTINED = _counter("urban_records_quarantined_total", "Records in quarantine", "reason")
QUARANTINE_PURGED = _counter(
    "urban_quarantine_purged_total",
    "Items removed from quarantine to bound it: age or size",
    "reason",
)
EXPIRED = _counter(
    "urban_expired_total",
    "Rows of the telemetry store removed for their age: raw, minutes, hours, account, log",
    "what",
)
HOUSEKEEPING_FAILURES = _counter(
    "urban_housekeeping_failures_total", "Rounds of housekeeping that failed and are tried again"
)
WAITING = _gauge(
    "urban_messages_waiting", "Messages taken from the broker and not acknowledged yet"
)
LIMITED_DEVICES = _gauge(
    "urban_limited_devices", "Devices that send too often and of which a part is refused"
)
CONNECTED = _gauge("urban_broker_connected", "1 while the ingestor is connected to the broker")
WRITE_SECONDS = _seconds(
    "urban_store_write_seconds", "Time to write one batch to the telemetry store"
)
STORE_FAILURES = _counter(
    "urban_store_failures_total", "Writes that the telemetry store refused or lost"
)
SPOOL_BYTES = _gauge("urban_spool_bytes", "Bytes that wait on our disk for a store")
SPOOL_SINCE = _gauge(
    "urban_spool_oldest_received_timestamp_seconds",
    "When the oldest message that waits on our disk was received, since 1970; 0: none waits",
)
SPOOLED = _counter(
    "urban_spooled_messages_total", "Messages kept on our disk because a store was away"
)
ENGINE_READINGS = _counter("urban_engine_readings_total", "Readings that analytics has taken in")
ENGINE_SECONDS = _seconds("urban_engine_batch_seconds", "Time that analytics took for one batch")
ENGINE_FAILURES = _counter(
    "urban_engine_failures_total", "Steps of analytics that failed and were done again"
)
ENGINE_BEHIND = _gauge(
    "urban_engine_batches_behind", "Stored batches that analytics has not taken in yet"
)
ALERT_TRANSITIONS = _counter(
    "urban_alert_transitions_total", "Alerts raised, updated and cleared", "what"
)
LIVE_CLIENTS = _gauge("urban_live_clients", "Clients on the live stream")
LIVE_CUT = _counter("urban_live_clients_cut_total", "Clients cut because they read too slowly")
NOTIFICATIONS = _counter(
    "urban_notifications_total", "Messages to people, by channel and outcome", "channel", "outcome"
)
COMMANDS = _counter(
    "urban_commands_total",
    "Commands requested, sent, acknowledged, refused, timed_out; answers that were late, repeated,"
    " unknown (of no command) or unread",
    "outcome",
)
