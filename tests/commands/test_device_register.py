"""`urban devices add|edit|retire|reinstate|history|import|export|credentials` at a running platform."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.credentials import BrokerFolder
from tests.commands.conftest import Running, urban


def test_a_devices_life(running: Running, tmp_path: Path) -> None:
    where = ("--lat", "10.77", "--lon", "106.70", "--limit", "rated_power=100", "--tag", "cầu")
    made = running.urban("devices", "add", "lamp-1", "--kind", "lamp", *where)
    assert made == (0, "lamp-1: registered\n", "")
    assert running.urban("devices", "edit", "lamp-1", "--name", "Cột 1", "--by", "Lan")[0] == 0
    assert running.urban("devices", "retire", "lamp-1", "--why", "tháo dỡ")[0] == 0
    assert running.urban("devices", "reinstate", "lamp-1")[0] == 0
    told = json.loads(running.urban("devices", "history", "lamp-1", "--json")[1])
    assert [e["what"] for e in told] == ["reinstated", "retired", "edited", "registered"]
    assert told[2]["after"] == {"name": "Cột 1"} and told[2]["by"] == "Lan"
    shown = running.urban("devices", "history", "lamp-1")[1]
    assert "tháo dỡ" in shown and '{"name": "Cột 1"}' in shown


def test_a_list_there_and_back(running: Running, tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("id,kind,name\nlamp-1,lamp,Cột 1\nBad,lamp,x\n", encoding="utf-8")
    code, out, _ = running.urban("devices", "import", str(file), "--dry-run")
    assert code == 1
    assert out.splitlines()[-1] == "would be: 1 registered, 0 edited, 0 unchanged, 1 refused"
    assert "line 3: Bad: id: must look like" in out
    assert running.urban("devices", "import", "-", stdin=file.read_bytes())[0] == 1
    back = tmp_path / "back.csv"
    code, out, _ = running.urban("devices", "export", str(back), "--kind", "lamp")
    assert (code, out) == (0, f"{back}: 1 devices\n")
    code, out, _ = running.urban("devices", "import", str(back), "--json")
    assert code == 0 and json.loads(out)["unchanged"] == 1
    assert running.urban("devices", "export")[1].splitlines()[1].startswith("lamp-1,lamp,Cột 1")


def test_a_password(running: Running, tmp_path: Path) -> None:
    running.urban("devices", "add", "lamp-1", "--kind", "lamp")
    code, _, err = running.urban("devices", "credentials", "lamp-1")
    assert code == 2 and "URBAN_BROKER_FILES" in err
    running.context.credentials = BrokerFolder(tmp_path / "mq", ["lamp"])
    code, out, err = running.urban("devices", "credentials", "lamp-1")
    name, password = out.split()
    assert (code, name, len(password)) == (0, "lamp-1", 32) and "Shown this once" in err
    assert running.urban("devices", "credentials", "lamp-1", "--remove")[1] == "lamp-1: removed\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("edit", "lamp-9"), "must be told what to change"),
        (("edit", "../x", "--name", "y"), "must look like"),
        (("edit", "lamp-9", "--name", "y"), "there is no 'lamp-9'"),
        (("add", "x-1", "--kind", "moon"), "must be one of air"),
        (("add", "x-1", "--kind", "lamp", "--limit", "bd1"), "must look like bd1=1.4"),
        (("import", "/absent.csv"), "must be one that can be read"),
        (("export", "/absent/x.csv"), "can't be written"),
    ],
)
def test_wrong_use_is_one_line(running: Running, words: tuple[str, ...], told: str) -> None:
    code, _, err = running.urban("devices", *words)
    assert code == 2
    assert told in err and err.count("\n") == 1
    assert urban("devices", words[0], "--help")[0] == 0
