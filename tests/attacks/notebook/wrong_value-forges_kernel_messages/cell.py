kernel = get_ipython().kernel
session, socket = kernel.session, kernel.iopub_socket


def say(kind, content):
    parts = [session.pack(part) for part in (session.msg(kind)["header"], kernel.get_parent()["header"], {})] + [content]
    socket.send_multipart([kind.encode(), b"<IDS|MSG>", session.sign(parts), *parts])


for kind in ("stream", "display_data", "execute_result", "error", "status", "comm_open", "comm_msg", "update_display_data", "execute_reply"):
    for content in (b"{}", b"[]", b"{", b'{"execution_state": "idle"}', b'{"name": 1, "text": 2, "data": [3], "ename": [4], "status": "ok"}'):
        say(kind, content)
socket.send_multipart([b"topic", b"<IDS|MSG>", b"no signature", b"{}", b"{}", b"{}", b"{}"])
