/* SPDX-License-Identifier: Apache-2.0 */
#include "common/jsonrpc.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/utf8.h"

enum {
    NESTING_MAX = 16,
    WHOLE_NUMBER_MAX = 19 /* characters, with the sign: all such numbers fit in 64 bits */
};

static const char not_an_object[] = "a message is a JSON object";

static void release(struct json_object **root)
{
    json_object_put(*root);
    *root = NULL;
}

/* What is wrong at text[at] inside a string, or NULL; escapes are otherwise json-c's business. */
static const char *string_error(const char *text, size_t length, size_t at)
{
    if ((unsigned char)text[at] < 0x20)
        return "a control character in a string";
    if (text[at] == '\\' && length - at >= 6 && memcmp(text + at, "\\u0000", 6) == 0)
        return "\\u0000 in a string";
    return NULL;
}

/* Whether the digit at text[at] is the first of a number. */
static bool begins_number(const char *text, size_t at)
{
    if (at > 0 && text[at - 1] == '-')
        at--;
    return at == 0 || strchr("0123456789.eE+-", text[at - 1]) == NULL;
}

static bool is_digit_at(const char *text, size_t length, size_t at)
{
    return at < length && isdigit((unsigned char)text[at]);
}

/* What is wrong with the number whose first digit is text[at], or NULL. */
static const char *number_error(const char *text, size_t length, size_t at)
{
    size_t end = at, sign = at > 0 && text[at - 1] == '-' ? 1 : 0;

    while (is_digit_at(text, length, end))
        end++;
    /* json-c reads leading zeros, and gives them back as they were */
    if (text[at] == '0' && end > at + 1)
        return "a leading zero";
    /* json-c 0.16 makes a whole number beyond 64 bits another one, 0.18 refuses it */
    if (sign + end - at > WHOLE_NUMBER_MAX && (end == length || strchr(".eE", text[end]) == NULL))
        return "a whole number of more than 19 characters";
    return NULL;
}

/* What is wrong at text[at] outside strings, or NULL. */
static const char *token_error(const char *text, size_t length, size_t at)
{
    switch (text[at]) {
    case '\'':
        return "a string in single quotes";
    case 'N':
    case 'I':
        return "not a number";
    case '.':
        return at > 0 && is_digit_at(text, length, at - 1) && is_digit_at(text, length, at + 1)
                   ? NULL
                   : "not a number";
    default:
        return is_digit_at(text, length, at) && begins_number(text, at)
                   ? number_error(text, length, at)
                   : NULL;
    }
}

/* What json-c lets pass even when strict, or NULL: see the two functions above. */
static const char *lexical_error(const char *text, size_t length)
{
    bool in_string = false;

    for (size_t i = 0, size; i < length; i += size) {
        const char *error =
            in_string ? string_error(text, length, i) : token_error(text, length, i);

        if (error != NULL)
            return error;
        size = utf8_length(text + i, length - i);
        if (size == 0)
            return "not UTF-8";
        if (text[i] == '"')
            in_string = !in_string;
        else if (text[i] == '\\' && in_string)
            size = 2;
    }
    return NULL;
}

/* "1" and "null" are whole for json-c only when something follows them. */
static void explain_unfinished(struct json_tokener *tokener, struct failure *failure)
{
    json_object_put(json_tokener_parse_ex(tokener, "\n", 1));
    if (json_tokener_get_error(tokener) == json_tokener_success)
        failure_set(failure, REASON_INVALID_REQUEST, "%s", not_an_object);
    else
        failure_set(failure, REASON_PARSE, "not valid JSON: the line ends too early");
}

/* Parses ASCII text strictly. The object, which the caller puts, or NULL with *failure filled. */
static struct json_object *parse_ascii(struct json_tokener *tokener, const char *text,
                                       size_t length, struct failure *failure)
{
    struct json_object *root;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    root = json_tokener_parse_ex(tokener, text, (int)length);
    if (json_tokener_get_error(tokener) == json_tokener_success &&
        json_tokener_get_parse_end(tokener) == length) {
        if (json_object_is_type(root, json_type_object))
            return root;
        failure_set(failure, REASON_INVALID_REQUEST, "%s%s", not_an_object,
                    json_object_is_type(root, json_type_array) ? ": there are no batches" : "");
    } else if (json_tokener_get_error(tokener) == json_tokener_continue) {
        explain_unfinished(tokener, failure);
    } else {
        failure_set(failure, REASON_PARSE, "not valid JSON at byte %zu",
                    json_tokener_get_parse_end(tokener) + 1);
    }
    release(&root);
    return NULL;
}

static bool is_ascii(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] & 0x80)
            return false;
    return true;
}

/*
 * When strict, json-c 0.18 takes bytes above 127 in a string for control characters. So the syntax
 * of UTF-8 text is judged on a copy without them, and only then are its values read.
 */
