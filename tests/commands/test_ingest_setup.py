"""`urban ingest --setup` on a real influxd 1.x and on the face of 2.x: what is missing is made, and no more."""

from __future__ import annotations

import json
import stat
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from devices.registry import Kinds, load_kinds
from ingest.broker import free_port
from store.influx1 import Influx1Server, influx1_address
from store.influx_http import Patience
from store.influx_setup import set_up_influx
from telemetry.clock import HOUR
from telemetry.errors import StoreError
from telemetry.retention import Retention
from tests.commands.conftest import urban
from tests.services import require
from tests.store.influx2_fake import ORG, FakeInflux2
from tests.store.influx_world import AT_ONCE, city, deliver, everything, open_store, pm25
from tests.store.influxd import Influxd, influxd_present

pytestmark = pytest.mark.influxdb


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    require("influxd", influxd_present())
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def fake(influxd: Influxd) -> Iterator[FakeInflux2]:
    made = FakeInflux2(influxd.http)
    yield made
    made.close()


@pytest.fixture
def new(influxd: Influxd) -> Iterator[FakeInflux2]:
    """A 2.x that nobody has set up yet."""
    made = FakeInflux2(influxd.http, fresh=True)
    yield made
    made.close()


@pytest.fixture
def kinds() -> Kinds:
    return load_kinds()


@pytest.fixture
def bucket() -> str:
    return f"t{uuid.uuid4().hex}"


