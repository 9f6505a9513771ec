"""Maps without the internet: a city's file as GeoJSON and as a MapLibre style, and the panel that shows both.

Grafana serves its folder `public`; the files go to `public/urban` there, of the one city that it is for.
The style has no labels: text would need fonts from a server of glyphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devices.city import City, Road
from grafana.limits import Steps
from grafana.panels import panel
from grafana.queries import Json

STYLE = "style.json"
GEOJSON = "city.geojson"
SERVED = "public/urban"
_GROUND, _LAND, _WATER, _ROAD, _AREA = "#14181f", "#1c222b", "#24506b", "#3d4654", "#56617a"


def geojson(city: City) -> Json:
    """Extent, areas (points at their centroids), roads and waters of a city, RFC 7946."""
    west, south, east, north = city.bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    features = [_feature("extent", city.vi, "Polygon", [ring])]
    features += [_line("road", road) for road in city.roads]
    features += [_line("water", road) for road in city.water]
    features += [
        _feature("area", f"{a.type} {a.name}", "Point", [a.lon, a.lat]) | {"id": a.code}
        for a in city.areas
    ]
    return {"type": "FeatureCollection", "features": features}


def _line(sort: str, road: Road) -> Json:
    return _feature(sort, road.name, "LineString", [[lon, lat] for lat, lon in road.points])


def _feature(sort: str, name: str, shape: str, coordinates: list[Any]) -> Json:
    return {
        "type": "Feature",
        "properties": {"sort": sort, "name": name},
        "geometry": {"type": shape, "coordinates": coordinates},
    }


def style(city: City) -> Json:
    """A MapLibre style (version 8) that draws the GeoJSON beside it, and nothing else."""
    lat, lon = city.centre
    layers = [
        {"id": "ground", "type": "background", "paint": {"background-color": _GROUND}},
        _layer("extent", "fill", {"fill-color": _LAND}),
        _layer("water", "line", {"line-color": _WATER, "line-width": 3}),
        _layer("road", "line", {"line-color": _ROAD, "line-width": 1}),
        _layer("area", "circle", {"circle-color": _AREA, "circle-radius": 2}),
    ]
    return {
        "version": 8,
        "name": city.name,
        "center": [lon, lat],
        "zoom": 11,
        "sources": {"city": {"type": "geojson", "data": f"/{SERVED}/{GEOJSON}"}},
        "layers": layers,
    }


def _layer(sort: str, form: str, paint: Json) -> Json:
    return {
        "id": sort, "type": form, "source": "city", "filter": ["==", "sort", sort], "paint": paint,
    }  # fmt: skip


def geomap(
    title: str,
    text: str,
    targets: Sequence[Json],
    colour: str,
    *,
    unit: str,
    steps: Steps,
    w: int = 16,
    h: int = 14,
    **rest: Any,
) -> Json:
    """Devices on the map. Rows have the columns lat and lon; `colour` is the column that colours them."""
    outline = {
        "type": "geojson",
        "name": "city",
        "config": {
            "src": f"{SERVED}/{GEOJSON}",
            "rules": [],
            "style": {
                "color": {"fixed": _ROAD},
                "opacity": 0.3,
                "lineWidth": 1,
                "size": {"fixed": 1},
            },
        },
        "opacity": 0.4,
        "tooltip": False,
    }
    devices = {
        "type": "markers",
        "name": title,
        "config": {
            "showLegend": True,
            "style": {
                "color": {"field": colour, "fixed": "dark-green"},
                "opacity": 0.9,
                "size": {"fixed": 6, "min": 2, "max": 12},
                "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
            },
        },
        "location": {"mode": "coords", "latitude": "lat", "longitude": "lon"},
        "tooltip": True,
    }
    options = {
        "basemap": {
            "type": "maplibre",
            "name": "basemap",
            "config": {"url": f"/{SERVED}/{STYLE}"},
        },
        "controls": {
            "showZoom": True,
            "mouseWheelZoom": True,
            "showScale": True,
            "showAttribution": False,
        },
        "layers": [outline, devices],
        "tooltip": {"mode": "details"},
        "view": {"id": "fit", "allLayers": False, "lastOnly": False, "layer": title, "padding": 10},
    }
    return panel(
        "geomap", title, text, targets, w=w, h=h, unit=unit, steps=steps, options=options, **rest
    )
