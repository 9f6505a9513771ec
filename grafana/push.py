"""Boards → a running Grafana: folders, boards by uid, a playlist for the wall, a team, an account for the wall.

Safe to repeat: what is there and the same is left alone. A board that somebody saved between our look and
our write is refused by Grafana (412) and never overwritten, unless that was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaServerError

from grafana.queries import Json
from grafana.tongue import LANGUAGES, Tongue
from telemetry.errors import SettingsError, StartError

TRIES, WAIT_S = 3, 1.0
TEAM = "Urban sensing operators"
WALL_ACCOUNT = "urban-wall"
# 1 view, 2 edit: boards are code, and so nobody's to edit but who pushes them.
_VIEW = 1
_UNCHANGED = ("id", "version")


class Pusher:
    """Pushes to one Grafana. Args: address (http://host:3000), token (of a service account that may
    administrate), pause (how to wait between tries).

    Every method raises StartError in words where Grafana does not answer or refuses.
    """

    def __init__(
        self, address: str, token: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise SettingsError(
                "--url", "must look like http://127.0.0.1:3000", parts.hostname or ""
            )
        if not token:
            raise SettingsError(
                "--token", "must be a service account's token", remedy="make one in Grafana"
            )
        self._place = f"Grafana at {parts.scheme}://{parts.netloc}"
        prefix = parts.path.strip("/")
        self._api: Any = GrafanaApi(
            token,
            host=parts.hostname,
            port=parts.port,
            protocol=parts.scheme,
            url_path_prefix=f"{prefix}/" if prefix else "",
            timeout=20.0,
        )
        self._api.client.s.trust_env = False
        self._pause = pause

    def push(self, boards: Mapping[str, Sequence[Json]], overwrite: bool = False) -> Iterator[str]:
        """Do what is missing; a line for each thing that was done. boards: of each language."""
        team = yield from self._team()
        for language in LANGUAGES:
            tongue = Tongue(language)
            yield from self._folder(tongue, team)
            for board in boards[language]:
                yield from self._board(board, _folder_uid(tongue), overwrite)
            yield from self._playlist(tongue, boards[language])
        yield from self._wall()

    def _folder(self, tongue: Tongue, team: int) -> Iterator[str]:
        uid, title = _folder_uid(tongue), tongue("Đô thị thông minh", "Urban sensing")
        if self._ask(lambda: self._api.folder.get_folder(uid), missing=True) is None:
            self._ask(lambda: self._api.folder.create_folder(title, uid))
            yield f"folder {title}: made"
        items = [{"role": "Viewer", "permission": _VIEW}, {"teamId": team, "permission": _VIEW}]
        self._ask(lambda: self._api.folder.update_folder_permissions(uid, {"items": items}))

    def _board(self, board: Json, folder: str, overwrite: bool) -> Iterator[str]:
        found = self._ask(lambda: self._api.dashboard.get_dashboard(board["uid"]), missing=True)
        here: Json = found["dashboard"] if found else {}
        if _same(board, here) and (found or {}).get("meta", {}).get("folderUid") == folder:
            return
        body = {
            "dashboard": {**board, "id": None, "version": here.get("version", 0)},
            "folderUid": folder,
            "overwrite": overwrite,
            "message": "urban dashboards push",
        }
        self._ask(lambda: self._api.dashboard.update_dashboard(body), what=f"board {board['uid']}")
        yield f"board {board['uid']}: {'written anew' if found else 'made'}"

    def _playlist(self, tongue: Tongue, boards: Sequence[Json]) -> Iterator[str]:
        name = tongue("Màn hình lớn", "Wall")
        wanted = [
            b["uid"] for b in boards if {"wall", "alerts", "flood", "platform"} & set(b["tags"])
        ]
        body = {
            "name": f"Urban sensing · {name}",
            "interval": "1m",
            "items": [{"type": "dashboard_by_uid", "value": uid} for uid in wanted],
        }
        lists = self._ask(lambda: self._api.client.GET("/playlists"))
        known = next((p for p in lists if p["name"] == body["name"]), None)
        if known is None:
            self._ask(lambda: self._api.client.POST("/playlists", json=body))
            yield f"playlist {body['name']}: made"
            return
        path = f"/playlists/{known['uid']}"
        here = self._ask(lambda: self._api.client.GET(path))
        items = [i.get("value") for i in here.get("items", ())]
        if items != wanted or here.get("interval") != body["interval"]:
            self._ask(lambda: self._api.client.PUT(path, json={**body, "uid": known["uid"]}))
            yield f"playlist {body['name']}: written anew"

    def _team(self) -> Generator[str, None, int]:
        found = self._ask(lambda: self._api.teams.get_team_by_name(TEAM))
        if found:
            return int(found[0]["id"])
        made = self._ask(lambda: self._api.teams.add_team({"name": TEAM}))
        yield f"team {TEAM}: made"
        return int(made["teamId"])

    def _wall(self) -> Iterator[str]:
        found = self._ask(
            lambda: self._api.client.GET(f"/serviceaccounts/search?query={WALL_ACCOUNT}")
        )
        if any(a["name"] == WALL_ACCOUNT for a in found["serviceAccounts"]):
            return
        body = {"name": WALL_ACCOUNT, "role": "Viewer", "isDisabled": False}
        self._ask(lambda: self._api.serviceaccount.create(body))
        yield f"service account {WALL_ACCOUNT} (Viewer): made; give it a token in Grafana for the wall"

    def _ask(self, call: Callable[[], Any], missing: bool = False, what: str = "") -> Any:
        """The answer of one call; None for what is not there where `missing` allows it."""
        for last in (False,) * (TRIES - 1) + (True,):
            try:
                return call()
            except GrafanaClientError as error:
                if error.status_code == 404 and missing:
                    return None
                raise self._refusal(error, what) from None
            except GrafanaServerError as error:
                if last:
                    need = f"can't do it ({error.message})"
                    raise StartError(
                        self._place, need, remedy="look at its log, then again"
                    ) from None
            except (requests.RequestException, ValueError) as error:
                if last:
                    words = type(error).__name__
                    raise StartError(
                        self._place,
                        f"does not answer as Grafana does ({words})",
                        remedy="start it, or correct --url",
                    ) from None
            self._pause(WAIT_S)
        raise AssertionError

    def _refusal(self, error: GrafanaClientError, what: str) -> StartError:
        """A 4xx in words."""
        if error.status_code == 401:
            return StartError(
                self._place, "does not take the token", remedy="give --token one that is valid"
            )
        if error.status_code == 403:
            need = "the token may not do this"
            return StartError(self._place, need, remedy="use a service account with the role Admin")
        if error.status_code == 412:
            need = f"somebody changed {what or 'it'} meanwhile"
            return StartError(
                self._place, need, remedy="look at the change, then push again with --overwrite"
            )
        return StartError(self._place, f"refuses {what or 'what it was asked'}: {error.message}")


def _folder_uid(tongue: Tongue) -> str:
    return f"urban-{tongue.language}"


def _same(board: Json, here: Json) -> bool:
    return {k: v for k, v in board.items() if k not in _UNCHANGED} == {
        k: v for k, v in here.items() if k not in _UNCHANGED
    }
