"""The catalogue as DCAT-AP 3.0 in JSON-LD: data sets with licence, extent in space and time, and where to get them.

W3C DCAT 3 (2024-08-22); SEMIC DCAT-AP 3.0. The @context stands inside, so that no one has to fetch it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.context import Context
from api.publish.datasets import Beginnings, Dataset, datasets, marks
from api.publish.days import Day, days_of, is_closed
from devices.city import Area
from telemetry.clock import format_time

Node = dict[str, Any]

MEDIA_TYPE = "application/ld+json"
_IANA = "https://www.iana.org/assignments/media-types/"
_EU = "http://publications.europa.eu/resource/authority/"
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_THEMES = {
    "air": "ENVI", "weather": "ENVI", "noise": "ENVI", "water": "ENVI", "level": "ENVI", "waste": "ENVI",
    "emission": "ENVI", "tree": "ENVI", "traffic": "TRAN", "lamp": "ENER", "feeder": "ENER",
}  # fmt: skip


def catalogue(context: Context, beginnings: Beginnings, base: str) -> Node:
    """All data sets, each with its newest values and its newest whole day."""
    marked = marks(context)
    city = context.city
    return {
        "@context": CONTEXT,
        "@id": f"{base}/open/catalog",
        "@type": "dcat:Catalog",
        "dct:title": _texts(f"Dữ liệu mở: {city.vi}", f"Open data: {city.en}"),
        "dct:description": _texts(
            "Số đo và chỉ số của các trạm cảm biến đô thị, theo loại trạm và phường, xã.",
            "Readings and indices of the city's sensors, by kind of station and by ward or commune.",
        ),
        "dct:publisher": _publisher(context),
        "dct:language": [_id(f"{_EU}language/VIE"), _id(f"{_EU}language/ENG")],
        "dct:license": _id(marked.licence),
        "dct:modified": _time(context.clock.now()),
        "dcat:themeTaxonomy": _id(f"{_EU}data-theme"),
        "dcat:dataset": [
            _dataset(context, beginnings, base, found, 1) for found in datasets(context)
        ],
    }


def dataset(context: Context, beginnings: Beginnings, base: str, found: Dataset) -> Node:
    """One data set, with a distribution for each of its days."""
    return {"@context": CONTEXT, **_dataset(context, beginnings, base, found, 4_000)}


def _dataset(
    context: Context, beginnings: Beginnings, base: str, found: Dataset, days: int
) -> Node:
    marked, kind, area = marks(context), found.kind, found.area
    place = f"{base}/open/{found.name}"
    latest = context.telemetry.latest(found.series)
    begins = beginnings.of(context, found)
    node: Node = {
        "@id": place,
        "@type": "dcat:Dataset",
        "dct:identifier": found.name,
        "dct:title": _texts(f"{kind.vi}: {area.type} {area.name}", f"{kind.en}: {area.name}"),
        "dct:description": _texts(
            "Số đo có cờ chất lượng QARTOD và chỉ số chính thức, theo ngày: "
            + _names(found, vi=True),
            "Readings with their QARTOD quality flag, and official indices, by day: "
            + _names(found, vi=False),
        ),
        "dcat:keyword": [kind.name, area.name, *(q.name for q in _quantities(found))],
        "dcat:theme": _id(f"{_EU}data-theme/{_THEMES.get(kind.name, 'ENVI')}"),
        "dct:publisher": _publisher(context),
        "dct:accessRights": _id(f"{_EU}access-right/PUBLIC"),
        "dct:accrualPeriodicity": _id(f"{_EU}frequency/CONT"),
        "dct:spatial": _spatial(context, area, found),
        "dcat:distribution": [
            _distribution(f"{place}/latest.{ending}", place, marked.licence, media, words)
            for ending, media, words in _LATEST
        ],
    }
    if begins is not None and len(latest):
        newest = int(latest.time.max())
        node["dct:modified"] = _time(int(latest.received.max()))
        node["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _time(begins),
            "dcat:endDate": _time(newest),
        }
        closed = [d for d in days_of(begins, newest, context.city.zone) if is_closed(context, d)]
        node["dcat:distribution"] += _daily(place, marked.licence, reversed(closed[-days:]))
    return node


_LATEST = (
    ("csv", "text/csv", ("Giá trị mới nhất", "Newest values")),
    (
        "geojson",
        "application/geo+json",
        ("Giá trị mới nhất trên bản đồ", "Newest values, on a map"),
    ),
)


def _daily(place: str, licence: str, days: Iterable[Day]) -> list[Node]:
    return [
        _distribution(
            f"{place}/{day.name}.parquet",
            place,
            licence,
            "application/vnd.apache.parquet",
            (f"Ngày {day.name}", f"Day {day.name}"),
        )
        | {
            "dct:temporal": {
                "@type": "dct:PeriodOfTime",
                "dcat:startDate": _time(day.start),
                "dcat:endDate": _time(day.end),
            }
        }
        for day in days
    ]


def _distribution(
    url: str, access: str, licence: str, media_type: str, words: tuple[str, str]
) -> Node:
    return {
        "@id": url,
        "@type": "dcat:Distribution",
        "dct:title": _texts(*words),
        "dcat:accessURL": _id(access),
        "dcat:downloadURL": _id(url),
        "dcat:mediaType": _id(_IANA + media_type),
        "dct:license": _id(licence),
        "dcatap:availability": _id(f"{_EU}planned-availability/STABLE"),
    }


def _spatial(context: Context, area: Area, found: Dataset) -> Node:
    devices = [context.catalogue.devices[code] for code in found.devices.tolist()]
    placed = [(d.lon, d.lat) for d in devices if d.lon is not None and d.lat is not None]
    node: Node = {
        "@type": "dct:Location",
        "dcat:centroid": _wkt(f"POINT({area.lon} {area.lat})"),
    }
    if placed:
        (west, east), (south, north) = ((min(a), max(a)) for a in zip(*placed, strict=True))
        ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
        node["dcat:bbox"] = _wkt(f"POLYGON(({', '.join(f'{x} {y}' for x, y in ring)}))")
    return node


def _publisher(context: Context) -> Node:
    marked = marks(context)
    node: Node = {"@type": "foaf:Agent", "foaf:name": marked.publisher}
    return node | ({"foaf:homepage": _id(marked.homepage)} if marked.homepage else {})


def _quantities(found: Dataset) -> list[Any]:
    return [q for q in found.kind.quantities if not q.derived or q.name in found.kind.indices]


def _names(found: Dataset, vi: bool) -> str:
    return ", ".join((q.vi if vi else q.en) for q in _quantities(found)) + "."


def _texts(vi: str, en: str) -> list[Node]:
    return [{"@value": vi, "@language": "vi"}, {"@value": en, "@language": "en"}]


def _id(address: str) -> Node:
    return {"@id": address}


def _wkt(text: str) -> Node:
    return {"@value": text, "@type": "geo:wktLiteral"}


def _time(ns: int) -> Node:
    whole = ns // 1_000_000_000 * 1_000_000_000
    return {"@value": format_time(whole), "@type": "xsd:dateTime"}
