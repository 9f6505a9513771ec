"""`URBAN_…_FILE`: a setting's value out of a file, for what is secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.errors import SettingsError
from telemetry.settings import load_settings

SECRET = "influx://s3cret-token@influxdb:8086/city/city"


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "telemetry"
    file.write_text(f"{SECRET}\n")
    assert load_settings({"URBAN_TELEMETRY_FILE": str(file)}).telemetry == SECRET
    assert load_settings({"URBAN_TELEMETRY_FILE": "", "URBAN_SEED": "4"}).telemetry == ""


def test_a_value_in_both_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "telemetry"
    file.write_text(SECRET)
    both = {"URBAN_TELEMETRY_FILE": str(file), "URBAN_TELEMETRY": SECRET}
    with pytest.raises(SettingsError, match="URBAN_TELEMETRY_FILE: and URBAN_TELEMETRY are both"):
        load_settings(both)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"URBAN_BROKER_FILE: must name a file .*No such file"):
        load_settings({"URBAN_BROKER_FILE": str(tmp_path / "none")})
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="it is no text"):
        load_settings({"URBAN_BROKER_FILE": str(tmp_path / "bytes")})


def test_a_secret_that_is_wrong_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("short-one")
    with pytest.raises(SettingsError, match="URBAN_GRAFANA_TOKEN_FILE") as caught:
        load_settings({"URBAN_GRAFANA_TOKEN_FILE": str(file)})
    assert "short-one" not in str(caught.value)
    file.write_text("http://user:s3cret@influxdb/")
    with pytest.raises(SettingsError) as caught:
        load_settings({"URBAN_TELEMETRY_FILE": str(file)})
    assert "s3cret" not in str(caught.value) and str(file) in str(caught.value)
