"""What is changed or exported is in the log: who, what, before, after, from where; and nobody else reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from api.access.audit_log import AuditLog
from api.access.principal import LOCAL, Principal, Role
from api.access.trail import Done
from cli import main
from store.audit_anchor import NAME, Anchor
from store.audit_chain import verify
from telemetry.errors import StoreError
from tests.access.people import client_for, person
from tests.api.world import World


@pytest.fixture
def log(world: World) -> Iterator[AuditLog]:
    """The world's log, written to by what is asked of its context."""
    folder = world.context.settings.data_dir
    made = AuditLog(world.operations, Anchor(folder / NAME), world.clock)
    world.context.audit = made.write
    yield made


def acts(world: World) -> list[str]:
    return [r.entry.act for r in world.operations.audit_from(1)]


def test_an_act_is_noted_with_what_it_changed(world: World, log: AuditLog) -> None:
    lan = person(Role.OPERATOR)
    with client_for(world.context, lan) as client:
        client.post("/api/v1/alerts/alert-1/ack", json={})
    with client_for(world.context, person(Role.ADMINISTRATOR)) as client:
        (found,) = client.get("/api/v1/audit").json()["items"]
    assert found["who"] == "person:lan-operator"
    assert (found["role"], found["act"], found["about"]) == (
        "operator",
        "alert.acknowledge",
        "alert-1",
    )
    assert found["source"] == "127.0.0.1"
    assert found["before"]["state"] == "unacknowledged"
    assert found["after"]["state"] == "acknowledged"
    assert found["time"] == "2026-11-22T03:00:00Z"


def test_every_sort_of_act_leaves_one_record(world: World, log: AuditLog) -> None:
    rule = {
        "code": "mine", "kind": "air", "vi": "a", "en": "a", "severity": "high",
        "when": {"quantity": "pm25", "above": 75.0, "clear": 60.0},
    }  # fmt: skip
    steps = [
        ("POST", "alerts/alert-1/ack", {}, "alert.acknowledge"),
        ("POST", "alerts/alert-1/shelve", {"duration": "1h"}, "alert.shelve"),
        ("POST", "alerts/alert-1/unshelve", {}, "alert.unshelve"),
        ("POST", "alerts/alert-1/assign", {"to": "Tổ 1"}, "alert.assign"),
        ("POST", "alerts/alert-1/comment", {"text": "x"}, "alert.comment"),
        ("POST", "alerts/alert-1/out-of-service", {"why": "x"}, "service.out"),
        ("POST", "devices/aq-1/return-to-service", {}, "service.back"),
        ("PUT", "rules/mine", rule, "rule.put"),
        ("DELETE", "rules/mine", None, "rule.remove"),
        ("POST", "quarantine/q-text/discard", {"why": "x"}, "quarantine.discard"),
        ("GET", "export?quantity=pm25", None, "telemetry.export"),
    ]
    with client_for(world.context, person(Role.ENGINEER)) as client:
        for number, (method, path, body, act) in enumerate(steps, 1):
            more = {} if body is None else {"json": body}
            answer = client.request(method, f"/api/v1/{path}", **more)
            assert answer.status_code == 200, (path, answer.text)
            assert acts(world)[number - 1 :] == [act], path
    assert verify(world.operations.audit_from(1)).findings == ()
    assert log.trouble() == ""


def test_what_is_refused_or_only_looked_at_leaves_none(world: World, log: AuditLog) -> None:
    with client_for(world.context, person(Role.ENGINEER)) as client:
        for path in ("devices", "latest", "alerts", "telemetry"):
            assert client.get(f"/api/v1/{path}").status_code == 200
        assert client.post("/api/v1/alerts/nope/ack", json={}).status_code == 404
        assert client.post("/api/v1/alerts/alert-1/clear", json={}).status_code == 409
    assert acts(world) == []


def test_only_an_administrator_reads_it(world: World, log: AuditLog) -> None:
    for role in Role:
        with client_for(world.context, person(role)) as client:
            status = client.get("/api/v1/audit").status_code
        assert (status == 200) == (role is Role.ADMINISTRATOR)


