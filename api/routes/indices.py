"""GET /indices: the newest official indices (VN_AQI, flood alarm level, …) and the texts they follow."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.context import Context
from api.encode import encode_readings, listing
from api.openapi import answers, list_of
from api.parameters import Ctx, SeriesFilter
from api.schemas import Index, Reading, Text

router = APIRouter(tags=["telemetry"])


@router.get("/indices", summary="The newest official indices", responses=answers(list_of(Index)))
def get_indices(context: Ctx, selection: SeriesFilter) -> Response:
    """Every index that a kind declares, where its data rule is met; the edition names the legal text."""
    readings = encode_readings(context, context.telemetry.latest(selection.series))
    found = [_index(context, r) for r in readings if r.quantity in context.kinds[r.kind].indices]
    return listing(found)


def _index(context: Context, reading: Reading) -> Index:
    kind = context.kinds[reading.kind]
    quantity = kind.quantity(reading.quantity)
    edition = next((r.edition for r in kind.rules if r.quantity == reading.quantity), "")
    return Index(
        device=reading.device,
        kind=reading.kind,
        quantity=reading.quantity,
        value=reading.value,
        unit=reading.unit,
        flag=reading.flag,
        time=reading.time,
        title=Text(quantity.vi, quantity.en) if quantity else Text("", ""),
        edition=edition,
    )
