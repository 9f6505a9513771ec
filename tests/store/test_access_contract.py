"""What every operations store promises of accounts, keys, sessions and the audit log (store/access.py)."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from store.access_records import Account, ApiKey, AuditEntry, AuditFilter, Grant, Session
from store.audit_chain import GENESIS, verify
from store.operations import OperationsStore
from store.sql_store import SqlOperations

VIEWER = Grant(role="viewer")
PART = Grant(role="operator", domains=("flood", "môi trường"), areas=())


def account(name: str = "lan", grant: Grant = PART) -> Account:
    return Account(name=name, grant=grant, password="$argon2id$x", created=5, created_by="root")


def session(name: str, account: str = "lan", expires: int = 100) -> Session:
    return Session(
        id=name, name="Lan", account=account, grant=PART, created=1, seen=2, expires=expires
    )


def entry(number: int, **changes: object) -> AuditEntry:
    fields: dict[str, object] = {
        "time": 1_000 + number, "who": "person:lan", "role": "operator", "source": "127.0.0.1",
        "act": "alert.acknowledge", "about": f"alert-{number}", "after": '{"state":"acknowledged"}',
    }  # fmt: skip
    return AuditEntry(**fields | changes)  # type: ignore[arg-type]


def test_accounts_come_back_as_they_were_put(operations: OperationsStore) -> None:
    operations.put_account(account())
    operations.put_account(account("an", VIEWER))
    assert [a.name for a in operations.accounts()] == ["an", "lan"]
    assert operations.account("lan") == account()
    changed = account().but(must_change=True, last_login=9, grant=VIEWER)
    operations.put_account(changed)
    assert operations.account("lan") == changed
    assert operations.account("nobody") is None


def test_a_log_in_and_a_password_leave_the_grant_alone(operations: OperationsStore) -> None:
    operations.put_account(account().but(must_change=True))
    operations.logged_in("lan", 44)
    operations.set_password("lan", "$new", must_change=False)
    assert operations.account("lan") == account().but(last_login=44, password="$new")
    operations.logged_in("lan", 45, "$newer")
    assert operations.account("lan") == account().but(last_login=45, password="$newer")


def test_who_is_removed_is_logged_out(operations: OperationsStore) -> None:
    operations.put_account(account())
    operations.put_session(session("s1"))
    operations.put_session(session("s2", account="an"))
    assert operations.remove_account("lan")
    assert not operations.remove_account("lan")
    assert operations.session("s1") is None
    assert operations.session("s2") is not None


def test_keys_are_found_by_prefix_and_used(operations: OperationsStore) -> None:
    key = ApiKey(prefix="p1", name="scada", grant=PART, digest="d", created=7, created_by="lan")
    operations.put_api_key(key)
    operations.put_api_key(key.but(prefix="p0", expires=99, created=8))
    operations.key_used("p1", 55)
    assert operations.api_key("p1") == key.but(used=55)
    operations.put_api_key(key.but(revoked=60))
    found = operations.api_key("p1")
    assert found is not None and found.revoked == 60
    assert [k.prefix for k in operations.api_keys()] == ["p1", "p0"]
    assert operations.api_key("p9") is None


def test_sessions_begin_go_on_and_end(operations: OperationsStore) -> None:
    operations.put_session(session("s1"))
    operations.session_seen("s1", 44)
    found = operations.session("s1")
    assert found is not None and (found.seen, found.grant) == (44, PART)
    operations.put_session(session("s2", expires=50))
    assert operations.end_sessions() == 0
    assert operations.end_sessions(before=60) == 1
    assert operations.end_sessions(account="lan") == 1
    operations.put_session(session("s3"))
    operations.end_session("s3")
    assert operations.session("s3") is None


def test_the_log_is_a_chain_and_is_read_newest_first(operations: OperationsStore) -> None:
    made = [operations.append_audit(entry(i, who=f"person:{'ab'[i % 2]}")) for i in range(5)]
    assert [m.number for m in made] == [1, 2, 3, 4, 5]
    assert made[0].previous == GENESIS
    assert operations.audit_from(1) == made
    assert operations.audit_from(4, 1) == made[3:4]
    assert operations.audit(limit=2) == [made[4], made[3]]
    assert operations.audit(limit=2, before=4) == [made[2], made[1]]
    some = AuditFilter(who=["person:b"], acts=["alert.acknowledge"], start=1_002, end=1_005)
    assert operations.audit(some) == [made[3]]
    assert operations.audit(AuditFilter(about=["alert-2"])) == [made[2]]
    assert verify(operations.audit_from(1)).findings == ()


def test_text_that_no_database_takes_breaks_no_chain(operations: OperationsStore) -> None:
    operations.append_audit(entry(1, about="a\0b\ud800c", who="Nguyễn\0"))
    assert verify(operations.audit_from(1)).findings == ()


def test_many_writers_make_one_chain(operations: OperationsStore) -> None:
    def write(number: int) -> None:
        for i in range(10):
            operations.append_audit(entry(100 * number + i))

    writers = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = verify(operations.audit_from(1))
    assert (found.records, found.findings) == (60, ())


@pytest.mark.parametrize("change", ["update audit set who = 'x'", "delete from audit"])
def test_the_database_itself_refuses_changes(operations: SqlOperations, change: str) -> None:
    operations.append_audit(entry(1))
    with pytest.raises(DBAPIError, match="append-only"), operations._engine.begin() as db:
        db.execute(text(change))
    assert verify(operations.audit_from(1)).records == 1
