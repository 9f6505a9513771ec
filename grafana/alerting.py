"""Grafana's own alert rules, which watch the platform from outside, as a provisioning file.

City alerts are analytics' (decision 16). When the platform is down its own alerts are silent: these rules
look at the figures that it should have written. A query that fails keeps the last state (KeepLast), so a
restart of InfluxDB raises nothing; figures that stay away raise `no data`, which is the alarm itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from grafana.measurements import PLATFORM, QUARANTINE
from grafana.queries import Json

SOURCE_UID = "urban-influxdb"
CONTACT = "urban-sensing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRule:
    """One rule. what: InfluxQL over the last ten minutes, grouped by time; above/below: when it is bad.

    no_data  Alerting where silence is the fault itself, else OK
    """

    uid: str
    title: str
    what: str
    measurement: str
    above: float | None = None
    below: float | None = None
    hold: str = "5m"
    severity: str
    summary: str
    act: str
    no_data: str = "OK"


RULES = (
    PlatformRule(
        uid="urban-ingest-stalled",
        title="Ingest stalled",
        what='non_negative_difference(last("records_stored_total"))',
        measurement=PLATFORM,
        below=0.5,
        severity="critical",
        summary="No record was stored for five minutes, or the platform tells nothing at all",
        act="Look whether urban up runs (urban doctor), then at the broker and the network.",
        no_data="Alerting",
    ),
    PlatformRule(
        uid="urban-broker-away",
        title="Broker away",
        what='last("broker_connected")',
        measurement=PLATFORM,
        below=0.5,
        hold="2m",
        severity="high",
        summary="The ingestor is not connected to the broker",
        act="Start the broker, or correct its address and certificate; messages wait there.",
    ),
    PlatformRule(
        uid="urban-spool-growing",
        title="Spool growing",
        what='last("spool_bytes")',
        measurement=PLATFORM,
        above=1_000_000.0,
        severity="high",
        summary="Messages wait on the platform's disk because a store does not take them",
        act="Look at InfluxDB and at the operations store; mend them before the disk is full.",
    ),
    PlatformRule(
        uid="urban-quarantine-surge",
        title="Quarantine surge",
        what='non_negative_difference(sum("total"))',
        measurement=QUARANTINE,
        above=1_000.0,
        severity="medium",
        summary="More than 1,000 records a minute go into quarantine",
        act="See which reason surges on the platform board, and its heading in docs/runbook.md.",
    ),
    PlatformRule(
        uid="urban-disk-filling",
        title="Disk filling",
        what='last("disk_used_percent")',
        measurement=PLATFORM,
        above=85.0,
        severity="high",
        summary="The disk of the data folder is more than 85 % full",
        act="Free the disk, or keep data for a shorter time (URBAN_RETENTION_…).",
    ),
)


def query(rule: PlatformRule) -> str:
    """The InfluxQL of a rule: one value a minute. The query model of a provisioned rule is raw: one $."""
    return f'SELECT {rule.what} FROM "{rule.measurement}" WHERE $timeFilter GROUP BY time(1m) fill(none)'


def provisioning() -> Json:
    """The file: rules, contact point and policy. JSON is YAML, and Grafana reads it as such."""
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": "platform",
                "folder": "Urban sensing",
                "interval": "1m",
                "rules": [_rule(rule) for rule in RULES],
            }
        ],
        "contactPoints": [
            {
                "orgId": 1,
                "name": CONTACT,
                "receivers": [
                    {
                        "uid": "urban-webhook",
                        "type": "webhook",
                        "settings": {
                            "url": "$GRAFANA_WEBHOOK_URL",
                            "httpMethod": "POST",
                            "authorization_scheme": "Webhook",
                            "authorization_credentials": "$__file{/run/secrets/grafana_webhook_token}",
                        },
                        "disableResolveMessage": False,
                    }
                ],
            }
        ],
        "policies": [
            {"orgId": 1, "receiver": CONTACT, "group_by": ["alertname"], "group_wait": "10s",
             "group_interval": "1m", "repeat_interval": "4h"}
        ],
    }  # fmt: skip


def _rule(rule: PlatformRule) -> Json:
    bad = ("gt", rule.above) if rule.above is not None else ("lt", rule.below)
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "bad",
        "for": rule.hold,
        "noDataState": rule.no_data,
        "execErrState": "KeepLast",
        "labels": {"severity": rule.severity, "domain": "platform"},
        "annotations": {
            "summary": rule.summary,
            "description": rule.act,
            "__dashboardUid__": "urban-en-platform",
        },
        "data": [
            {
                "refId": "figure",
                "relativeTimeRange": {"from": 600, "to": 0},
                "datasourceUid": SOURCE_UID,
                "model": {
                    "refId": "figure",
                    "rawQuery": True,
                    "query": query(rule),
                    "resultFormat": "time_series",
                },
            },
            _expression("now", {"type": "reduce", "expression": "figure", "reducer": "last"}),
            _expression(
                "bad",
                {
                    "type": "threshold",
                    "expression": "now",
                    "conditions": [{"evaluator": {"type": bad[0], "params": [bad[1]]}}],
                },
            ),
        ],
    }


def _expression(ref: str, model: Json) -> Json:
    return {
        "refId": ref,
        "datasourceUid": "__expr__",
        "model": {"refId": ref, **model, "datasource": {"type": "__expr__", "uid": "__expr__"}},
    }
