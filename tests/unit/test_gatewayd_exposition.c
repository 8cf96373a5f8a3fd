/* SPDX-License-Identifier: Apache-2.0 */
/* Families in, the text that Prometheus reads out. */
#include "gatewayd/exposition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LISTS_MAX = 3 };

static void assert_text(const char *const lists[], size_t count, const char *expected)
{
    struct json_object *parsed[LISTS_MAX];
    size_t length;
    char *text;

    for (size_t i = 0; i < count; i++) {
        parsed[i] = lists[i] != NULL ? json_tokener_parse(lists[i]) : NULL;
        assert_int_equal(parsed[i] != NULL, lists[i] != NULL);
    }
    text = exposition_text(parsed, count, &length);
    assert_non_null(text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
    free(text);
    for (size_t i = 0; i < count; i++)
        json_object_put(parsed[i]);
}

#define FAMILY(name, type, samples)                                                                \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"help\":\"Help.\",\"samples\":[" samples "]}"
#define SAMPLE(labels, value) "{\"labels\":{" labels "},\"value\":" value "}"
#define HEADING(name, type)   "# HELP " name " Help.\n# TYPE " name " " type "\n"

static void values_and_labels(void **state)
{
    const char *lists[] = {
        "[" FAMILY("a_total", "counter",
                   SAMPLE("", "18446744073709551615") "," SAMPLE("\"x\":\"1\"", "0")) "," //
        FAMILY("b_volts", "gauge",
               SAMPLE("\"x\":\"1\",\"y\":\"2\"", "52.08") "," SAMPLE("\"x\":\"2\"", "-1.5e-7")) "]",
    };

    (void)state;
    assert_text(lists, 1,
                HEADING("a_total", "counter") "a_total 18446744073709551615\n"
                                              "a_total{x=\"1\"} 0\n" //
                HEADING("b_volts", "gauge") "b_volts{x=\"1\",y=\"2\"} 52.08\n"
                                            "b_volts{x=\"2\"} -1.5e-07\n");
}

static void what_is_escaped(void **state)
{
    const char *lists[] = {"[{\"name\":\"a\",\"type\":\"gauge\",\"help\":\"b\\\\s \\n \\\"q\\\"\","
                           "\"samples\":[" SAMPLE("\"x\":\"b\\\\s \\n \\\"q\\\" °C\"", "1") "]}]"};

    (void)state;
    assert_text(lists, 1,
                "# HELP a b\\\\s \\n \"q\"\n# TYPE a gauge\n"
                "a{x=\"b\\\\s \\n \\\"q\\\" °C\"} 1\n");
}

/* Buckets are summed up; the last one has all. */
static void histograms(void **state)
{
    const char *lists[] = {
        "[" FAMILY("d_seconds", "histogram",
                   "{\"labels\":{\"c\":\"1-1\"},\"bounds\":[0.005,1],\"counts\":[3,0,2],"
                   "\"sum\":3.25},{\"labels\":{},\"bounds\":[],\"counts\":[0],\"sum\":0}") "]"};

    (void)state;
    assert_text(lists, 1,
                HEADING("d_seconds", "histogram") "d_seconds_bucket{c=\"1-1\",le=\"0.005\"} 3\n"
                                                  "d_seconds_bucket{c=\"1-1\",le=\"1\"} 3\n"
                                                  "d_seconds_bucket{c=\"1-1\",le=\"+Inf\"} 5\n"
                                                  "d_seconds_sum{c=\"1-1\"} 3.25\n"
                                                  "d_seconds_count{c=\"1-1\"} 5\n"
                                                  "d_seconds_bucket{le=\"+Inf\"} 0\n"
                                                  "d_seconds_sum 0\n"
                                                  "d_seconds_count 0\n");
}

static void families_of_one_name_become_one(void **state)
{
    const char *lists[] = {
        "[" FAMILY("up", "gauge", SAMPLE("\"d\":\"1\"", "1")) "," //
        FAMILY("own", "gauge", SAMPLE("", "1")) "]",
        NULL,                                             /* a daemon that is away */
        "[" FAMILY("other", "gauge", SAMPLE("", "1")) "," //
                                                      "{\"name\":\"up\",\"type\":\"gauge\","
                                                      "\"help\":\"Other help.\",\"samples\":[" //
        SAMPLE("\"d\":\"2\"", "0") "]}]",
    };

    (void)state;
    assert_text(lists, 3,
                HEADING("up", "gauge") "up{d=\"1\"} 1\nup{d=\"2\"} 0\n" //
                HEADING("own", "gauge") "own 1\n"                       //
                HEADING("other", "gauge") "other 1\n");
}

/* From a daemon of another version, say. The good family after it must come out. */
static void nonsense_is_left_out(void **state)
{
    static const char *const bad[] = {
        "1",
        "{\"name\":\"x\"}",
        FAMILY("", "gauge", SAMPLE("", "1")),
        FAMILY("1x", "gauge", SAMPLE("", "1")),
        FAMILY("x y", "gauge", SAMPLE("", "1")),
        FAMILY("x", "summary", SAMPLE("", "1")),
        FAMILY("good", "counter", SAMPLE("\"a\":\"b\"", "1")), /* its namesake is a gauge */
        FAMILY("x", "gauge", ""),
        FAMILY("x", "gauge", "1"),
        FAMILY("x", "gauge", "{\"value\":1}"),
        FAMILY("x", "gauge", SAMPLE("", "null")),
        FAMILY("x", "gauge", SAMPLE("", "\"1\"")),
        FAMILY("x", "gauge", SAMPLE("", "NaN")),
        FAMILY("x", "gauge", SAMPLE("", "1e999")),
        FAMILY("x", "gauge", SAMPLE("\"a\":1", "1")),
        FAMILY("x", "gauge", SAMPLE("\"a-b\":\"1\"", "1")),
        FAMILY("x", "histogram", SAMPLE("", "1")),
        FAMILY("x", "histogram", "{\"labels\":{},\"bounds\":[1],\"counts\":[1],\"sum\":1}"),
        FAMILY("x", "histogram", "{\"labels\":{},\"bounds\":[1],\"counts\":[1,\"1\"],\"sum\":1}"),
        FAMILY("x", "histogram", "{\"labels\":{},\"bounds\":[1],\"counts\":[1,1]}"),
    };
    static const char good[] = "[" FAMILY("good", "gauge", SAMPLE("", "1")) "]";
    char list[512];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *lists[] = {good, list};

        snprintf(list, sizeof list, "[%s]", bad[i]);
        assert_text(lists, 2, HEADING("good", "gauge") "good 1\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_labels),    cmocka_unit_test(what_is_escaped),
        cmocka_unit_test(histograms),           cmocka_unit_test(families_of_one_name_become_one),
        cmocka_unit_test(nonsense_is_left_out),
    };

    return cmocka_run_group_tests_name("gatewayd_exposition", tests, NULL, NULL);
}
