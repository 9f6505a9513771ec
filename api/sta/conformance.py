"""Which requirements of SensorThings 1.1 are met; told by the service's root, and held by tests/sta/test_<name>.py."""

from __future__ import annotations

from dataclasses import dataclass

SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req/"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement, or a class of them. tests: the file that holds it; "" where it is not met, and why."""

    name: str
    tests: str
    why: str = ""

    @property
    def uri(self) -> str:
        """Its identifier in the standard."""
        return SPEC + self.name


REQUIREMENTS = (
    Requirement("datamodel/thing", "datamodel"),
    Requirement("datamodel/location", "datamodel"),
    Requirement("datamodel/historical-location", "datamodel"),
    Requirement("datamodel/datastream", "datamodel"),
    Requirement("datamodel/sensor", "datamodel"),
    Requirement("datamodel/observed-property", "datamodel"),
    Requirement("datamodel/observation", "datamodel"),
    Requirement("datamodel/feature-of-interest", "datamodel"),
    Requirement("datamodel/entity-control-information/common-control-information", "datamodel"),
    Requirement("resource-path/resource-path-to-entities", "resource_path"),
    Requirement("request-data/status-codes", "status_codes"),
    Requirement("request-data/query-status-code", "status_codes"),
    Requirement("request-data/order", "orderby"),
    Requirement("request-data/expand", "expand"),
    Requirement("request-data/select", "select"),
    Requirement("request-data/orderby", "orderby"),
    Requirement("request-data/top", "pagination"),
    Requirement("request-data/skip", "pagination"),
    Requirement("request-data/count", "pagination"),
    Requirement("request-data/pagination", "pagination"),
    Requirement("request-data/filter", "filter"),
    Requirement("request-data/built-in-filter-operations", "filter"),
    Requirement("request-data/built-in-query-functions", "functions"),
    Requirement("data-array/data-array", "data_array"),
    Requirement("create-update-delete", "", "devices are registered at /api/v1/devices, with a history; observations by data array"),
    Requirement("batch-request/batch-request", "", "not made"),
    Requirement("multi-datastream", "", "a device's quantities are Datastreams of their own"),
    Requirement("create-observations-via-mqtt", "", "devices publish to city/{kind}/{device}/telemetry"),
    Requirement("receive-updates-via-mqtt", "", "see GET /api/v1/stream"),
)  # fmt: skip


def conformance() -> list[str]:
    """What the root's serverSettings tell."""
    return [r.uri for r in REQUIREMENTS if r.tests]


def as_table() -> str:
    """The table of docs/sensorthings.md."""
    rows = ["| requirement (`/req/…`) | met | tests, or why not |", "|---|---|---|"]
    for r in REQUIREMENTS:
        link = f"[`test_{r.tests}.py`](../tests/sta/test_{r.tests}.py)" if r.tests else r.why
        rows.append(f"| `{r.name}` | {'yes' if r.tests else 'no'} | {link} |")
    return "\n".join(rows)
