/* SPDX-License-Identifier: Apache-2.0 */
#include "common/metrics.h"

#include "common/clock.h"
#include "common/decimal.h"

const char *metrics_type_name(enum metrics_type type)
{
    static const char *const names[] = {
        [METRICS_COUNTER] = "counter",
        [METRICS_GAUGE] = "gauge",
        [METRICS_HISTOGRAM] = "histogram",
    };

    return names[type];
}

void metrics_init(struct metrics *metrics, int64_t now_us, int64_t unix_us)
{
    *metrics =
        (struct metrics){.families = json_object_new_array(), .now_us = now_us, .unix_us = unix_us};
}

void metrics_begin(struct metrics *metrics, const struct metrics_family *family)
{
    struct json_object *object = json_object_new_object();

    metrics->samples = json_object_new_array();
    json_object_object_add(object, "name", json_object_new_string(family->name));
    json_object_object_add(object, "type", json_object_new_string(metrics_type_name(family->type)));
    json_object_object_add(object, "help", json_object_new_string(family->help));
    json_object_object_add(object, "samples", metrics->samples);
    json_object_array_add(metrics->families, object);
}

static struct json_object *number(double value)
{
    char text[DECIMAL_DOUBLE_SIZE];

    return json_object_new_double_s(value, decimal_print_double(value, text));
}

static struct json_object *seconds(int64_t us)
{
    return number((double)us / US_PER_S);
}

static struct json_object *add_sample(struct metrics *metrics, const char *const *labels)
{
    struct json_object *sample = json_object_new_object(), *object = json_object_new_object();

    for (; labels != NULL && *labels != NULL; labels += 2)
        json_object_object_add(object, labels[0], json_object_new_string(labels[1]));
    json_object_object_add(sample, "labels", object);
    json_object_array_add(metrics->samples, sample);
    return sample;
}

void metrics_integer(struct metrics *metrics, uint64_t value, const char *const *labels)
{
    json_object_object_add(add_sample(metrics, labels), "value", json_object_new_uint64(value));
}

void metrics_value(struct metrics *metrics, double value, const char *const *labels)
{
    json_object_object_add(add_sample(metrics, labels), "value", number(value));
}

void metrics_instant(struct metrics *metrics, int64_t at_us, const char *const *labels)
{
    int64_t unix_ms = (metrics->unix_us - metrics->now_us + at_us) / US_PER_MS;

    json_object_object_add(add_sample(metrics, labels), "value", number((double)unix_ms / 1000));
}

void metrics_histogram(struct metrics *metrics, const struct histogram *histogram,
                       const struct histogram_bounds *bounds, const char *const *labels)
{
    struct json_object *us = json_object_new_array(), *counts = json_object_new_array();
    struct json_object *sample = add_sample(metrics, labels);

    for (size_t i = 0; i < bounds->count; i++)
        json_object_array_add(us, seconds(bounds->us[i]));
    for (size_t i = 0; i <= bounds->count; i++)
        json_object_array_add(counts, json_object_new_uint64(histogram->counts[i]));
    json_object_object_add(sample, "bounds", us);
    json_object_object_add(sample, "counts", counts);
    json_object_object_add(sample, "sum", seconds(histogram->sum_us));
}
