/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a request failed: the one list of reasons with their JSON-RPC codes and HTTP statuses, and
 * the pair of reason and text that travels from where it went wrong to the client.
 */
#ifndef COMMON_REASON_H
#define COMMON_REASON_H

#include <stdbool.h>

enum reason {
    REASON_PARSE,           /* the line is not valid JSON */
    REASON_INVALID_REQUEST, /* JSON, but not a JSON-RPC 2.0 request */
    REASON_NO_METHOD,       /* unknown method */
    REASON_INVALID_PARAMS,  /* missing, unknown or out-of-range parameters */
    REASON_INTERNAL,        /* a defect or lack of memory here */
    REASON_READ_TIMEOUT,    /* "read timeout": the converter did not answer */
    REASON_CHECKSUM,        /* "checksum error" */
    REASON_BUSY,            /* "timeout": refused as busy until the retries ran out */
    REASON_NAK,             /* "error: ERCD=fffe" */
    REASON_BAD_VALUE,       /* "bad value: …": from the converter, or a mode that is none */
    REASON_PORT,            /* the serial port is not open */
    REASON_BATTERY,         /* "modbus io exception" */
    REASON_NO_BATTERY,      /* the configuration says that there is none */
    REASON_CONFIG,          /* FILE:LINE: key: what is wrong */
    REASON_NOT_PERMITTED,   /* the battery does not permit sharing */
    REASON_SUPERSEDED,      /* a later stop has overtaken this set */
    REASON_EXPIRED,         /* could not be done in the time that the caller waits */
    REASON_OVERLOAD,        /* a queue is full */
    REASON_UNAVAILABLE,     /* a daemon cannot be reached */
    REASON_STOPPING,        /* the daemon is shutting down */
    REASON_NO_PATH,         /* HTTP: unknown path */
    REASON_NO_HTTP_METHOD,  /* HTTP: the path does not take this method */
    REASON_FORBIDDEN,       /* who asks may not, or nobody may (gateway.read_only) */
    REASON_TARGET_SIZE,     /* HTTP: path and query are longer than gateway.max_target_size */
    REASON_COUNT
};

struct reason_info {
    const char *name; /* "read_timeout": for logs and counters */
    int rpc_code;     /* JSON-RPC error code, unique */
    int http_status;
};

/* The row of a reason. */
const struct reason_info *reason_info(enum reason reason);

/* The reason with this JSON-RPC code; REASON_INTERNAL if there is none. */
enum reason reason_from_rpc_code(int code);

enum { FAILURE_TEXT_SIZE = 512 };

/* A failure on its way to the client. text is valid UTF-8 without control characters. */
struct failure {
    enum reason reason;
    char text[FAILURE_TEXT_SIZE];
    bool from_peer; /* another daemon's answer says so */
};

/* Fills *failure, as one of this daemon; a longer text is cut at a character; bytes that are not
 * text become '?'. */
void failure_set(struct failure *failure, enum reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