def test_it_is_paged_and_filtered(world: World, log: AuditLog) -> None:
    for number in range(7):
        who = LOCAL if number % 2 else replace(LOCAL, name="lan", sort="person")
        _note(log, who, f"a-{number}")
    with client_for(world.context, person(Role.ADMINISTRATOR)) as client:
        seen, cursor = [], ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            page = client.get(f"/api/v1/audit?limit=3{more}").json()
            seen += [r["about"] for r in page["items"]]
            cursor = page["next"]
        assert seen == [f"a-{n}" for n in reversed(range(7))]
        mine = client.get("/api/v1/audit?who=person:lan&about=a-2&about=a-3").json()["items"]
        assert [r["about"] for r in mine] == ["a-2"]


def test_a_log_that_can_not_be_written_is_no_success(
    world: World, monkeypatch: pytest.MonkeyPatch, log: AuditLog
) -> None:
    def full(*_: object) -> None:
        raise StoreError("operations", "can't write: disk full")

    monkeypatch.setattr(world.operations, "append_audit", full)
    with client_for(world.context, person(Role.ENGINEER)) as client:
        assert client.post("/api/v1/alerts/alert-1/ack", json={}).status_code == 503
        assert client.get("/api/v1/export?quantity=pm25").status_code >= 500


def test_verify_says_what_was_done_to_it_and_where(
    world: World, log: AuditLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = world.context.settings.data_dir
    monkeypatch.setenv("URBAN_DATA_DIR", str(folder))
    for number in range(5):
        _note(log, LOCAL, f"a-{number}")
    assert urban(capsys, "verify")[0] == 0
    code, told = urban(capsys, "head")
    noted = told.strip()
    assert noted.startswith("5:") and code == 0
    assert (folder / NAME).read_text().strip() == noted
    _tamper(world, "update audit set about = 'a-9' where number = 2")
    code, told = urban(capsys, "verify")
    assert code == 1 and "record 2 was changed" in told
    _tamper(world, "update audit set about = 'a-1' where number = 2")
    assert urban(capsys, "verify")[0] == 0
    _tamper(world, "delete from audit where number = 5")
    code, told = urban(capsys, "verify")
    assert code == 1 and "record 5 is missing at the end" in told
    # Another act takes the number: the head in the file does not move on over it.
    _note(log, LOCAL, "a-5")
    assert "not the one" in log.trouble()
    assert "record 5 is not the one that was noted" in urban(capsys, "verify")[1]
    (folder / NAME).unlink()
    assert urban(capsys, "verify")[0] == 0, "whoever can write both has to be caught elsewhere:"
    assert urban(capsys, "verify", "--head", noted)[0] == 1
    assert urban(capsys, "verify", "--head", "nonsense")[0] == 2


def _note(log: AuditLog, who: Principal, about: str) -> None:
    log.write(Done(principal=who, act="test.act", about=about))


def _tamper(world: World, statement: str) -> None:
    """As somebody with the database's own rights does it."""
    with world.operations._engine.begin() as db:
        for trigger in ("audit_no_update", "audit_no_delete"):
            db.execute(text(f"drop trigger if exists {trigger}"))
        db.execute(text(statement))


def urban(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["audit", *words])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out + told.err


def test_the_head_is_a_secret_file(world: World, log: AuditLog, tmp_path: Path) -> None:
    _note(log, LOCAL, "x")
    found = world.context.settings.data_dir / NAME
    assert found.stat().st_mode & 0o777 == 0o600


def test_what_leaves_as_a_file_is_noted_with_what_was_asked(world: World, log: AuditLog) -> None:
    with client_for(world.context, person(Role.VIEWER)) as client:
        client.get("/api/v1/telemetry?device=aq-1")  # a page to look at
        client.get("/api/v1/export?device=aq-1&every=1h")
        client.get("/api/v1/telemetry.csv?device=aq-1")
    told = [r.entry for r in world.operations.audit_from(1)]
    assert [e.act for e in told] == ["telemetry.export"] * 2
    assert [e.about for e in told] == ["/api/v1/export", "/api/v1/telemetry.csv"]
    assert "device=aq-1&every=1h" in str(told[0].after)
