/* SPDX-License-Identifier: Apache-2.0 */
#include "common/reason.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

/*
 * -32700…-32600 are the standard's codes, -32000…-32099 are left to servers by the standard. What
 * the specification calls an exception is HTTP status 400 (specification 4.1).
 */
static const struct reason_info reasons[REASON_COUNT] = {
    [REASON_PARSE] = {"parse_error", -32700, 400},
    [REASON_INVALID_REQUEST] = {"invalid_request", -32600, 400},
    [REASON_NO_METHOD] = {"no_method", -32601, 500},
    [REASON_INVALID_PARAMS] = {"invalid_params", -32602, 400},
    [REASON_INTERNAL] = {"internal_error", -32603, 500},
    [REASON_READ_TIMEOUT] = {"read_timeout", -32001, 400},
    [REASON_CHECKSUM] = {"checksum", -32002, 400},
    [REASON_BUSY] = {"busy", -32003, 400},
    [REASON_NAK] = {"nak", -32004, 400},
    [REASON_BAD_VALUE] = {"bad_value", -32005, 400},
    [REASON_PORT] = {"port", -32006, 400},
    [REASON_BATTERY] = {"battery", -32007, 400},
    [REASON_NO_BATTERY] = {"no_battery", -32008, 400},
    [REASON_CONFIG] = {"config", -32009, 400},
    [REASON_NOT_PERMITTED] = {"not_permitted", -32010, 400},
    [REASON_SUPERSEDED] = {"superseded", -32011, 400},
    [REASON_EXPIRED] = {"expired", -32012, 503},
    [REASON_OVERLOAD] = {"overload", -32013, 503},
    [REASON_UNAVAILABLE] = {"unavailable", -32014, 503},
    [REASON_STOPPING] = {"stopping", -32015, 503},
    [REASON_NO_PATH] = {"no_path", -32016, 404},
    [REASON_NO_HTTP_METHOD] = {"no_http_method", -32017, 405},
    [REASON_FORBIDDEN] = {"forbidden", -32018, 403},
    [REASON_TARGET_SIZE] = {"target_size", -32019, 414},
};

const struct reason_info *reason_info(enum reason reason)
{
    return &reasons[reason < REASON_COUNT ? reason : REASON_INTERNAL];
}

enum reason reason_from_rpc_code(int code)
{
    for (int i = 0; i < REASON_COUNT; i++)
        if (reasons[i].rpc_code == code)
            return (enum reason)i;
    return REASON_INTERNAL;
}

/* Bytes of the character at text that may be shown; 0: there is none. */
static size_t shown_length(const char *text, size_t left)
{
    size_t length = utf8_length(text, left);
    unsigned char first = (unsigned char)text[0];

    if (length == 1 && (first < 0x20 || first == 0x7f))
        return 0;
    if (length == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0) /* U+0080…U+009F */
        return 0;
    return length;
}

void failure_set(struct failure *failure, enum reason reason, const char *format, ...)
{
    char text[FAILURE_TEXT_SIZE + 4]; /* room for a whole character at the cut */
    size_t in = 0, out = 0, end;
    va_list arguments;

    /* Into a buffer of its own: an argument may be failure->text itself. */
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    end = strlen(text);
    failure->reason = reason;
    failure->from_peer = false;
    while (in < end) {
        size_t length = shown_length(text + in, end - in);
        size_t size = length > 0 ? length : 1;

        if (out + size >= FAILURE_TEXT_SIZE)
            break;
        if (length > 0)
            memcpy(failure->text + out, text + in, size);
        else
            failure->text[out] = '?';
        in += size;
        out += size;
    }
    failure->text[out] = '\0';
}
