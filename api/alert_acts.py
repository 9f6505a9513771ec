"""What people do with alerts, for routes and page alike: steps on the book, and its refusals as problems."""

from __future__ import annotations

from collections.abc import Callable

from api.alert_schemas import OutOfServiceInfo
from api.context import Context
from api.problems import Problem, invalid, not_found
from api.schemas import Text
from devices.subject import device_of
from store.records import Alert, OutOfService
from telemetry.clock import format_time
from telemetry.errors import DeclarationError, QueryError


def act_on(alert_id: str, step: Callable[[], Alert]) -> Alert:
    """The alert after a step. A problem where there is none (404) or its state forbids the step (409)."""
    try:
        return step()
    except QueryError as error:
        if error.place == "alert":
            raise no_alert(alert_id) from None
        if error.place == "state":
            raise Problem(409, "Not in this state", str(error), "state") from None
        raise invalid(error.place, str(error)) from None
    except DeclarationError as error:  # its rule was taken away meanwhile
        raise Problem(409, "Not in this state", str(error), "alert_id") from None


def acknowledge_alert(context: Context, alert_id: str, by: str) -> Alert:
    """Acknowledge; a 404 problem for an unknown alert. Doing it twice changes nothing."""
    return act_on(alert_id, lambda: context.alerts.acknowledge(alert_id, by))


def take_out(context: Context, alert_id: str, by: str, why: str, whole: bool) -> Alert:
    """Out of service: the alert's rule at its subject, or the `whole` subject."""
    alert = _find(context, alert_id)
    context.alerts.take_out(alert.subject, by, why, "" if whole else alert.rule)
    return _find(context, alert_id)


def put_back(context: Context, alert_id: str, by: str, whole: bool) -> Alert:
    """Back into service, as it was taken out."""
    alert = _find(context, alert_id)
    context.alerts.put_back(alert.subject, by, "" if whole else alert.rule)
    return _find(context, alert_id)


def out_of_service_info(context: Context, out: OutOfService) -> OutOfServiceInfo:
    """One line of the list of what is out of service."""
    device = context.catalogue.get(device_of(out.subject))
    rules = context.alerts.rules.family(out.family, device.kind if device else "")
    title = Text(rules[0].vi, rules[0].en) if rules else Text(out.family, out.family)
    return OutOfServiceInfo(
        rule=rules[0].code if rules else out.family,
        title=title,
        subject=out.subject,
        device=device_of(out.subject),
        device_name=device.name if device else "",
        since=format_time(out.since),
        by=out.by,
        why=out.why,
    )


def no_alert(alert_id: str) -> Problem:
    """404 for this id."""
    return not_found(f"alert_id: there is no alert {alert_id[:80]!r}", "alert_id")


def _find(context: Context, alert_id: str) -> Alert:
    alert = context.operations.alert(alert_id)
    if alert is None:
        raise no_alert(alert_id)
    return alert
