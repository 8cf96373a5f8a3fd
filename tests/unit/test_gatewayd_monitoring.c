/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness out of the daemons' words, requests counted, and the description beside the routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gatewayd/openapi.h"
#include "gatewayd/readiness.h"
#include "gatewayd/usage.h"
#include "tests/unit/metrics_fixture.h"

#define MS INT64_C(1000)

/* readiness */

#define DCDCD_OK     "{\"state\":\"ok\",\"last_answer_age\":0.1}"
#define BATTD_OK     "{\"state\":\"ok\"}"
#define READY        "{\"ready\":true,\"reasons\":{}}"
#define NOT(reasons) "{\"ready\":false,\"reasons\":{" reasons "}}"

static const struct {
    const char *dcdcd, *battd; /* NULL: no answer */
    const char *body;
} units[] = {
    {DCDCD_OK, BATTD_OK, READY},
    {DCDCD_OK, "{\"state\":\"no_battery\"}", READY},
    {NULL, NULL, NOT("\"dcdcd\":\"gone\",\"battd\":\"gone\"")},
    {NULL, BATTD_OK, NOT("\"dcdcd\":\"gone\"")},
    {"{\"state\":\"ok\"}", BATTD_OK, NOT("\"converter\":\"the converter has not answered yet\"")},
    {"{\"state\":\"port_closed\",\"port_error\":\"no file\",\"last_error\":\"x\"}", BATTD_OK,
     NOT("\"converter\":\"no file\"")},
    {"{\"state\":\"silent\",\"last_error\":\"read timeout\",\"last_answer_age\":1}", BATTD_OK,
     NOT("\"converter\":\"read timeout\"")},
    {"{}", BATTD_OK, NOT("\"converter\":\"unknown\"")},
    {"1", BATTD_OK, NOT("\"converter\":\"unknown\"")},
    {DCDCD_OK, "{\"state\":\"error\",\"last_error\":\"silent\"}", NOT("\"battery\":\"silent\"")},
    {DCDCD_OK, "{\"state\":\"starting\",\"last_error\":null}",
     NOT("\"battery\":\"the battery has not been read yet\"")},
    {DCDCD_OK, "[]", NOT("\"battery\":\"unknown\"")},
};

static void what_is_not_ready_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct gathered answers[GATHER_COUNT] = {
            {NULL, {.reason = REASON_UNAVAILABLE, .text = "gone"}},
            {NULL, {.reason = REASON_UNAVAILABLE, .text = "gone"}}};
        struct json_object *body;
        bool ready;

        if (units[i].dcdcd != NULL)
            answers[GATHER_DCDCD].result = json_tokener_parse(units[i].dcdcd);
        if (units[i].battd != NULL)
            answers[GATHER_BATTD].result = json_tokener_parse(units[i].battd);
        body = readiness(answers, &ready);
        assert_string_equal(json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN),
                            units[i].body);
        assert_int_equal(ready, strcmp(units[i].body, READY) == 0);
        json_object_put(body);
        json_object_put(answers[GATHER_DCDCD].result);
        json_object_put(answers[GATHER_BATTD].result);
    }
}

/* usage */

static void requests_by_path_and_status(void **state)
{
    struct usage *usage = usage_new();
    const char *query;
    const struct route *all = route_find("/all/get", &query);
    struct metrics metrics;
    struct json_object *object;
    char *text;

    (void)state;
    usage_count(usage, all, OUTCOME_OK, 100 * MS);
    usage_count(usage, all, OUTCOME_REASON + REASON_READ_TIMEOUT, 400 * MS);
    usage_count(usage, all, OUTCOME_REASON + REASON_CHECKSUM, 401 * MS);
    usage_count(usage, all, OUTCOME_REASON + REASON_UNAVAILABLE, 3500 * MS);
    usage_count(usage, NULL, OUTCOME_REASON + REASON_NO_PATH, 0);
    metrics_init(&metrics, 0, 0);
    usage_metrics(usage, &metrics);
    text = metrics_text(&metrics);
    assert_true(has_line(text, "dcdc_http_requests_total{path=\"/all/get\",code=\"200\"} 1\n"));
    assert_true(has_line(text, "dcdc_http_requests_total{path=\"/all/get\",code=\"400\"} 2\n"));
    assert_true(has_line(text, "dcdc_http_requests_total{path=\"/all/get\",code=\"503\"} 1\n"));
    assert_true(has_line(text, "dcdc_http_requests_total{path=\"unknown\",code=\"404\"} 1\n"));
    assert_false(has_line(text, "dcdc_http_requests_total{path=\"/dcdc/get\""));
    assert_true(has_line(text, "dcdc_http_request_duration_seconds_bucket{path=\"/all/get\","
                               "le=\"0.1\"} 1\n"));
    assert_true(has_line(text, "dcdc_http_request_duration_seconds_sum{path=\"/all/get\"} 4.401"));
    free(text);
    object = usage_to_json(usage);
    assert_string_equal(
        json_object_to_json_string_ext(object,
                                       JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
        "{\"/all/get\":{\"ok\":1,\"read_timeout\":1,\"checksum\":1,\"unavailable\":1},"
        "\"unknown\":{\"no_path\":1}}");
    json_object_put(object);
    usage_free(usage);
}

static void every_reason_has_a_status(void **state)
{
    struct usage *usage = usage_new();
    struct metrics metrics;

    (void)state;
    for (unsigned i = 0; i < OUTCOME_COUNT; i++)
        usage_count(usage, NULL, i, 0);
    metrics_init(&metrics, 0, 0);
    usage_metrics(usage, &metrics);
    free(metrics_text(&metrics));
    usage_free(usage);
}

/* the description */

static void the_description_has_every_path_and_no_other(void **state)
{
    struct json_object *description = json_tokener_parse(openapi_text);
    struct json_object *paths = json_object_object_get(description, "paths");

    (void)state;
    assert_non_null(paths);
    for (size_t i = 0; i < route_count; i++) {
        struct json_object *path = json_object_object_get(paths, routes[i].path);

        if (path == NULL)
            fail_msg("not described: %s", routes[i].path);
        assert_true(json_object_object_get_ex(path, "get", NULL));
        assert_int_equal(json_object_object_get_ex(path, "head", NULL), !routes[i].changes);
        assert_int_equal(json_object_object_length(path), routes[i].changes ? 1 : 2);
    }
    assert_int_equal(json_object_object_length(paths), route_count);
    json_object_put(description);
}

static void the_description_is_of_this_version(void **state)
{
    struct json_object *description = json_tokener_parse(openapi_text);
    struct json_object *info = json_object_object_get(description, "info");

    (void)state;
    assert_string_equal(json_object_get_string(json_object_object_get(info, "version")), VERSION);
    json_object_put(description);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_ready_is_named),
        cmocka_unit_test(requests_by_path_and_status),
        cmocka_unit_test(every_reason_has_a_status),
        cmocka_unit_test(the_description_has_every_path_and_no_other),
        cmocka_unit_test(the_description_is_of_this_version),
    };

    return cmocka_run_group_tests_name("gatewayd_monitoring", tests, NULL, NULL);
}
