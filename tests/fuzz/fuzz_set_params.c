/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of sets as they come over the socket: a good stop is accepted whatever is beside it
 * and its first command stops, and what is sent is what was asked for and in range. Input: a byte
 * for the method, then the parameters as JSON.
 */
#include "dcdcd/set_params.h"

#include "common/jsonrpc.h"
#include "common/operation_mode.h"
#include "common/rpc_server.h"
#include "tests/fuzz/fuzz.h"

static const char *const methods[] = {"remote_set", "remote_set_current", "remote_set_voltage",
                                      "command"};

#define NUMBER(number)                                                                             \
    {                                                                                              \
        .value = DECIMAL(number, 0), .text = #number                                               \
    }

static const struct config config = {.dcdc.setup = {.cib = NUMBER(52),
                                                    .ubv = NUMBER(40),
                                                    .obv = NUMBER(59),
                                                    .ugv = NUMBER(300),
                                                    .ogv = NUMBER(400)}};

/* 0x and 1 to 4 zeros; for "command" also without 0x, and 5 zeros. */
static bool is_stop_text(const char *text, bool command)
{
    size_t zeros;

    if (text == NULL)
        return false;
    if (strncmp(text, "0x", 2) == 0)
        text += 2;
    else if (!command)
        return false;
    zeros = strspn(text, "0");
    return text[zeros] == '\0' && zeros >= 1 && zeros <= (command ? 5 : 4);
}

static bool asks_for_stop(const char *method, struct json_object *params)
{
    const char *name = rpc_param_text(params, "name");
    bool command = strcmp(method, "command") == 0 && name != NULL && strcmp(name, "1-4") == 0;

    return (strcmp(method, "remote_set") == 0 || command) &&
           is_stop_text(rpc_param_text(params, "mode"), command);
}

/* raw is the greatest that is not above a number in the field's range. */
static void check_raw(const char *row, const char *name, bool given, uint16_t raw)
{
    const struct eza_fields *fields = &eza_command_find(row)->request;
    const struct eza_field *field = &fields->field[eza_field_find(fields, name)];

    if (!given)
        return;
    CHECK(decimal_compare(eza_decode(field, raw), field->max) <= 0);
    CHECK(raw < UINT16_MAX && decimal_compare(eza_decode(field, raw + 1), field->min) > 0);
}

static void check_plan(const struct request *request, uint16_t from)
{
    const struct controller_call *call = &request->call;
    struct sequence sequence = {.count = 0};
    uint16_t mode;

    call->method->plan(call, &config, from, &sequence);
    CHECK(sequence.count >= 1 && sequence.count <= SEQUENCE_MAX && sequence.done == 0);
    if (!request_is_stop(request))
        return;
    CHECK(strcmp(sequence.step[0].command->name, "1-4") == 0);
    CHECK(sequence.step[0].values.raw[0] == MODE_WAITING);
    CHECK(controller_sets_mode(call, &mode) && mode == MODE_WAITING);
}

static void check_accepted(const struct request *request)
{
    static const uint16_t froms[] = {MODE_WAITING, MODE_HETERONOMY_CV, MODE_GRID_AUTONOMY,
                                     MODE_HETERONOMY_CHARGE};
    const struct set_values *set = &request->call.set;
    uint16_t mode;

    check_raw("4-4", "dvg", set->has_dvg, set->dvg);
    check_raw("4-4", "drg", set->has_drg, set->drg);
    check_raw("6-4", "dig", set->has_dig, set->dig);
    if (controller_sets_mode(&request->call, &mode))
        CHECK(operation_mode_find(mode) != NULL);
    for (size_t i = 0; i < sizeof froms / sizeof froms[0]; i++)
        check_plan(request, froms[i]);
}

static void check(const char *method, struct json_object *params)
{
    struct request request = {.complaint = {.text = ""}};
    struct failure failure = {.text = ""};
    bool stop = asks_for_stop(method, params);

    if (set_params_parse(controller_method_find(method), params, &request, &failure)) {
        CHECK(request_is_stop(&request) == stop);
        CHECK(request.complaint.text[0] == '\0' || stop);
        check_accepted(&request);
    } else {
        CHECK(!stop);
        CHECK(failure.text[0] != '\0' && failure.reason < REASON_COUNT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":";
    struct fuzz_input input = {data, size};
    const char *method = methods[fuzz_byte(&input) % (sizeof methods / sizeof methods[0])];
    char *text = fuzz_text(&input), *line = malloc(sizeof head + input.size + 1);
    struct jsonrpc_request request;
    struct failure failure;
    int length;

    CHECK(line != NULL);
    length = sprintf(line, "%s%s}", head, text);
    if (jsonrpc_parse_request(line, (size_t)length, &request, &failure))
        check(method, request.params);
    jsonrpc_request_release(&request);
    free(line);
    free(text);
    return 0;
}