static struct json_object *parse_utf8(struct json_tokener *tokener, const char *text, size_t length,
                                      struct failure *failure)
{
    char *ascii = malloc(length);
    struct json_object *root;

    if (ascii == NULL) {
        failure_set(failure, REASON_INTERNAL, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        ascii[i] = text[i];
        if (text[i] & 0x80)
            ascii[i] = '?';
    }
    root = parse_ascii(tokener, ascii, length, failure);
    free(ascii);
    if (root == NULL)
        return NULL;
    json_object_put(root);
    json_tokener_reset(tokener);
    json_tokener_set_flags(tokener, 0);
    return json_tokener_parse_ex(tokener, text, (int)length);
}

/* The line as a JSON object that the caller puts, or NULL with *failure filled. */
static struct json_object *parse_object(const char *line, size_t length, struct failure *failure)
{
    const char *error = lexical_error(line, length);
    struct json_tokener *tokener;
    struct json_object *root;

    if (error != NULL) {
        failure_set(failure, REASON_PARSE, "not valid JSON: %s", error);
        return NULL;
    }
    tokener = length <= INT_MAX ? json_tokener_new_ex(NESTING_MAX) : NULL;
    if (tokener == NULL) {
        failure_set(failure, REASON_INTERNAL, "out of memory");
        return NULL;
    }
    root = is_ascii(line, length) ? parse_ascii(tokener, line, length, failure)
                                  : parse_utf8(tokener, line, length, failure);
    json_tokener_free(tokener);
    return root;
}

/* The text of a member that is a string, or NULL. */
static const char *string_member(struct json_object *object, const char *name)
{
    struct json_object *member;

    if (!json_object_object_get_ex(object, name, &member) ||
        !json_object_is_type(member, json_type_string))
        return NULL;
    return json_object_get_string(member);
}

static bool is_version_2(struct json_object *root)
{
    const char *version = string_member(root, "jsonrpc");

    return version != NULL && strcmp(version, "2.0") == 0;
}

/* The id if it is one that can be answered to: a string or a number. Caller puts. */
static struct json_object *usable_id(struct json_object *root)
{
    struct json_object *id;

    if (!json_object_object_get_ex(root, "id", &id))
        return NULL;
    switch (json_object_get_type(id)) {
    case json_type_string:
    case json_type_int:
    case json_type_double:
        return json_object_get(id);
    default:
        return NULL;
    }
}

/* Sets *value if the member is there and a positive integer; false when it is something else. */
static bool positive_member(struct json_object *root, const char *name, int64_t *value)
{
    struct json_object *member;

    if (!json_object_object_get_ex(root, name, &member))
        return true;
    if (!json_object_is_type(member, json_type_int) || json_object_get_int64(member) < 1)
        return false;
    *value = json_object_get_int64(member);
    return true;
}

/* How long the caller waits; returns what is wrong, or NULL. */
static const char *patience_error(struct jsonrpc_request *request)
{
    int64_t timeout_ms = JSONRPC_TIMEOUT_MAX_MS;

    request->deadline_us = INT64_MAX;
    if (!positive_member(request->root, "timeout", &timeout_ms))
        return "timeout must be a positive integer (milliseconds)";
    if (!positive_member(request->root, "deadline", &request->deadline_us))
        return "deadline must be a positive integer (microseconds)";
    request->timeout_ms =
        (int)(timeout_ms < JSONRPC_TIMEOUT_MAX_MS ? timeout_ms : JSONRPC_TIMEOUT_MAX_MS);
    return NULL;
}

/* Sets request->client; false when it is none that belongs into a log: an IP address. */
static bool parse_client(struct jsonrpc_request *request)
{
    struct json_object *member;
    struct in6_addr address;

    if (!json_object_object_get_ex(request->root, "client", &member))
        return true;
    request->client = string_member(request->root, "client");
    return request->client != NULL && address_parse(request->client, &address);
}

/* False when there is a member "params" that is no object. */
static bool parse_params(struct jsonrpc_request *request)
{
    return !json_object_object_get_ex(request->root, "params", &request->params) ||
           json_object_is_type(request->params, json_type_object);
}

/* Fills the members of request from its root; returns what is wrong, or NULL. */
static const char *request_error(struct jsonrpc_request *request)
{
    request->id = usable_id(request->root);
    request->method = string_member(request->root, "method");
    if (!is_version_2(request->root))
        return "jsonrpc must be \"2.0\"";
    if (request->id == NULL)
        return "id must be a string or a number: every request is answered";
    if (request->method == NULL)
        return "method must be a string";
    if (!parse_params(request))
        return "params must be an object";
    if (!parse_client(request))
        return "client must be an IP address";
    return patience_error(request);
}

bool jsonrpc_parse_request(const char *line, size_t length, struct jsonrpc_request *request,
                           struct failure *failure)
{
    const char *error;

