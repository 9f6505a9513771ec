"""What quantities and units are in vocabularies that others know: QUDT, CF standard names, UCUM."""

from __future__ import annotations

_CF = "http://vocab.nerc.ac.uk/standard_name/"
_QUDT = "http://qudt.org/vocab/quantitykind/"
OWN = "urn:urban-sensing:quantity:"
OM_MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
GEOJSON = "application/geo+json"

# CF standard names: cfconventions.org, table 85; QUDT quantity kinds where none fits.
_DEFINITIONS = {
    "pm25": f"{_CF}mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air/",
    "pm10": f"{_CF}mass_concentration_of_pm10_ambient_aerosol_particles_in_air/",
    "o3": f"{_CF}mass_concentration_of_ozone_in_air/",
    "no2": f"{_CF}mass_concentration_of_nitrogen_dioxide_in_air/",
    "so2": f"{_CF}mass_concentration_of_sulfur_dioxide_in_air/",
    "co": f"{_CF}mass_concentration_of_carbon_monoxide_in_air/",
    "temperature": f"{_QUDT}Temperature",
    "humidity": f"{_CF}relative_humidity/",
    "pressure": f"{_CF}air_pressure/",
    "wind_speed": f"{_CF}wind_speed/",
    "wind_direction": f"{_CF}wind_from_direction/",
    "rain": f"{_CF}thickness_of_rainfall_amount/",
    "laeq": f"{_QUDT}SoundPressureLevel",
    "lamax": f"{_QUDT}SoundPressureLevel",
    # CF knows pH and oxygen of the sea only.
    "ph": f"{_QUDT}Acidity",
    "dissolved_oxygen": f"{_QUDT}MassConcentration",
    "conductivity": f"{_QUDT}Conductivity",
    "turbidity": f"{_QUDT}Turbidity",
    "level": f"{_CF}water_surface_height_above_reference_datum/",
    "speed": f"{_QUDT}Speed",
    "power": f"{_QUDT}ActivePower",
    "voltage": f"{_QUDT}Voltage",
    "current": f"{_QUDT}ElectricCurrent",
    "power_factor": f"{_QUDT}PowerFactor",
    "energy": f"{_QUDT}Energy",
    "soil_moisture": f"{_QUDT}SoilMoisture",
    "tilt": f"{_QUDT}Angle",
}
_SYMBOLS = {
    "ug/m3": "µg/m³", "mg/m3": "mg/m³", "Cel": "°C", "deg": "°", "dB{A}": "dB(A)", "[pH]": "pH",
    "uS/cm": "µS/cm", "{NTU}": "NTU", "{MPN}/100.mL": "MPN/100 mL", "kW.h": "kWh", "1": "",
}  # fmt: skip


def definition(quantity: str) -> str:
    """A URI that says what is observed; one of our own where no vocabulary has it."""
    return _DEFINITIONS.get(quantity, OWN + quantity)


def unit_of_measurement(code: str) -> dict[str, str]:
    """SensorThings' unitOfMeasurement of a UCUM code."""
    symbol = _SYMBOLS.get(code, code.replace("{", "").replace("}", ""))
    return {"name": code, "symbol": symbol, "definition": f"http://unitsofmeasure.org/ucum#{code}"}
