"""docs/api.md does what it says: each of its ten questions is asked, by curl and by Python, of a real server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.app import create_app
from devices.device import Device
from telemetry.clock import DAY, MINUTE
from tests.api.world import NOW, World, build
from tests.browser.server import Server
from tests.services import require

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
QUESTIONS = re.findall(r"^## (\d+)\. (.+?)\n(.*?)(?=^## )", PAGE, flags=re.M | re.S)
NUMBERS = [number for number, _, _ in QUESTIONS]


def blocks(number: str, language: str) -> list[str]:
    """The blocks of a language under a question."""
    (body,) = [body for n, _, body in QUESTIONS if n == number]
    return re.findall(rf"^```{language}\n(.*?)^```", body, flags=re.M | re.S)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = build(tmp_path_factory.mktemp("page"))
    made.catalogue.put(
        Device(id="aq-0007", kind="air", name="Bến Thành", lat=10.77, lon=106.7, area="26740")
    )
    times = [t for t in range(NOW - 2 * DAY, NOW, 5 * MINUTE) if t % DAY > 3600 * 10**9]
    made.store("aq-0007", "pm25", times, [float(20 + i % 30) for i in range(len(times))])
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Server]:
    with Server(create_app(world.context, console=False)) as made:
        yield made


@pytest.fixture
def happening(world: World) -> Iterator[None]:
    """Something is measured now and then, for whoever listens."""
    ended = threading.Event()

    def publish() -> None:
        while not ended.wait(0.1):
            world.hub.publish("readings", world.readings("aq-0007", "pm25", [NOW], [31.2]))

    thread = threading.Thread(target=publish)
    thread.start()
    yield
    ended.set()
    thread.join()


def run(command: list[str], text: str, server: Server, folder: Path) -> str:
    asked = text.replace(ADDRESS, server.url).replace("--max-time 60", "--max-time 3")
    done = subprocess.run(
        [*command, asked], capture_output=True, text=True, timeout=60, cwd=folder, check=False
    )
    cut = "--max-time" in text and done.returncode == 28  # a stream has no end of its own
    assert done.returncode == 0 or cut, done.stderr
    return done.stdout


def lists(text: str) -> bool:
    return len(json.loads(text)["items"]) > 0


# What curl prints, by question.
EXPECTED: dict[str, Callable[[str], bool]] = {
    "1": lists,
    "2": lambda text: len(json.loads(text)["features"]) > 2,
    "3": lambda text: lists(text) and json.loads(text)["every"] == "7200s",
    "4": lambda text: len(json.loads(text)["items"]) == 24,
    "5": lists,
    "6": lambda text: text == "",
    "7": lists,
    "8": lambda text: "event: readings" in text,
    "9": lists,
    "10": lambda text: "dcat:Catalog" in text,
}


def test_there_are_ten_questions_each_asked_both_ways() -> None:
    assert [str(n) for n in range(1, 11)] == NUMBERS
    for number in NUMBERS:
        assert len(blocks(number, "sh")) == 1 and len(blocks(number, "python")) == 1
    assert ADDRESS in PAGE


@pytest.mark.parametrize("number", NUMBERS)
def test_curl_answers(number: str, server: Server, tmp_path: Path, happening: None) -> None:
    require("curl", bool(subprocess.run(["which", "curl"], capture_output=True).stdout))
    (text,) = blocks(number, "sh")
    assert EXPECTED[number](run(["bash", "-ec"], text, server, tmp_path)), number
    for file in tmp_path.iterdir():
        assert file.read_bytes()[-4:] == b"PAR1"


@pytest.mark.parametrize("number", NUMBERS)
def test_python_answers(number: str, server: Server, tmp_path: Path, happening: None) -> None:
    (text,) = blocks(number, "python")
    assert run([sys.executable, "-c"], text, server, tmp_path).strip(), number


def test_the_page_names_every_format() -> None:
    from api.formats.choose import FORMATS

    for made in FORMATS.values():
        assert f"| `{made.name}` | `{made.media_type.partition(';')[0]}` |" in PAGE
