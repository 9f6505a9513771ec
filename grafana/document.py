"""docs/grafana.md from the code: `python -m grafana.document > docs/grafana.md`."""

from __future__ import annotations

import sys

from devices.registry import load_kinds
from grafana.boards import all_boards
from grafana.measurements import schema
from grafana.queries import Json
from grafana.tongue import Tongue

HEAD = """\
# Boards for Grafana

Every board with its panels and the question each answers. This page is made from the code:
`python -m grafana.document > docs/grafana.md`. A test holds it up to date.

The boards are Python functions in `grafana/`; `urban dashboards build` writes their JSON (classic, schemaVersion 41) to
`grafana/dashboards/vi` and `en`, and the maps to `grafana/public/CITY`; `urban dashboards check` fails where the files
are not what the code says. They need Grafana 12.4, an InfluxDB data source that speaks InfluxQL, and a platform whose
telemetry is InfluxDB. What they read beside the readings, the platform writes once a minute
([decision 32](decisions/0032-figures-for-boards.md)). Queries name no retention policy but `log`, so they run the same
on 1.x and on 2.x, where the policy is the bucket `city/log`.

**Maps** ask nobody on the internet: serve `grafana/public/CITY` from Grafana's own `public/urban` (mount it to
`/usr/share/grafana/public/urban`). **On a wall**: open the city board with `?kiosk`. **Links** to the operators' console
use the board's variable `console`: set it where the console is not at http://127.0.0.1:8000
(`?var-console=https://…`).

**Into Grafana** they come by file (`grafana/provisioning`: data source, boards, and the rules by which Grafana watches
the platform, which keep their state while a query fails) or by `urban dashboards push --url URL` with the token in
`GRAFANA_TOKEN` (folders, boards by uid, a playlist for the wall, a team, a Viewer's account for the wall). One of the
two: Grafana lets nobody push over what comes by file. The files name `GRAFANA_INFLUX_URL`, `GRAFANA_INFLUX_DATABASE`,
`GRAFANA_WEBHOOK_URL` and the secrets `/run/secrets/grafana_influx_token` and `grafana_webhook_token`.

**Its alerts come into ours**: the contact point tells the platform's `/api/v1/platform-alerts/grafana` with the token of
`URBAN_GRAFANA_TOKEN`, and each alert is raised and cleared there by its fingerprint, in the platform's domain. A platform
that is down hears nothing: give Grafana a second contact point that reaches people.

What is left out, because nothing writes it: figures of the broker beyond whether it is connected.
"""


def as_markdown() -> str:
    """The whole page, in English; uids of the Vietnamese boards have `vi` in the place of `en`."""
    kinds = load_kinds()
    boards = all_boards(kinds, Tongue("en"))
    lines = [HEAD, "| board | uid | what it is for |", "|---|---|---|"]
    lines += [f"| {b['title']} | `{b['uid']}` | {b['description']} |" for b in boards]
    for board in boards:
        lines += ["", *_section(board)]
    lines += ["", "## What the boards read", "", "| measurement | tags | fields |", "|---|---|---|"]
    for name, found in schema(kinds).items():
        if "." in name:
            fields = sorted(found.fields)
            shown = ", ".join(f"`{f}`" for f in fields[:12])
            more = f" and {len(fields) - 12} more" if len(fields) > 12 else ""
            tags = ", ".join(f"`{t}`" for t in sorted(found.tags))
            lines.append(f"| `{name}` | {tags or '–'} | {shown}{more} |")
    return "\n".join(lines) + "\n"


def _section(board: Json) -> list[str]:
    choices = [v["label"] for v in board["templating"]["list"] if v["type"] == "query"]
    lines = [f"## {board['title']}", "", f"{board['description']}"]
    if choices:
        lines[-1] += f" Choose by: {', '.join(choices).lower()}."
    lines += ["", "| panel | question and what to do |", "|---|---|"]
    lines += [
        f"| {p['title']} | {' '.join(p['description'].split())} |".replace("|–|", "–")
        for p in board["panels"]
        if p["type"] != "row"
    ]
    return lines


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
