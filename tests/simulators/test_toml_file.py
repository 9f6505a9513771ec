"""Every key of a TOML file knows its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.toml_file import lines_of, read_toml
from telemetry.errors import DeclarationError

TEXT = '''# a comment
text = "one # no comment [ still text"

[time]
column = [
  "a = 1",
  "b",
] # = 3
format = """
zone = "no key"
"""
zone = 'UTC'

[[values]]
"column" = "x"
[[values]]
column = { a = 1, b = [2] }
unit = "\\"["
last = 1
'''


def test_each_key_stands_in_its_line() -> None:
    assert lines_of(TEXT) == {
        ("text",): 2,
        ("time",): 4,
        ("time", "column"): 5,
        ("time", "format"): 9,
        ("time", "zone"): 12,
        ("values", 0): 14,
        ("values", 0, "column"): 15,
        ("values", 1): 16,
        ("values", 1, "column"): 17,
        ("values", 1, "unit"): 18,
        ("values", 1, "last"): 19,
    }


def test_a_place_names_the_nearest_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(TEXT)
    file = read_toml(path)
    assert file.place("values", 1, "unit").endswith("x.toml, line 18: values[1].unit")
    assert file.place("values", 1, "absent").endswith("line 16: values[1].absent")
    with pytest.raises(
        DeclarationError, match=r"line 12: time\.zone: is no key; allowed are column, format, a, b"
    ):
        file.refuse_unknown(("column", "format", "a", "b"), "time")


@pytest.mark.parametrize(
    ("text", "words"), [("a = ", "must be TOML"), ("a = 1\nb = x", "at line 2")]
)
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(DeclarationError, match=words):
        read_toml(path)
    with pytest.raises(DeclarationError, match="can be read"):
        read_toml(tmp_path / "absent.toml")