def setup(
    monkeypatch: pytest.MonkeyPatch, url: str, *words: str, raw: int = 0, minutes: int = 0
) -> tuple[int, str, str]:
    monkeypatch.setenv("URBAN_TELEMETRY", url)
    monkeypatch.setenv("URBAN_RETENTION_RAW_DAYS", str(raw))
    monkeypatch.setenv("URBAN_RETENTION_MINUTES_DAYS", str(minutes))
    return urban("ingest", "--setup", *words)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_1x_gets_database_and_policies_and_a_new_retention_when_the_setting_changes(
    influxd: Influxd, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = influxd.url()
    code, out, err = setup(monkeypatch, url, raw=400, minutes=1830)
    assert (code, err) == (0, "")
    name = url.rpartition("/")[2]
    assert out.splitlines() == [
        f"made: database {name}",
        "made: retention policy log",
        "made: retention policy r1h",
        "made: retention policy r1m",
        "now: retention policy autogen keeps its points for 401 days",
        "now: retention policy r1m keeps its points for 1831 days",
        f"{url} is ready.",
    ]
    code, out, err = setup(monkeypatch, url, raw=400, minutes=1830)
    assert (code, out, err) == (0, f"{url} is ready; nothing had to be changed.\n", "")
    code, out, err = setup(monkeypatch, url, raw=30, minutes=1830)
    assert out.splitlines()[0] == "now: retention policy autogen keeps its points for 31 days"
    assert "r1m" not in out
    server = Influx1Server(influx1_address(url))
    kept = {name: policy.kept_for // HOUR for name, policy in server._policies().items()}
    assert kept == {"autogen": 31 * 24, "r1m": 1831 * 24, "r1h": 0, "log": 0}
    server.close()


def test_a_new_2x_gets_its_first_user_organisation_buckets_and_tokens(
    new: FakeInflux2, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: Kinds
) -> None:
    folder = tmp_path / "secrets"
    code, out, err = setup(monkeypatch, new.url(bucket, ""), "--tokens", str(folder), raw=400)
    assert (code, err) == (0, ""), err
    assert new.buckets == [bucket, f"{bucket}/log", f"{bucket}/r1m", f"{bucket}/r1h"]
    assert f"bucket {bucket} keeps its points for 401 days" in out
    files = {path.name: path for path in folder.iterdir()}
    assert files.keys() == {
        "admin.token",
        "admin.password",
        "writer.token",
        "reader.token",
        "grafana.token",
        "telemetry.address",
    }
    assert {mode(path) for path in files.values()} == {0o600} and mode(folder) == 0o700
    secrets = {name: path.read_text().strip() for name, path in files.items()}
    assert not any(secret in out for secret in secrets.values())
    (asked,) = new.admin.setups
    assert (asked["token"], asked["password"]) == (
        secrets["admin.token"],
        secrets["admin.password"],
    )
    # The writer's token runs the store, also its opening and its retention; and nothing beside it.
    store = open_store(new.url(bucket, secrets["writer.token"]), city(kinds), AT_ONCE)
    deliver(store, pm25(kinds, (0, 0, 1.0)))
    assert everything(store) == [(0, 0, 1.0)]
    store.expire(Retention.of_days(30, 0, 0), 10**18, 0)
    store.close()
    # The reader's reads, and does not write.
    with pytest.raises(StoreError, match="does not let us in"):
        open_store(new.url(bucket, secrets["reader.token"]), city(kinds), AT_ONCE)
    rights = {
        a["description"]: {(p["action"], p["resource"]["id"]) for p in a["permissions"]}
        for a in new.admin.authorizations
    }
    assert len(rights[f"urban writer of {bucket}"]) == 8
    assert {action for action, _ in rights[f"urban reader of {bucket}"]} == {"read"}
    assert len(rights[f"urban reader of {bucket}"]) == 4
    assert rights[f"urban grafana of {bucket}"] == rights[f"urban reader of {bucket}"]


def test_repeated_on_2x_it_changes_nothing_but_what_does_not_fit(
    new: FakeInflux2, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = new.url(bucket, ""), tmp_path / "secrets"
    setup(monkeypatch, url, "--tokens", str(folder))
    before = {p.name: p.read_text() for p in folder.iterdir()}
    # The administrator's token is taken from the folder.
    for hashed in (False, True):
        new.admin.hashed = hashed
        code, out, err = setup(monkeypatch, url, "--tokens", str(folder))
        assert (code, err) == (0, "") and "nothing had to be changed" in out
        assert {p.name: p.read_text() for p in folder.iterdir()} == before
    code, out, _ = setup(monkeypatch, url, "--tokens", str(folder), raw=30)
    assert out.splitlines()[0] == f"now: bucket {bucket} keeps its points for 31 days"
    assert [r["everySeconds"] for r in new.rules[bucket]] == [31 * 86_400]
    code, out, _ = setup(monkeypatch, url, "--tokens", str(folder))
    assert out.splitlines()[0] == f"now: bucket {bucket} keeps its points for ever"


@pytest.mark.parametrize("hashed", [False, True])
def test_a_token_that_got_lost_is_replaced_and_the_old_one_revoked(
    fake: FakeInflux2, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hashed: bool
) -> None:
    fake.admin.hashed = hashed
    setup(monkeypatch, fake.url(bucket), "--tokens", str(tmp_path))
    old = (tmp_path / "writer.token").read_text()
    (tmp_path / "writer.token").unlink()
    code, out, err = setup(monkeypatch, fake.url(bucket), "--tokens", str(tmp_path))
    assert (code, err) == (0, "")
    new_one = (tmp_path / "writer.token").read_text()
    assert new_one != old and "an older token of the writer is revoked" in out
    assert not fake.admin.knows(old.strip()) and fake.admin.knows(new_one.strip())
    assert len(fake.admin.authorizations) == 3


def test_an_organisation_that_is_missing_is_made(
    fake: FakeInflux2, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fake.url(bucket).replace(f"/{ORG}/", "/another-city/")
    code, out, err = setup(monkeypatch, url)
    assert (code, err) == (0, "") and "made: organisation another-city" in out
    assert list(fake.admin.orgs) == [ORG, "another-city"] and bucket in fake.buckets


def wrong(told: tuple[int, str, str]) -> str:
    """The one line of a refusal."""
    code, out, err = told
    assert code == 2 and len(err.strip().splitlines()) == 1, (out, err)
    return err


def test_no_right_on_2x_is_one_line_that_asks_for_an_administrators_token(
    fake: FakeInflux2, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup(monkeypatch, fake.url(bucket), "--tokens", str(tmp_path))
    writer = (tmp_path / "writer.token").read_text().strip()
    for token in (writer, "wr0ng"):
        told = wrong(setup(monkeypatch, fake.url(bucket, token)))
        assert "all-access token" in told and token not in told
    told = wrong(setup(monkeypatch, fake.url(bucket, "")))
    assert "administrator's token" in told


def test_no_right_on_1x_is_one_line_with_the_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("influxd", influxd_present())
    server = Influxd(tmp_path / "influxd", auth=True)
    server.start()
    try:
        first = Influx1Server(influx1_address(server.url("city")))
        first.query(["CREATE USER root WITH PASSWORD 'r00t' WITH ALL PRIVILEGES"])
        first.close()
        root = Influx1Server(influx1_address(server.url("city", "root:r00t@")))
        root.query(["CREATE DATABASE city", "CREATE USER w WITH PASSWORD 'wr1te'"])
        root.query(["GRANT ALL ON city TO w"])
        root.close()
        told = wrong(setup(monkeypatch, server.url("city", "w:wr1te@")))
        assert "CREATE RETENTION POLICY" in told and "wr1te" not in told
        code, out, _ = setup(monkeypatch, server.url("city", "root:r00t@"), raw=30)
        assert code == 0 and "r00t" not in out
        told = wrong(setup(monkeypatch, server.url("city", "w:wr1te@"), raw=60))
        assert "ALTER RETENTION POLICY" in told and "administrator" in told
        told = wrong(setup(monkeypatch, server.url("city", "w:nope1@")))
        assert "does not let us in" in told and "nope1" not in told
    finally:
        server.stop()


def test_no_server_and_the_wrong_version_are_said(
    influxd: Influxd, fake: FakeInflux2, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    told = wrong(setup(monkeypatch, f"influx1://user:s3cret@127.0.0.1:{port}/city"))
    assert "no InfluxDB answers there" in told and "s3cret" not in told
    told = wrong(setup(monkeypatch, f"influx://t0ken@127.0.0.1:{influxd.http}/org/{bucket}"))
    assert "is InfluxDB 1." in told and "influx1://user:password@host" in told
    told = wrong(setup(monkeypatch, f"influx1://127.0.0.1:{fake.port}/city"))
    assert "is InfluxDB 2.7.10" in told and "influx://token@host" in told
    fake.version = "3.0.1"
    assert "1.x and 2.x" in wrong(setup(monkeypatch, fake.url(bucket)))


def test_something_else_that_answers_is_no_influxdb() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        url = f"influx1://127.0.0.1:{server.server_address[1]}/city"
        with pytest.raises(StoreError, match="is no InfluxDB"):
            list(set_up_influx(url, Retention(), None, Patience(0.0)))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_wrong_use_is_one_line(
    influxd: Influxd, new: FakeInflux2, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "DuckDB needs none" in wrong(setup(monkeypatch, ""))
    assert "2.x" in wrong(setup(monkeypatch, influxd.url(), "--tokens", str(tmp_path)))
    assert "--tokens" in wrong(setup(monkeypatch, new.url(bucket, "")))
    assert new.admin.fresh, "nothing is begun that can't be ended"
    monkeypatch.setenv("URBAN_TELEMETRY", "")
    assert "--setup" in wrong(urban("ingest", "--tokens", str(tmp_path)))
    (tmp_path / "file").write_text("in the way")
    told = wrong(setup(monkeypatch, new.url(bucket, ""), "--tokens", str(tmp_path / "file")))
    assert "can't be" in told and new.admin.fresh


def test_help_has_an_example() -> None:
    code, out, _ = urban("ingest", "--help")
    assert code == 0 and "Example:" in out and "--setup" in out
    assert json.dumps(out).count("urban ingest") >= 2
