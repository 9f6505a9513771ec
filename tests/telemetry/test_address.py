"""A broker's address may name the files of TLS; what is wrong with them is said at once, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.address import BrokerAddress, broker_address
from telemetry.errors import SettingsError


def test_files_of_tls_stand_behind_the_question_mark(tmp_path: Path) -> None:
    for name in ("ca.crt", "me.crt", "me.key"):
        (tmp_path / name).write_text("")
    found = broker_address(
        f"mqtts://u:p%3Fw@[::1]?ca={tmp_path}/ca.crt&cert={tmp_path}/me.crt&key={tmp_path}/me.key"
    )
    assert (found.host, found.port, found.password) == ("::1", 8883, "p?w")
    assert (found.ca, found.cert, found.key) == tuple(
        str(tmp_path / name) for name in ("ca.crt", "me.crt", "me.key")
    )
    assert str(found) == "mqtts://[::1]:8883"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mqtt://h?ca={here}", "write mqtts"),
        ("mqtts://h?cafile={here}", "ca, cert and key"),
        ("mqtts://h?cert={here}", "together"),
        ("mqtts://h?ca=/nowhere.crt", "that is there"),
        ("mqtts://h?ca=", "that is there"),
    ],
)
def test_what_is_wrong_is_said(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        broker_address(url.format(here=__file__))


def test_files_that_hold_something_else_are_named() -> None:
    with pytest.raises(SettingsError, match=r"ca: must name a file of certificates.*test_address"):
        BrokerAddress("h", 8883, True, ca=__file__).tls_context()
    with pytest.raises(SettingsError, match=r"cert, key: must name a certificate"):
        BrokerAddress("h", 8883, True, cert=__file__, key=__file__).tls_context()


def test_without_tls_there_is_no_context() -> None:
    assert broker_address("mqtt://h").tls_context() is None
