"""InfluxQL as Grafana's raw queries want it: always within the time range, and several areas or devices by regex."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

SOURCE: Json = {"type": "influxdb", "uid": "${ds}"}
AREAS = '"area_name" =~ /^${area:regex}$/'


def select(
    what: str,
    measurement: str,
    where: str = "",
    by: str = "",
    *,
    policy: str = "",
    tail: str = "",
) -> str:
    """A statement over the board's time range. by: what to group by, without GROUP BY."""
    source = f'"{policy}"."{measurement}"' if policy else f'"{measurement}"'
    condition = f"$timeFilter AND {where}" if where else "$timeFilter"
    group = f" GROUP BY {by}" if by else ""
    return f"SELECT {what} FROM {source} WHERE {condition}{group}{f' {tail}' if tail else ''}"


def over_time(
    what: str, measurement: str, where: str = "", by: str = "", fill: str = "null", policy: str = ""
) -> str:
    """A statement with one value an interval; by: tags to group by beside time."""
    group = "time($__interval)" + (f", {by}" if by else "")
    return select(what, measurement, where, group, policy=policy, tail=f"fill({fill})")


def of_kind(kind: str) -> str:
    """The condition that a figure is of this kind."""
    return f"\"kind\" = '{kind}'"


def graph(query: str, alias: str = "", ref: str = "A") -> Json:
    """A target that is drawn as series."""
    return _target(query, "time_series", ref) | ({"alias": alias} if alias else {})


def table(query: str, ref: str = "A") -> Json:
    """A target that is read as rows."""
    return _target(query, "table", ref)


def _target(query: str, form: str, ref: str) -> Json:
    return {
        "refId": ref,
        "datasource": SOURCE,
        "query": query,
        "rawQuery": True,
        "resultFormat": form,
    }
