"""`urban quarantine` as a person calls it, on a platform that answers; and where none does."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Sequence

import pytest

from commands.quarantine_client import CHUNK
from ingest.broker import free_port
from telemetry.clock import SECOND
from telemetry.errors import StoreError
from telemetry.ledger import Outcome
from tests.commands.conftest import Running, urban
from tests.ingest.conftest import NOW, holds

TOPIC = "city/air/aq-1/telemetry"


def test_list_shows_what_waits(running: Running) -> None:
    code, out, _ = running.urban("quarantine", "list")
    assert (code, out) == (0, "Nothing in quarantine fits.\n")
    running.bench.air(b'{"pm25": "n/a"}', b"\x1b[31mred [bold]")
    code, out, err = running.urban("quarantine", "list")
    assert (code, err) == (0, "")
    header, *lines = out.splitlines()
    assert header.split() == [
        "id",
        "received",
        "device",
        "reason",
        "path",
        "seen",
        "state",
        "payload",
    ]
    shown = {line.split()[0]: line for line in lines}
    assert set(shown) == set(running.waiting())
    assert "\x1b" not in out
    assert any(r"\x1b[31mred [bold]" in line for line in lines)
    assert any("2026-11-22T03:00:00Z  aq-1" in line and '{"pm25": "n/a"}' in line for line in lines)


def test_list_filters_and_says_how_many_more(running: Running) -> None:
    running.bench.air(*(b"x%d" % i for i in range(5)), b'{"pm25": true}')
    code, out, _ = running.urban("quarantine", "list", "--limit", "2", "--json")
    told = json.loads(out)
    assert (code, len(told["items"]), told["total"]) == (0, 2, 6)
    _, out, _ = running.urban("quarantine", "list", "--limit", "2")
    assert out.splitlines()[-1] == "2 of 6; --limit shows more."
    _, out, _ = running.urban(
        "quarantine", "list", "--reason", "not_a_number", "--reason", "empty", "--kind", "air", "--json",
        "--device", "aq-1", "--start", "2026-11-22T10:00:00+07:00", "--end", "2026-11-22T03:00:01Z",
    )  # fmt: skip
    assert [i["path"] for i in json.loads(out)["items"]] == ["$.pm25"]
    for state, n in (("resent", 0), ("all", 6)):
        _, out, _ = running.urban("quarantine", "list", "--state", state, "--json")
        assert json.loads(out)["total"] == n


def test_more_than_a_page_is_listed(running: Running) -> None:
    running.bench.air(*(b"x%d" % i for i in range(1_003)))
    _, out, _ = running.urban("quarantine", "list", "--limit", "1002", "--json")
    ids = [item["id"] for item in json.loads(out)["items"]]
    assert len(set(ids)) == 1_002


def test_show_tells_everything_and_what_to_do(running: Running) -> None:
    running.bench.air(b'{"pm25": "n/a"}')
    (item,) = running.waiting()
    code, out, _ = running.urban("quarantine", "show", item)
    assert code == 0
    assert "send a number, or null. (docs/runbook.md#not_a_number)" in out
    assert "$.pm25: must be a number, got 'n/a'" in out
    assert out.splitlines()[-1] == '{"pm25": "n/a"}'
    _, out, _ = running.urban("quarantine", "show", item, "--json")
    assert json.loads(out)["runbook"] == "docs/runbook.md#not_a_number"


@pytest.mark.parametrize("payload", [b"\xff\x00\r\n", "ố".encode(), b""])
def test_show_raw_gives_the_bytes(running: Running, payload: bytes) -> None:
    running.bench.send(("city/robot/r-1/telemetry", payload))
    (item,) = running.waiting()
    code, out, _ = running.urban("quarantine", "show", item, "--raw")
    assert (code, out.encode(errors="surrogateescape")) == (0, payload)


def test_count_is_by_reason_with_the_remedy(running: Running) -> None:
    running.bench.air(b"x", b"y", b'{"pm25": "n/a"}')
    code, out, _ = running.urban("quarantine", "count")
    assert code == 0
    rows = [line.split()[:2] for line in out.splitlines()]
    assert rows == [["reason", "items"], ["not_json", "2"], ["not_a_number", "1"], ["all", "3"]]
    assert "the device's firmware" in out
    _, out, _ = running.urban("quarantine", "count", "--json", "--reason", "not_json")
    assert json.loads(out) == {"total": 2, "reasons": {"not_json": 2}}


def test_a_field_is_corrected_and_the_message_stored(running: Running) -> None:
    running.bench.air(b'{"time": "2026-11-22T02:59:00Z", "pm25": "n/a", "pm10": 55.5}')
    (item,) = running.waiting()
    code, out, err = running.urban(
        "quarantine", "resend", item, "--set", "pm25=31.2", "--by", "Lan"
    )
    assert (code, err) == (0, "")
    assert out == f"resent {item}: 1 stored, 1 already there\n"
    at = NOW - 60 * SECOND
    assert running.bench.stored() == {("aq-1", "pm25", at): 31.2, ("aq-1", "pm10", at): 55.5}
    found = running.bench.operations.quarantine_item(item)
    assert found is not None and (found.state, found.acted_by) == ("resent", "Lan")


def test_a_record_of_a_pack_is_corrected(running: Running) -> None:
    running.bench.air(b'[{"n":"pm25","v":1},{"n":"pm10","v":"x"}]')
    (item,) = running.waiting()
    code, _, _ = running.urban("quarantine", "resend", item, "--set", "$[1].v=7")
    assert code == 0
    assert running.bench.stored()["aq-1", "pm10", NOW] == 7.0


def test_refused_again_ends_with_1(running: Running) -> None:
    running.bench.air(b'{"pm25": "n/a"}')
    (item,) = running.waiting()
    code, out, _ = running.urban("quarantine", "resend", item)
    assert code == 1
    assert out == f"resent {item}: 1 in quarantine again: not_a_number; it waits on\n"
    code, out, _ = running.urban("quarantine", "resend", item, "--json")
    assert (code, json.loads(out)["quarantined"]) == (1, ["not_a_number"])


def test_a_payload_is_given_whole_as_an_argument_or_by_stdin(running: Running) -> None:
    running.bench.air(b"x", b"y")
    one, two = running.waiting()
    assert running.urban("quarantine", "resend", one, "--payload", '{"pm25": 1}')[0] == 0
    cbor = bytes.fromhex("81a2006470696d35")  # cut off: refused again, as the bytes that they are
    code, _, _ = running.urban("quarantine", "resend", two, "--payload", "-", stdin=cbor)
    assert code == 1
    assert [i.payload for i in running.bench.operations.quarantine()] == [cbor]


def test_a_topic_is_corrected(running: Running) -> None:
    running.bench.send(("city/air/AQ_1/telemetry", b'{"pm25": 8}'))
    (item,) = running.waiting()
    assert running.urban("quarantine", "resend", item, "--topic", TOPIC)[0] == 0
    assert running.bench.stored() == {("aq-1", "pm25", NOW): 8.0}


def test_many_are_resent_in_bounded_requests_each_once(running: Running) -> None:
    n = 2 * CHUNK + 30
    running.bench.air(*(b"x%d" % i for i in range(n)))
    code, out, _ = running.urban("quarantine", "resend", "--reason", "not_json", "--yes")
    assert code == 1
    first, second = out.splitlines()
    assert first.startswith(
        f"resent {n} messages ({n} of {n} items): 0 stored, 0 already there, {n} in"
    )
    assert second.startswith(f"  {n} × not_json: ")
    assert {item.seen for item in running.bench.operations.quarantine(limit=1_000)} == {2}
    assert holds(running.bench.account())
    _, out, _ = running.urban("quarantine", "resend", "--limit", str(CHUNK + 5), "--yes", "--json")
    told = json.loads(out)
    assert (told["matched"], told["items"], told["waiting"]) == (n, CHUNK + 5, n)
    assert told["quarantined"] == {"not_json": CHUNK + 5}


def test_many_stop_where_ingest_is_away(running: Running) -> None:
    def away(messages: Sequence[tuple[str, bytes, int]]) -> list[Outcome]:
        raise StoreError("telemetry", "is away")

    running.context.resend = away
    running.bench.air(b"x", b"y")
    code, out, _ = running.urban("quarantine", "resend", "--yes")
    assert code == 1
    assert out.splitlines()[-1] == "stopped: telemetry: is away"
    (item, _) = running.waiting()
    code, out, err = running.urban("quarantine", "resend", item)
    assert (code, out, err) == (2, "", "urban: telemetry: is away\n")


def test_discarding_one_and_many(running: Running) -> None:
    running.bench.air(*(b"x%d" % i for i in range(CHUNK + 2)))
    item = running.waiting()[0]
    code, out, _ = running.urban(
        "quarantine", "discard", item, "--why", "thử nghiệm", "--by", "Lan"
    )
    assert (code, out) == (0, f"discarded {item}: 2026-11-22T04:00:00Z by Lan: thử nghiệm\n")
    code, out, _ = running.urban("quarantine", "discard", "--device", "aq-1", "--why", "?", "--yes")
    n = CHUNK + 1
    assert (code, out) == (0, f"discarded {n} of {n} items; 0 wait\n")
    _, out, _ = running.urban("quarantine", "discard", "--why", "?", "--yes", "--json")
    assert json.loads(out) == {"matched": 0, "items": 0, "waiting": 0}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["list", "--state", "open"], "--state: must be waiting, resent, discarded or all, got 'open'"),
        (["list", "--reason", "x"], "reason: Input should be"),
        (["list", "--start", "today"], "start: must be an RFC 3339 time"),
        (["show", "ghost"], "item_id: there is no item 'ghost'"),
        (["show", "../devices"], "ID: must be an id"),
        (["resend"], "--yes: must be given to resend 1 items"),
        (["discard", "--why", "?"], "--yes: must be given to discard 1 items"),
        (["discard", "--yes"], "--why: must be given"),
        (["resend", "x", "--reason", "empty"], "ID: and a filter can't be given both"),
        (["resend", "--set", "a=1", "--yes"], "ID: must be given"),
        (["resend", "{id}", "--set", "a=1", "--payload", "x"], "--set: corrects the message that came"),
        (["resend", "{id}", "--set", "pm25=1"], "--set: the payload is no JSON"),
        (["resend", "{id}", "--by", "a\x07b"], "by: Value error, must be printable text"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_and_changes_nothing(
    running: Running, words: list[str], expected: str
) -> None:
    running.bench.air(b"nonsense")
    (item,) = running.waiting()
    code, out, err = running.urban("quarantine", *(w.replace("{id}", item) for w in words))
    assert (code, out) == (2, "")
    assert err.startswith(f"urban: {expected}") and err.count("\n") == 1
    found = running.bench.operations.quarantine_item(item)
    assert found is not None and (found.state, found.acted, found.seen) == ("waiting", None, 1)


def test_no_platform_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("URBAN_HTTP_PORT", str(port))
    code, out, err = urban("quarantine", "list")
    assert (code, out) == (2, "")
    assert err == (
        f"urban: http://127.0.0.1:{port}: no platform answers here; start one with `urban up`, or give --url\n"
    )


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://x", "http://", "http://h:x", "http://[::1"]
)
def test_an_address_that_is_none_is_one_line(url: str) -> None:
    code, _, err = urban("quarantine", "list", "--url", url)
    assert code == 2
    assert (
        err.startswith("urban: --url: must look like http://127.0.0.1:8000")
        and err.count("\n") == 1
    )


class _Stranger(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if "counts" in self.path else 404)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def stranger() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Stranger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("command", ["list", "count"])
def test_somebody_else_at_the_address_is_one_line(stranger: str, command: str) -> None:
    code, _, err = urban("quarantine", command, "--url", stranger)
    assert code == 2
    assert err == f"urban: {stranger}: something else than an urban-sensing platform answers here\n"


@pytest.mark.parametrize("command", ["list", "show", "count", "resend", "discard"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    code, out, _ = urban("quarantine", command, "--help")
    assert code == 0
    assert f"Example: urban quarantine {command} " in " ".join(out.split())
