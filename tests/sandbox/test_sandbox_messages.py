"""Whatever a kernel puts on its sockets, the grader reads a message that a notebook can hold, or one that it passes over."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from jupyter_client.session import DELIM, Session
from nbformat.v4 import new_code_cell, new_notebook, output_from_msg

from autograder.sandbox.messages import FORMS, StrictSession

KEY = b"known to the kernel as well"
DEEP = b"[" * 100_000 + b"]" * 100_000

# kind of message, its content as it lies on the socket.
FORGED = {
    "stream without text": ("stream", b'{"name": "stdout"}'),
    "stream of a number": ("stream", b'{"name": "stdout", "text": 5}'),
    "stream with a list for a name": ("stream", b'{"name": ["stdout"], "text": "x"}'),
    "half a surrogate pair": ("stream", b'{"name": "stdout", "text": "\\ud800"}'),
    "content is a list": ("stream", b"[1, 2]"),
    "content is no JSON": ("stream", b'{"nam'),
    "content nested deeply": ("stream", b'{"name": "stdout", "text": ' + DEEP + b"}"),
    "a number of a hundred thousand digits": ("stream", b'{"name": "stdout", "text": ' + b"9" * 100_000 + b"}"),
    "display without data": ("display_data", b"{}"),
    "display of a list": ("display_data", b'{"data": [1], "metadata": 5}'),
    "display nested below Python's limit": (
        "display_data",
        b'{"data": {"application/json": ' + b"[" * 900 + b"]" * 900 + b'}, "metadata": {}}',
    ),
    "display with a list for an id": ("display_data", b'{"data": {}, "metadata": {}, "transient": {"display_id": [1]}}'),
    "display with a list for transient": ("display_data", b'{"data": {}, "metadata": {}, "transient": [1]}'),
    "display with half a surrogate pair for a type": ("display_data", b'{"data": {"\\ud800": "x"}, "metadata": {}}'),
    "update of nothing": ("update_display_data", b"{}"),
    "result with an object for a count": ("execute_result", b'{"data": {}, "metadata": {}, "execution_count": {}}'),
    "count beyond all bounds": ("execute_input", b'{"execution_count": ' + b"9" * 4000 + b"}"),
    "error without anything": ("error", b"{}"),
    "error of other types": ("error", b'{"ename": ["a"], "evalue": 5, "traceback": 7}'),
    "status without a state": ("status", b"{}"),
    "clear without a word": ("clear_output", b"{}"),
    "reply without a status": ("execute_reply", b"{}"),
    "widget without state": ("comm_open", b'{"comm_id": "a", "target_name": "jupyter.widget", "data": {}}'),
    "widget message without data": ("comm_msg", b"{}"),
}


def parts(kind: Any, content: bytes, **changed: bytes) -> list[bytes]:
    """Return a signed message as it lies on the socket; parts of it replaced before they are signed."""
    kernel = Session(key=KEY)
    header = {**kernel.msg("stream")["header"], "msg_type": kind, "date": "2027-02-05T12:00:00Z"}
    made = {"header": kernel.pack(header), "parent_header": b'{"msg_id": "request"}', "metadata": b"{}", "content": content, **changed}
    return [kernel.sign(list(made.values())), *made.values()]


def read(raw: list[bytes]) -> dict[str, Any]:
    _, body = (session := StrictSession(key=KEY)).feed_identities([b"topic", DELIM, *raw])
    return session.deserialize(body)


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_message_is_read_as_something_harmless(forged: str) -> None:
    message = read(parts(*FORGED[forged]))
    json.dumps(message["content"], allow_nan=False, ensure_ascii=False).encode()
    if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
        cell = new_code_cell(outputs=[output_from_msg(message)])
        nbformat.validate(new_notebook(cells=[cell]))
    else:
        assert message["msg_type"] in FORMS or message["parent_header"] == {}


def test_jupyters_own_session_fails_over_the_same_messages() -> None:
    failed = 0
    for kind, content in FORGED.values():
        try:
            nbformat.validate(
                new_notebook(cells=[new_code_cell(outputs=[output_from_msg(Session(key=KEY).deserialize(parts(kind, content)))])])
            )
        except Exception:
            failed += 1
    assert failed > len(FORGED) // 2


@pytest.mark.parametrize(
    "raw",
    [
        [],
        [b"no delimiter", b"and nothing else"],
        [b"topic", DELIM],
        [b"topic", DELIM, b"", b"{}", b"{}", b"{}", b"{}"],
        [b"topic", DELIM, b"another signature", b"{}", b"{}", b"{}", b"{}"],
        [b"topic", DELIM, *parts("stream", b"{}")[:4]],
        [b"topic", DELIM, *parts("stream", b"{}", header=b"[]")],
        [b"topic", DELIM, *parts("stream", b"{}", header=b"{}")],
        [b"topic", DELIM, *parts("stream", b"{}", parent_header=b"[]")],
        [b"topic", DELIM, *parts(["stream"], b"{}")],
        [b"topic", DELIM, *parts("communism", b"{}")],
    ],
)
def test_what_breaks_the_protocol_belongs_to_no_request(raw: list[bytes]) -> None:
    session = StrictSession(key=KEY)
    _, body = session.feed_identities(raw)
    message = session.deserialize(body)
    assert message["parent_header"] == {} and message["content"] == {} and message["msg_type"] == message["header"]["msg_type"]


def test_a_message_that_comes_twice_is_read_once() -> None:
    session, raw = StrictSession(key=KEY), parts("stream", b'{"name": "stdout", "text": "once"}')
    assert session.deserialize(raw)["content"]["text"] == "once"
    assert session.deserialize(raw)["parent_header"] == {}


def test_an_honest_message_keeps_what_it_says() -> None:
    assert read(parts("stream", '{"name": "stderr", "text": "Gelenk ⟂ ok\\n"}'.encode()))["content"] == {
        "name": "stderr",
        "text": "Gelenk ⟂ ok\n",
    }
    shown = read(parts("execute_result", b'{"data": {"text/plain": "4", "image/png": "aGk="}, "metadata": {}, "execution_count": 7}'))
    assert shown["content"]["data"] == {"text/plain": "4", "image/png": "aGk="} and shown["content"]["execution_count"] == 7
    raised = read(parts("error", b'{"ename": "ValueError", "evalue": "no", "traceback": ["a", "b"]}'))
    assert raised["content"] == {"ename": "ValueError", "evalue": "no", "traceback": ["a", "b"]}
    assert shown["parent_header"] == {"msg_id": "request"}
