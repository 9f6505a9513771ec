"""Which property of which FIWARE Smart Data Model a quantity is, and in which unit the model wants it.

Models and property names: github.com/smart-data-models (AirQualityObserved 0.1.4, WeatherObserved 0.3.4 with
Weather-Commons, NoiseLevelObserved 0.2.1, WaterQualityObserved 0.0.6, FloodMonitoring 0.0.1,
TrafficFlowObserved 0.0.1, Streetlight 0.2.1, WasteContainer 0.3.0). Unit codes: UN/CEFACT Recommendation 20.
"""

from __future__ import annotations

from dataclasses import dataclass, field

CORE_CONTEXT = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
_CONTEXT = "https://raw.githubusercontent.com/smart-data-models/dataModel.{}/master/context.jsonld"


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a model: value = ours x factor, in a unit (UN/CEFACT code)."""

    name: str
    unit: str
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its type, the subject whose context it is in, its properties by our quantities.

    time    the property that says when
    period  it wants dateObservedFrom and dateObservedTo
    """

    type: str
    subject: str
    properties: dict[str, Property] = field(default_factory=dict)
    time: str = "dateObserved"
    period: bool = False

    @property
    def context(self) -> list[str]:
        """The @context of an entity."""
        return [_CONTEXT.format(self.subject), CORE_CONTEXT]


_MICROGRAMS, _CELSIUS, _RATIO, _MILLIGRAMS, _DECIBEL = "GQ", "CEL", "C62", "M1", "2N"
_TEMPERATURE = Property("temperature", _CELSIUS)
_HUMIDITY = Property("relativeHumidity", _RATIO, 0.01)  # the models want 0…1

# By kind.
MODELS: dict[str, Model] = {
    "air": Model(
        "AirQualityObserved",
        "Environment",
        {
            **{q: Property(q, _MICROGRAMS) for q in ("pm25", "pm10", "o3", "no2", "so2", "co")},
            "temperature": _TEMPERATURE,
            "humidity": _HUMIDITY,
            "vn_aqi": Property("airQualityIndex", _RATIO),
        },
    ),
    "weather": Model(
        "WeatherObserved",
        "Weather",
        {
            "temperature": _TEMPERATURE,
            "humidity": _HUMIDITY,
            "pressure": Property("atmosphericPressure", "A97"),
            "wind_speed": Property("windSpeed", "MTS"),
            "wind_direction": Property("windDirection", "DD"),
            "rain": Property("precipitation", "MMT"),
        },
    ),
    "noise": Model(
        "NoiseLevelObserved",
        "Environment",
        {"laeq": Property("LAeq", _DECIBEL), "lamax": Property("LAmax", _DECIBEL)},
        period=True,
    ),
    "water": Model(
        "WaterQualityObserved",
        "WaterQuality",
        {
            "temperature": _TEMPERATURE,
            "ph": Property("pH", "Q30"),
            "dissolved_oxygen": Property("O2", _MILLIGRAMS),
            "bod5": Property("bod", _MILLIGRAMS),
            "cod": Property("cod", _MILLIGRAMS),
            "tss": Property("tss", _MILLIGRAMS),
            "ammonium": Property("NH4", _MILLIGRAMS),
            "conductivity": Property("conductivity", "D10", 1e-4),  # uS/cm → S/m
            "turbidity": Property("turbidity", "NTU"),
        },
    ),
    "level": Model(
        "FloodMonitoring",
        "Environment",
        {"level": Property("currentLevel", "MTR")},
        time="observationDateTime",
    ),
    "traffic": Model(
        "TrafficFlowObserved",
        "Transportation",
        {
            "speed": Property("averageVehicleSpeed", "KMH"),
            "occupancy": Property("occupancy", _RATIO, 0.01),
        },
    ),
    "lamp": Model(
        "Streetlight",
        "Streetlighting",
        {
            "power": Property("powerConsumption", "WTT"),
            "voltage": Property("voltage", "VLT"),
            "current": Property("current", "AMP"),
            "power_factor": Property("powerFactor", _RATIO),
            "dimming": Property("illuminanceLevel", _RATIO, 0.01),
        },
        time="observationDateTime",
    ),
    "waste": Model(
        "WasteContainer",
        "WasteManagement",
        {"fill": Property("fillingLevel", _RATIO, 0.01), "temperature": _TEMPERATURE},
        time="timeInstant",
    ),
}

# Classes of vehicles: an entity each beside the one of all.
VEHICLES = {
    "motorcycle": "motorcycle",
    "car": "car",
    "bus": "bus",
    "truck": "lorry",
    "bicycle": "bicycle",
}
