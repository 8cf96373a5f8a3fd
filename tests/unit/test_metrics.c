/* SPDX-License-Identifier: Apache-2.0 */
/* Families as JSON, histograms, and the process's own figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/link_metrics.h"
#include "common/process_metrics.h"

static void assert_families(struct metrics *metrics, const char *expected)
{
    int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

    assert_string_equal(json_object_to_json_string_ext(metrics->families, flags), expected);
    json_object_put(metrics->families);
}

static void a_family_and_its_samples(void **state)
{
    const struct metrics_family volts = {"v_volts", METRICS_GAUGE, "Volts."};
    const struct metrics_family none = {"none_total", METRICS_COUNTER, "None."};
    struct metrics metrics;

    (void)state;
    metrics_init(&metrics, 0, 0);
    metrics_begin(&metrics, &volts);
    metrics_value(&metrics, 52.08, LABELS("a", "1", "b", "x\"y"));
    metrics_integer(&metrics, UINT64_C(18446744073709551615), NULL);
    metrics_begin(&metrics, &none);
    assert_families(&metrics,
                    "[{\"name\":\"v_volts\",\"type\":\"gauge\",\"help\":\"Volts.\",\"samples\":["
                    "{\"labels\":{\"a\":\"1\",\"b\":\"x\\\"y\"},\"value\":52.08},"
                    "{\"labels\":{},\"value\":18446744073709551615}]},"
                    "{\"name\":\"none_total\",\"type\":\"counter\",\"help\":\"None.\","
                    "\"samples\":[]}]");
}

/* The instant is told in the other clock, whatever that shows. */
static void instants(void **state)
{
    const struct metrics_family when = {"t_seconds", METRICS_GAUGE, "When."};
    struct metrics metrics;

    (void)state;
    metrics_init(&metrics, 10 * US_PER_S, INT64_C(1700000000123456));
    metrics_begin(&metrics, &when);
    metrics_instant(&metrics, 10 * US_PER_S - 500 * US_PER_MS, NULL);
    assert_families(&metrics, "[{\"name\":\"t_seconds\",\"type\":\"gauge\",\"help\":\"When.\","
                              "\"samples\":[{\"labels\":{},\"value\":1699999999.623}]}]");
}

static void histograms(void **state)
{
    const struct metrics_family time = {"d_seconds", METRICS_HISTOGRAM, "Time."};
    const struct histogram_bounds bounds = {.us = {1000, 20000}, .count = 2};
    const int64_t observed[] = {-5, 0, 1000, 1001, 20000, 20001, 3 * US_PER_S};
    struct histogram histogram = {0};
    struct metrics metrics;

    (void)state;
    for (size_t i = 0; i < sizeof observed / sizeof observed[0]; i++)
        histogram_observe(&histogram, &bounds, observed[i]);
    assert_int_equal(histogram.count, 7);
    metrics_init(&metrics, 0, 0);
    metrics_begin(&metrics, &time);
    metrics_histogram(&metrics, &histogram, &bounds, LABELS("command", "1-1"));
    assert_families(&metrics,
                    "[{\"name\":\"d_seconds\",\"type\":\"histogram\",\"help\":\"Time.\","
                    "\"samples\":[{\"labels\":{\"command\":\"1-1\"},\"bounds\":[0.001,0.02],"
                    "\"counts\":[3,2,2],\"sum\":3.042002}]}]");
}

/* The sample number `index` of a family. */
static struct json_object *sample(const struct metrics *metrics, const char *name, size_t index)
{
    for (size_t i = 0; i < json_object_array_length(metrics->families); i++) {
        struct json_object *family = json_object_array_get_idx(metrics->families, i);

        if (strcmp(json_object_get_string(json_object_object_get(family, "name")), name) == 0)
            return json_object_array_get_idx(json_object_object_get(family, "samples"), index);
    }
    return NULL;
}

static double value(const struct metrics *metrics, const char *name)
{
    struct json_object *found = sample(metrics, name, 0);

    assert_non_null(found);
    return json_object_get_double(json_object_object_get(found, "value"));
}

static void what_never_succeeded_has_no_instant(void **state)
{
    struct link_figures figures = {.device = "battery"};
    struct metrics metrics;

    (void)state;
    metrics_init(&metrics, 0, 0);
    link_metrics(&metrics, &figures);
    assert_null(sample(&metrics, "dcdc_last_success_timestamp_seconds", 0));
    assert_non_null(sample(&metrics, "dcdc_link_up", 0));
    json_object_put(metrics.families);
    figures.success_us = 1;
    metrics_init(&metrics, 0, 0);
    link_metrics(&metrics, &figures);
    assert_non_null(sample(&metrics, "dcdc_last_success_timestamp_seconds", 0));
    json_object_put(metrics.families);
}

static void the_process(void **state)
{
    double now = (double)clock_unix_us() / US_PER_S, started;
    struct metrics metrics;

    (void)state;
    metrics_init(&metrics, 0, 0);
    process_metrics(&metrics, "x");
    assert_true(value(&metrics, "dcdc_build_info") == 1);
    assert_true(value(&metrics, "process_cpu_seconds_total") > 0);
    assert_true(value(&metrics, "process_resident_memory_bytes") > 100 * 1024);
    assert_true(value(&metrics, "process_virtual_memory_bytes") >
                value(&metrics, "process_resident_memory_bytes"));
    assert_true(value(&metrics, "process_open_fds") >= 1);
    assert_true(value(&metrics, "process_max_fds") > value(&metrics, "process_open_fds"));
    started = value(&metrics, "process_start_time_seconds");
    assert_true(started > now - 600 && started < now + 1);
    json_object_put(metrics.families);
    for (int i = 0; i < 1000; i++) { /* it does not waver */
        metrics_init(&metrics, 0, 0);
        process_metrics(&metrics, "x");
        assert_true(value(&metrics, "process_start_time_seconds") == started);
        json_object_put(metrics.families);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_and_its_samples),
        cmocka_unit_test(instants),
        cmocka_unit_test(histograms),
        cmocka_unit_test(what_never_succeeded_has_no_instant),
        cmocka_unit_test(the_process),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
