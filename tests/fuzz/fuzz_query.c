/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries of sets: one with a stop in it is always a stop, no other ever is, and what is sent on
 * is complete and clean. Input: a byte for the path and the saved parameters, then the query.
 */
#include <ctype.h>

#include "common/operation_mode.h"
#include "gatewayd/parameters.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/json_oracle.h"

enum { PATHS = 4 };

static const struct parameters saved[] = {
    {.text = {"", "", "", ""}},
    {.text = {"0x0014", "350.0", "2.3", "0.1"}},
    {.text = {"0x0000", "", "", ""}},
    {.text = {"0x0041", "350.0", "", "0.1"}},
};

static bool decodes_to(const char *text, size_t length, const char *wanted)
{
    for (const char *end = text + length; text < end; wanted++) {
        char byte = *text++;
        unsigned value;

        if (byte == '%' && end - text >= 2 && isxdigit((unsigned char)text[0]) &&
            isxdigit((unsigned char)text[1]) && sscanf(text, "%2x", &value) == 1) {
            byte = (char)value;
            text += 2;
        }
        if (byte == '\0' || byte != *wanted)
            return false;
    }
    return *wanted == '\0';
}

/* True if some pair of the query says mode=0x0000. */
static bool asks_for_stop(const char *query)
{
    static const char *const stops[] = {"0x0", "0x00", "0x000", "0x0000"};

    for (;;) {
        size_t length = strcspn(query, "&#");
        const char *equals = memchr(query, '=', length);

        for (size_t i = 0; i < 4 && equals != NULL; i++)
            if (decodes_to(query, (size_t)(equals - query), "mode") &&
                decodes_to(equals + 1, (size_t)(query + length - equals - 1), stops[i]))
                return true;
        if (query[length] != '&')
            return false;
        query += length + 1;
    }
}

static void check_sent(const struct set_request *set)
{
    struct json_object *object = parameters_to_json(&set->send);

    CHECK(oracle_is_json(json_object_to_json_string(object)));
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        CHECK(memchr(set->send.text[i], '\0', QUERY_VALUE_SIZE) != NULL);
        for (const char *p = set->send.text[i]; *p != '\0'; p++)
            CHECK(!iscntrl((unsigned char)*p));
    }
    json_object_put(object);
}

static void check_accepted(const struct set_request *set)
{
    bool dig = set->method != SET_VOLTAGE, dvg = set->method != SET_CURRENT;
    struct failure failure;
    uint16_t mode = 0xffff;

    check_sent(set);
    CHECK(!set->complaint || set->stop);
    if (set->method == SET_ALL)
        CHECK(operation_mode_parse(set->send.text[PARAMETER_MODE], &mode, &failure));
    if (set->stop) {
        CHECK(mode == MODE_WAITING);
        return;
    }
    CHECK((set->send.text[PARAMETER_MODE][0] != '\0') == (set->method == SET_ALL));
    CHECK((set->send.text[PARAMETER_DIG][0] != '\0') == dig);
    CHECK((set->send.text[PARAMETER_DVG][0] != '\0') == dvg);
    CHECK((set->send.text[PARAMETER_DRG][0] != '\0') == dvg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input);
    enum set_path path = choice % PATHS;
    bool takes_mode = path == SET_PATH_DCDC || path == SET_PATH_ALL;
    struct set_request set = {.problem = {.text = ""}};
    char *query = fuzz_text(&input);
    bool stop = takes_mode && asks_for_stop(query);

    if (set_request_read(path, query, &saved[choice / PATHS % 4], &set)) {
        CHECK(set.stop == stop);
        check_accepted(&set);
        CHECK(!set.complaint || set.problem.text[0] != '\0');
    } else {
        CHECK(!stop);
        CHECK(set.problem.text[0] != '\0' && set.problem.reason < REASON_COUNT);
    }
    free(query);
    return 0;
}
