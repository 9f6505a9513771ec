"""The page at /login, in Vietnamese and English: a form that works without a script and without the internet."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from api.console.login_texts import LOGIN_TEXTS, Language

_STYLE = """
:root { color-scheme: dark; font-family: system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #0d141c; color: #e6edf5 }
main { width: min(22rem, 90vw); padding: 2rem; background: #16202b; border: 1px solid #2d3a49; border-radius: 12px }
h1 { font-size: 1.3rem; margin: 0 } .city { color: #9fb0c3; margin: .2rem 0 1.4rem }
label { display: block; margin: 1rem 0 .3rem; font-size: .9rem }
input { width: 100%; box-sizing: border-box; padding: .6rem .7rem; font: inherit; color: inherit;
  background: #0d141c; border: 1px solid #3a4757; border-radius: 6px }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 2px solid #4aa8ff; outline-offset: 2px }
button, .provider { display: block; width: 100%; box-sizing: border-box; margin-top: 1.4rem; padding: .7rem;
  font: inherit; font-weight: 600; text-align: center; text-decoration: none; color: #08131f; background: #4aa8ff;
  border: 0; border-radius: 6px; cursor: pointer }
.provider { background: #3fb37f } .note { color: #9fb0c3; font-size: .9rem }
.wrong { margin: 1rem 0 0; padding: .6rem .7rem; background: #3b1d22; border-left: 3px solid #ff5c6c }
nav { margin-top: 1.4rem; font-size: .9rem } a { color: #7fc1ff }
"""


@dataclass(frozen=True, slots=True)
class LogInPage:
    """What one visitor is shown.

    change    name of who is to choose a password; "" where somebody logs in
    following where to go afterwards: a path of ours
    provider  label of the button that leads to the identity provider; "" where there is none
    wrong     what went wrong; "" for nothing
    """

    language: Language
    city: str
    following: str = "/"
    change: str = ""
    provider: str = ""
    wrong: str = ""

    def html(self) -> str:
        """The whole page."""
        words = self._words
        title = words("choose" if self.change else "log_in")
        body = self._change_form() if self.change else self._log_in_form()
        wrong = f'<p class="wrong" role="alert">{escape(self.wrong)}</p>' if self.wrong else ""
        return (
            f'<!doctype html><html lang="{self.language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(title)} · {escape(self.city)}</title><style>{_STYLE}</style></head>"
            f'<body><main><h1>{escape(title)}</h1><p class="city">{escape(self.city)}</p>'
            f"{wrong}{body}{self._other_language()}</main></body></html>"
        )

    def _words(self, key: str) -> str:
        return LOGIN_TEXTS[key][0 if self.language == "vi" else 1]

    def _log_in_form(self) -> str:
        provider = ""
        if self.provider:
            where = f"/login/oidc?next={quote(self.following)}&lang={self.language}"
            provider = f'<a class="provider" href="{escape(where)}">{escape(self.provider)}</a>'
        return provider + self._form(
            "/login",
            _field("name", self._words("name"), "text", "username")
            + _field("password", self._words("password"), "password", "current-password"),
            "log_in_button",
        )

    def _change_form(self) -> str:
        note = f'<p class="note">{escape(self._words("choose_note").format(self.change))}</p>'
        return note + self._form(
            "/login/password",
            _field("old", self._words("old"), "password", "current-password")
            + _field("new", self._words("new"), "password", "new-password")
            + _field("again", self._words("again"), "password", "new-password"),
            "choose_button",
        )

    def _form(self, action: str, fields: str, button: str) -> str:
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">'
            for name, value in (("next", self.following), ("lang", self.language))
        )
        return (
            f'<form method="post" action="{action}">{hidden}{fields}'
            f"<button>{escape(self._words(button))}</button></form>"
        )

    def _other_language(self) -> str:
        other = "en" if self.language == "vi" else "vi"
        where = f"/login?lang={other}&next={quote(self.following)}"
        words = escape(self._words("other_language"))
        return f'<nav><a href="{escape(where)}" lang="{other}" hreflang="{other}">{words}</a></nav>'


def _field(name: str, label: str, kind: str, complete: str) -> str:
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{complete}" required '
        'maxlength="200" autocapitalize="none" spellcheck="false">'
    )
