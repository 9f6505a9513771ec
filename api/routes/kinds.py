"""GET /kinds: what the platform understands: quantities, units, bounds, indices, alert rules and commands."""

from __future__ import annotations

import math

import numpy as np
from fastapi import APIRouter, Response

from api.access.principal import Role
from api.access.rules import allow
from api.commands import encode_kind_command
from api.encode import listing, severity_name
from api.openapi import answers, list_of
from api.parameters import Ctx
from api.schemas import KindInfo, QuantityInfo, RuleInfo, Text
from devices.kind import AlertRule, Kind, Quantity, Span

router = APIRouter(tags=["kinds"], dependencies=[allow(Role.VIEWER)])


@router.get(
    "/kinds",
    summary="All kinds of device",
    responses=answers(list_of(KindInfo)),
)
def get_kinds(context: Ctx) -> Response:
    """Every kind with its quantities, units, possible and plausible bounds, indices, alert rules and commands."""
    kind_of = context.catalogue.kind_of
    if not context.sight.whole:
        kind_of = kind_of[context.sight.codes()]
    counts = np.bincount(kind_of, minlength=len(context.kinds.kinds)).tolist()
    return listing([encode_kind(k, n) for k, n in zip(context.kinds, counts, strict=True)])


def encode_kind(kind: Kind, devices: int) -> KindInfo:
    """A kind and how many devices of it are known."""
    return KindInfo(
        name=kind.name,
        title=Text(kind.vi, kind.en),
        domain=kind.domain,
        interval_s=kind.interval_s,
        timeout_s=kind.timeout_s,
        model=kind.model,
        main=kind.main,
        indices=list(kind.indices),
        quantities=[_quantity(q) for q in kind.quantities],
        rules=[_rule(r) for r in kind.rules],
        commands=[encode_kind_command(c) for c in kind.commands],
        devices=devices,
    )


def _quantity(quantity: Quantity) -> QuantityInfo:
    return QuantityInfo(
        name=quantity.name,
        unit=quantity.unit,
        title=Text(quantity.vi, quantity.en),
        possible=_bounds(quantity.possible),
        plausible=_bounds(quantity.plausible),
        derived=quantity.derived,
        additive=quantity.additive,
        circular=quantity.circular,
    )


def _bounds(span: Span) -> tuple[float | None, float | None]:
    low, high = (x if math.isfinite(x) else None for x in (span.low, span.high))
    return low, high


def _rule(rule: AlertRule) -> RuleInfo:
    return RuleInfo(
        code=rule.code,
        quantity=rule.quantity,
        above=rule.above,
        below=rule.below,
        clear=rule.clear,
        dwell_s=rule.dwell_s,
        severity=severity_name(rule.severity),
        title=Text(rule.vi, rule.en),
        act=Text(rule.act_vi, rule.act_en),
        edition=rule.edition,
    )
