"""Tell the chosen device what to do: asked once more before it is sent, and then what became of it."""

from __future__ import annotations

import asyncio

from nicegui import ui

from api.access.principal import Role
from api.commands import Order, send
from api.console.texts import Texts
from api.context import Context
from api.problems import Problem
from devices.command import Command
from devices.kind import Kind
from store.command_records import OPEN_COMMANDS, CommandRecord
from telemetry.errors import UrbanError

LONGEST_NAME, LONGEST_TEXT = 80, 500
_LOOK_S = 0.5


class CommandBox:
    """A button in the device's card, and its dialog. `show` for another device."""

    def __init__(self, context: Context, texts: Texts) -> None:
        self.context = context
        self.texts = texts
        self._code = -1
        self._sent: CommandRecord | None = None
        self.button = ui.button(texts("command"), icon="tune", on_click=self._open)
        self.button.props("flat dense no-caps").classes("plain command-open")
        with ui.dialog().props('position="right" full-height') as self.dialog:
            label = f'role="dialog" aria-label="{texts("command")}"'
            self._body = ui.element("div").classes("drawer").props(label)
        self._timer = ui.timer(_LOOK_S, self._look, active=False)

    def show(self, code: int) -> None:
        """This device; the button is there for who may command it, where anything can be sent."""
        self._code = code
        device = self.context.catalogue.devices[code]
        may = self.context.trail.principal.role >= Role.OPERATOR and device.registered
        self.button.visible = may and self.context.commands is not None

    @property
    def _kind(self) -> Kind:
        return self.context.kinds[self.context.catalogue.devices[self._code].kind]

    def _open(self) -> None:
        device, kind = self.context.catalogue.devices[self._code], self._kind
        self._sent, self._timer.active = None, False
        self._body.clear()
        with self._body:
            with ui.element("header"):
                ui.label(self.texts("command")).props('role="heading" aria-level="2"')
                ui.button(icon="close", on_click=self.dialog.close).props(
                    f'flat dense round aria-label="{self.texts("close")}"'
                )
            ui.label(device.name or device.id).classes("drawer-where")
            names = {c.name: self.texts.pick(c.vi, c.en) for c in kind.commands}
            first = kind.commands[0].name
            self._name = ui.select(names, value=first, on_change=self._chosen).props(
                f'dense outlined options-dense dark aria-label="{self.texts("command_what")}"'
            )
            self._value = ui.number(label=" ").classes("drawer-field").props("dense outlined dark")
            self._by = self._field("who", LONGEST_NAME)
            # Who is logged in signs with their own name.
            self._by.visible = self.context.trail.principal.sort != "person"
            self._why = self._field("why", LONGEST_TEXT)
            with ui.element("div").classes("drawer-row"):
                self._ask = ui.button(self.texts("command_send"), on_click=self._asked)
                self._ask.props("flat dense no-caps").classes("ack")
            self._sure = ui.element("div").classes("drawer-row")
            self._result = ui.label("").classes("drawer-note").props('role="status"')
        self._chosen()
        self.dialog.open()

    def _field(self, key: str, longest: int) -> ui.input:
        label = self.texts(key)
        found = ui.input(label=label).classes("drawer-field")
        return found.props(f'dense outlined dark maxlength={longest} aria-label="{label}"')

    def _command(self) -> Command:
        found = self._kind.command(str(self._name.value))
        assert found is not None
        return found

    def _chosen(self) -> None:
        """Another command: its field has its range, and says it."""
        command = self._command()
        label = self.texts("command_value", f"{command.low:g}…{command.high:g} {command.unit}")
        self._value.visible = bool(command.unit)
        self._value.value = None
        self._value.props(f'label="{label}" aria-label="{label}" step={command.step:g}')
        self._sure.clear()

    def _asked(self) -> None:
        """What would be done, and to whom: only the second button sends it."""
        command, device = self._command(), self.context.catalogue.devices[self._code]
        self._sure.clear()
        self._result.text = ""
        try:
            value = command.checked(self._value.value if command.unit else None)
        except UrbanError as error:
            self._result.text = self.texts("act_failed", error)
            return
        what = self.texts.pick(command.vi, command.en)
        shown = what if value is None else f"{what} {value:g} {command.unit}"
        with self._sure:
            ui.label(self.texts("command_sure", shown, device.name or device.id))
            button = ui.button(
                self.texts("command_confirm"), on_click=lambda: self._send(command, value)
            )
            button.props("flat dense no-caps").classes("ack")

    async def _send(self, command: Command, value: float | None) -> None:
        by, why = (_text(f.value) for f in (self._by, self._why))
        self._sure.clear()
        order = Order(command=command.name, value=value, by=by, why=why)
        try:
            self._sent = await asyncio.to_thread(self._order, order)
        except (Problem, UrbanError) as error:
            self._result.text = self.texts("act_failed", error)
            return
        self._timer.active = True
        await self._look()

    def _order(self, order: Order) -> CommandRecord:
        desk = self.context.commands
        assert desk is not None
        plan = desk.plan(order.command, order.value, [self._code])
        return send(self.context, plan, order)[0]

    async def _look(self) -> None:
        """What became of it, until it is settled."""
        if self._sent is None:
            return
        try:
            known = await asyncio.to_thread(self.context.operations.commands_by_id, [self._sent.id])
        except UrbanError as error:
            self._result.text = self.texts("no_data", error)
            return
        found = known.get(self._sent.id, self._sent)
        self._timer.active = found.state in OPEN_COMMANDS
        self._result.text = self._words(found)

    def _words(self, found: CommandRecord) -> str:
        words = self.texts(f"cs_{found.state}")
        command = self._kind.command(found.command)
        if found.applied is not None and command is not None and command.unit:
            words += f": {found.applied:g} {command.unit}"
        return f"{words} – {found.error}" if found.error else words


def _text(value: object) -> str:
    """What was typed, as one line."""
    return " ".join(str(value or "").split())
