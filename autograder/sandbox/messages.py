"""What a kernel says, read strictly: nothing that hostile code puts on a Jupyter socket is an error on this side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jupyter_client.session import Session

Content = dict[str, Any]
COUNT_MAX = 1 << 31


class StrictSession(Session):
    """A jupyter session that gives every message it receives the form that a notebook can hold.

    The kernel's process knows the key, so a signature says nothing about who wrote a message. What breaks the protocol, and what no
    mark depends on (widgets above all), becomes a message that belongs to no request, which every reader passes over.
    """

    def feed_identities(self, msg_list: Any, copy: bool = True) -> Any:
        """Split off the identities; a message without a delimiter has no parts."""
        try:
            return super().feed_identities(msg_list, copy)
        except ValueError:
            return [], []

    def deserialize(self, msg_list: Any, content: bool = True, copy: bool = True) -> dict[str, Any]:
        """Read one message; never raises."""
        try:
            message = super().deserialize(msg_list, content, copy)
            kind = message["header"]["msg_type"]
            # not the other way round: the header is the other side's, and a list of it cannot be looked up.
            form = FORMS.get(kind) if isinstance(kind, str) else None
            if form is None or not all(isinstance(message[part], dict) for part in ("header", "parent_header", "content")):
                return nobodys()
            return {**message, "content": form(message["content"]), "buffers": []}
        except Exception:  # a signature, JSON or nesting that cannot be read
            return nobodys()


def nobodys() -> dict[str, Any]:
    """Return a message that answers no request."""
    header = {"msg_id": "", "msg_type": "unreadable"}
    return {**header, "header": header, "parent_header": {}, "metadata": {}, "content": {}, "buffers": []}


def _text(value: Any) -> str:
    # half a surrogate pair can be written as JSON and not as UTF-8.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < COUNT_MAX else None


def _lines(value: Any) -> list[str]:
    return [_text(line) for line in value] if isinstance(value, list) else []


def _unchanged(content: Content) -> Content:
    return content


def _status(content: Content) -> Content:
    return {"execution_state": _text(content.get("execution_state"))}


def _input(content: Content) -> Content:
    return {"execution_count": _count(content.get("execution_count"))}


def _stream(content: Content) -> Content:
    return {"name": "stderr" if content.get("name") == "stderr" else "stdout", "text": _text(content.get("text"))}


def _error(content: Content) -> Content:
    return {
        "ename": _text(content.get("ename")),
        "evalue": _text(content.get("evalue")),
        "traceback": _lines(content.get("traceback")),
    }


def _display(content: Content) -> Content:
    data, transient = content.get("data"), content.get("transient")
    # values that are no text are for programs in a browser; they may be nested as deeply as anybody likes.
    bundle = {_text(kind): _text(value) for kind, value in data.items() if isinstance(value, str)} if isinstance(data, dict) else {}
    name = _text(transient.get("display_id")) if isinstance(transient, dict) else ""
    return {"data": bundle, "metadata": {}, "transient": {"display_id": name} if name else {}}


def _result(content: Content) -> Content:
    return {**_display(content), "execution_count": _count(content.get("execution_count"))}


def _clear(content: Content) -> Content:
    return {"wait": content.get("wait") is True}


def _reply(content: Content) -> Content:
    return {"status": _text(content.get("status")), "ename": _text(content.get("ename")), "evalue": _text(content.get("evalue"))}


FORMS: Mapping[str, Callable[[Content], Content]] = {
    "status": _status,
    "execute_input": _input,
    "stream": _stream,
    "error": _error,
    "display_data": _display,
    "update_display_data": _display,
    "execute_result": _result,
    "clear_output": _clear,
    "execute_reply": _reply,
    # read before the first line of student code runs; later ones are passed over.
    "kernel_info_reply": _unchanged,
}
