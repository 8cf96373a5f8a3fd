/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: listens, hands each request to one handler, writes the answers. The only file
 * that sees event2/http.h. What the paths mean is not known here.
 */
#ifndef GATEWAYD_HTTP_H
#define GATEWAYD_HTTP_H

#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/config.h"

struct http;
struct http_request; /* a request that waits for its answer; it outlives its client */

enum http_method { HTTP_METHOD_GET, HTTP_METHOD_HEAD, HTTP_METHOD_OTHER };

/* Must answer request with exactly one http_reply, now or later. */
typedef void http_handler(void *arg, struct http_request *request);

/*
 * limits is borrowed. Listens on host ("localhost": the loopback addresses of IPv4 and IPv6) and
 * port (0: any free one) and logs where. Returns NULL after logging why, with *exit_status: 75 if
 * the address is in use, else 1.
 */
struct http *http_new(struct event_base *base, const char *host, int port,
                      const struct config_gateway *limits, http_handler *handler, void *arg,
                      int *exit_status);

/* The target as it was sent: path and query, or an absolute URI. Valid until the answer. */
const char *http_request_target(const struct http_request *request);

enum http_method http_request_method(const struct http_request *request);

/* HTTP/1.0, or older. */
bool http_request_is_old(const struct http_request *request);

/*
 * How many header lines have this name; *value: that of the first, until the answer, if there is
 * one. Names are compared without regard to case.
 */
unsigned http_request_header(const struct http_request *request, const char *name,
                             const char **value);

/* Who asks. False, and *peer is left alone, when the connection is lost. */
bool http_request_peer(const struct http_request *request, struct in6_addr *peer);

/* The address that the connection came in on; as above. It costs a system call. */
bool http_request_local(const struct http_request *request, struct in6_addr *local);

/* The port that it came in on. */
uint16_t http_request_port(const struct http_request *request);

/* The connection is closed after the answer. */
void http_request_close(struct http_request *request);

/*
 * True once the client has closed its connection, or its sending side of it, as the kernel knows
 * it now: one cannot be told from the other.
 */
bool http_request_abandoned(const struct http_request *request);

/* The type of the answer to come, instead of application/json; a static text. */
void http_set_content_type(struct http_request *request, const char *type);

/*
 * Answers with a text of length bytes, which is copied: JSON unless another type was set. HEAD gets
 * the headers only. allow: the methods that a 405 names, else NULL. The request is gone afterwards.
 */
void http_reply(struct http_request *request, int status, const char *allow, const char *body,
                size_t length);

/*
 * Takes no more connections; done(arg) is called once, when the requests under way are answered
 * and written out. New requests on open connections still reach the handler.
 */
void http_stop(struct http *http, void (*done)(void *arg), void *arg);

/* For `status`: the port, connections now and ever. Caller owns. */
struct json_object *http_counters(const struct http *http);

/* Every request must have been answered. NULL: no-op. */
void http_free(struct http *http);

#endif