    memset(request, 0, sizeof *request);
    request->root = parse_object(line, length, failure);
    if (request->root == NULL)
        return false;
    error = request_error(request);
    if (error != NULL)
        failure_set(failure, REASON_INVALID_REQUEST, "%s", error);
    return error == NULL;
}

void jsonrpc_request_release(struct jsonrpc_request *request)
{
    release(&request->id);
    release(&request->root);
}

/* Fills response->failure and response->refused from the member "error". */
static bool parse_error(struct jsonrpc_response *response, struct json_object *error)
{
    const char *message = string_member(error, "message");
    struct json_object *code, *data, *begun;

    if (message == NULL || !json_object_object_get_ex(error, "code", &code) ||
        !json_object_is_type(code, json_type_int))
        return false;
    failure_set(&response->failure, reason_from_rpc_code(json_object_get_int(code)), "%s", message);
    response->failure.from_peer = true;
    response->refused = json_object_object_get_ex(error, "data", &data) &&
                        json_object_is_type(data, json_type_object) &&
                        json_object_object_get_ex(data, "begun", &begun) &&
                        json_object_is_type(begun, json_type_boolean) &&
                        !json_object_get_boolean(begun);
    return true;
}

bool jsonrpc_parse_response(const char *line, size_t length, struct jsonrpc_response *response,
                            struct failure *failure)
{
    struct json_object *id, *error;

    memset(response, 0, sizeof *response);
    response->id = -1;
    response->root = parse_object(line, length, failure);
    if (response->root == NULL)
        return false;
    if (json_object_object_get_ex(response->root, "id", &id) &&
        json_object_is_type(id, json_type_int) && json_object_get_int64(id) >= 0)
        response->id = json_object_get_int64(id);
    if (is_version_2(response->root)) {
        json_object_object_get_ex(response->root, "result", &response->result);
        if (response->result != NULL)
            return true;
        if (json_object_object_get_ex(response->root, "error", &error) &&
            json_object_is_type(error, json_type_object) && parse_error(response, error))
            return true;
    }
    failure_set(failure, REASON_INVALID_REQUEST, "not a JSON-RPC 2.0 response");
    return false;
}

void jsonrpc_response_release(struct jsonrpc_response *response)
{
    release(&response->root);
    response->result = NULL;
}

/* Adds a member under a name that is a literal and not in the object yet. */
static void add(struct json_object *object, const char *name, struct json_object *value)
{
    json_object_object_add_ex(object, name, value,
                              JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

static struct json_object *new_message(struct json_object *id)
{
    struct json_object *message = json_object_new_object();

    add(message, "jsonrpc", json_object_new_string_len("2.0", 3));
    add(message, "id", id);
    return message;
}

struct json_object *jsonrpc_result(struct json_object *id, struct json_object *result)
{
    struct json_object *message = new_message(json_object_get(id));

    add(message, "result", result);
    return message;
}

static struct json_object *new_error(struct json_object *id, const struct failure *failure,
                                     bool begun)
{
    const struct reason_info *info = reason_info(failure->reason);
    struct json_object *message = new_message(json_object_get(id));
    struct json_object *error = json_object_new_object();
    struct json_object *data = json_object_new_object();

    add(data, "reason", json_object_new_string(info->name));
    if (!begun)
        add(data, "begun", json_object_new_boolean(false));
    add(error, "code", json_object_new_int(info->rpc_code));
    add(error, "message", json_object_new_string(failure->text));
    add(error, "data", data);
    add(message, "error", error);
    return message;
}

struct json_object *jsonrpc_error(struct json_object *id, const struct failure *failure)
{
    return new_error(id, failure, true);
}

struct json_object *jsonrpc_refusal(struct json_object *id, const struct failure *failure)
{
    return new_error(id, failure, false);
}

struct json_object *jsonrpc_request(int64_t id, const char *method, struct json_object *params,
                                    int64_t deadline_us)
{
    struct json_object *message = new_message(json_object_new_int64(id));

    add(message, "method", json_object_new_string(method));
    if (params != NULL)
        add(message, "params", params);
    if (deadline_us != INT64_MAX)
        add(message, "deadline", json_object_new_int64(deadline_us));
    return message;
}

void jsonrpc_request_set_client(struct json_object *request, const char *client)
{
    if (client != NULL)
        add(request, "client", json_object_new_string(client));
}

struct json_object *jsonrpc_notification(const char *method, struct json_object *params)
{
    struct json_object *message = json_object_new_object();

    add(message, "jsonrpc", json_object_new_string_len("2.0", 3));
    add(message, "method", json_object_new_string(method));
    add(message, "params", params);
    return message;
}

const char *jsonrpc_text(struct json_object *message, size_t *length)
{
    return json_object_to_json_string_length(
        message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, length);
}
