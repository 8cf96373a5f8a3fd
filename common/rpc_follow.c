/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications of an rpc_server to the connections that have asked for them. */
#include "common/jsonrpc.h"
#include "common/rpc_peer.h"

void rpc_call_reply_and_follow(struct rpc_call *call, struct json_object *result)
{
    struct rpc_peer *peer = call->peer;

    if (peer != NULL && !peer->following) {
        peer->following = true;
        peer->server->followers++;
    }
    rpc_call_reply(call, result);
}

bool rpc_server_followed(const struct rpc_server *server)
{
    return server->followers > 0;
}

void rpc_server_notify(struct rpc_server *server, const char *method, struct json_object *params)
{
    struct json_object *message = jsonrpc_notification(method, params);
    size_t length;
    const char *text = jsonrpc_text(message, &length);
    const struct rpc_peer *peer;

    for (peer = LIST_FIRST(&server->peers); peer != NULL; peer = LIST_NEXT(peer, link))
        if (peer->following)
            line_stream_send(peer->stream, text, length);
    json_object_put(message);
}
