/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/exposition.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/decimal.h"
#include "common/metrics.h"

const char exposition_content_type[] = "text/plain; version=0.0.4; charset=utf-8";

/* What a list has to be like. */

/* A member of this type, or NULL. */
static struct json_object *member(struct json_object *object, const char *key, enum json_type type)
{
    struct json_object *value;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
        return NULL;
    return value;
}

/* A member that is text, or NULL. */
static const char *text_of(struct json_object *object, const char *key)
{
    return json_object_get_string(member(object, key, json_type_string));
}

static bool is_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_int) ||
           (json_object_is_type(value, json_type_double) &&
            isfinite(json_object_get_double(value)));
}

static bool are_numbers(struct json_object *array)
{
    for (size_t i = 0; i < json_object_array_length(array); i++)
        if (!is_number(json_object_array_get_idx(array, i)))
            return false;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* [a-zA-Z_][a-zA-Z0-9_]*: good for metrics and for labels. */
static bool is_name(const char *text)
{
    if (text == NULL || !is_letter(*text))
        return false;
    while (is_letter(*text) || (*text >= '0' && *text <= '9'))
        text++;
    return *text == '\0';
}

static bool is_type(const char *text)
{
    for (int i = METRICS_COUNTER; i <= METRICS_HISTOGRAM; i++)
        if (text != NULL && strcmp(text, metrics_type_name((enum metrics_type)i)) == 0)
            return true;
    return false;
}

static bool is_histogram(const char *type)
{
    return strcmp(type, metrics_type_name(METRICS_HISTOGRAM)) == 0;
}

static bool are_labels(struct json_object *labels)
{
    if (labels == NULL)
        return false;
    json_object_object_foreach(labels, name, value)
    {
        if (!is_name(name) || !json_object_is_type(value, json_type_string))
            return false;
    }
    return true;
}

static bool is_sample(struct json_object *sample, bool histogram)
{
    struct json_object *bounds = member(sample, "bounds", json_type_array);
    struct json_object *counts = member(sample, "counts", json_type_array);

    if (!are_labels(member(sample, "labels", json_type_object)))
        return false;
    if (!histogram)
        return is_number(json_object_object_get(sample, "value"));
    return bounds != NULL && counts != NULL && are_numbers(bounds) && are_numbers(counts) &&
           json_object_array_length(counts) == json_object_array_length(bounds) + 1 &&
           is_number(json_object_object_get(sample, "sum"));
}

/* Bringing families of the same name together. */

/* Adds a family, which is borrowed, to {name: {"type":…, "help":…, "samples":[…]}}. */
static void add_family(struct json_object *families, struct json_object *family)
{
    struct json_object *samples = member(family, "samples", json_type_array), *known;
    const char *name = text_of(family, "name"), *type = text_of(family, "type"),
               *help = text_of(family, "help");

    if (!is_name(name) || !is_type(type) || samples == NULL)
        return;
    if (!json_object_object_get_ex(families, name, &known)) {
        known = json_object_new_object();
        json_object_object_add(known, "type", json_object_new_string(type));
        json_object_object_add(known, "help", json_object_new_string(help != NULL ? help : ""));
        json_object_object_add(known, "samples", json_object_new_array());
        json_object_object_add(families, name, known);
    }
    if (strcmp(text_of(known, "type"), type) != 0)
        return;
    for (size_t i = 0; i < json_object_array_length(samples); i++) {
        struct json_object *sample = json_object_array_get_idx(samples, i);

        if (is_sample(sample, is_histogram(type)))
            json_object_array_add(json_object_object_get(known, "samples"),
                                  json_object_get(sample));
    }
}

/* Writing. */

static void write_number(FILE *out, struct json_object *value)
{
    char text[DECIMAL_DOUBLE_SIZE];

    if (json_object_is_type(value, json_type_int))
        fputs(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), out);
    else
        fputs(decimal_print_double(json_object_get_double(value), text), out);
}

/* quotes: in a label's value they are escaped too. */
static void write_escaped(FILE *out, const char *text, bool quotes)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\\' || (quotes && *text == '"'))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

/* name{a="1",b="2"} and a space. bound: text of the label le, or NULL. */
static void write_series(FILE *out, const char *name, const char *suffix,
                         struct json_object *labels, const char *bound)
{
    char before = '{';

    fprintf(out, "%s%s", name, suffix);
    json_object_object_foreach(labels, label, value)
    {
        fprintf(out, "%c%s=\"", before, label);
        write_escaped(out, json_object_get_string(value), true);
        fputc('"', out);
        before = ',';
    }
    if (bound != NULL) {
        fprintf(out, "%cle=\"%s\"", before, bound);
        before = ',';
    }
    fputs(before == ',' ? "} " : " ", out);
}

/* A bucket counts all that is below its bound. */
static void write_histogram(FILE *out, const char *name, struct json_object *labels,
                            struct json_object *sample)
{
    struct json_object *bounds = json_object_object_get(sample, "bounds");
    struct json_object *counts = json_object_object_get(sample, "counts");
    uint64_t total = 0;

    for (size_t i = 0; i < json_object_array_length(counts); i++) {
        struct json_object *bound = json_object_array_get_idx(bounds, i);
        char text[DECIMAL_DOUBLE_SIZE] = "+Inf";

        if (bound != NULL)
            decimal_print_double(json_object_get_double(bound), text);
        total += json_object_get_uint64(json_object_array_get_idx(counts, i));
        write_series(out, name, "_bucket", labels, text);
        fprintf(out, "%" PRIu64 "\n", total);
    }
    write_series(out, name, "_sum", labels, NULL);
    write_number(out, json_object_object_get(sample, "sum"));
    fputc('\n', out);
    write_series(out, name, "_count", labels, NULL);
    fprintf(out, "%" PRIu64 "\n", total);
}

static void write_value(FILE *out, const char *name, struct json_object *labels,
                        struct json_object *sample)
{
    write_series(out, name, "", labels, NULL);
    write_number(out, json_object_object_get(sample, "value"));
    fputc('\n', out);
}

static void write_family(FILE *out, const char *name, struct json_object *family)
{
    struct json_object *samples = json_object_object_get(family, "samples");
    const char *type = text_of(family, "type");

    if (json_object_array_length(samples) == 0)
        return;
    fprintf(out, "# HELP %s ", name);
    write_escaped(out, text_of(family, "help"), false);
    fprintf(out, "\n# TYPE %s %s\n", name, type);
    for (size_t i = 0; i < json_object_array_length(samples); i++) {
        struct json_object *sample = json_object_array_get_idx(samples, i);
        struct json_object *labels = json_object_object_get(sample, "labels");

        if (is_histogram(type))
            write_histogram(out, name, labels, sample);
        else
            write_value(out, name, labels, sample);
    }
}

char *exposition_text(struct json_object *const lists[], size_t count, size_t *length)
{
    struct json_object *families = json_object_new_object();
    char *text = NULL;
    FILE *out = open_memstream(&text, length);

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; json_object_is_type(lists[i], json_type_array) &&
                           k < json_object_array_length(lists[i]);
             k++)
            add_family(families, json_object_array_get_idx(lists[i], k));
    if (out != NULL) {
        json_object_object_foreach(families, name, family)
        {
            write_family(out, name, family);
        }
        fclose(out);
    }
    json_object_put(families);
    return text;
}
