"""The serial console: a token by IBM's SDK, a session by a WebSocket client of PyPI."""

import websocket

from harness import case, refused, same, true


def token(region, instance, **more):
    made = region.vpc.create_instance_console_access_token(instance, "serial", **more)
    same(made.get_status_code(), 200)
    return made.get_result()


@case
def a_console_is_typed_into(region):
    """What is typed comes back from a guest that echoes; one session at a time."""
    instance = region.running()["id"]
    made = token(region, instance)
    for name in ("access_token", "created_at", "expires_at", "href"):
        true(made[name], name)
    same((made["console_type"], made["force"]), ("serial", False))
    session = websocket.create_connection(made["href"], timeout=60)
    session.send("hello")
    same(session.recv(), b"hello")
    for href, status, code in (
        (made["href"], 401, "token_invalid"),
        (token(region, instance)["href"], 409, "console_in_use"),
    ):
        try:
            websocket.create_connection(href, timeout=60)
            true(False, "a used token, and a second session, are refused")
        except websocket.WebSocketBadStatusException as error:
            same(error.status_code, status)
            true(code.encode() in error.resp_body, error.resp_body)
    second = websocket.create_connection(token(region, instance, force=True)["href"], timeout=60)
    second.send("again")
    same(second.recv(), b"again")
    second.close()
    session.close()
    region.delete_instance(instance)


@case
def a_console_needs_a_running_instance(region):
    """And it is serial."""
    instance = region.stopped()[0]["id"]
    ask = region.vpc.create_instance_console_access_token
    refused(409, "invalid_state", ask, instance, "serial")
    refused(501, "not_implemented", ask, instance, "vnc")
    refused(400, "validation_enum", ask, instance, "teletype")
    region.delete_instance(instance)
