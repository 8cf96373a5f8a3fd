/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for lines in what metrics become as Prometheus text. */
#ifndef TESTS_UNIT_METRICS_FIXTURE_H
#define TESTS_UNIT_METRICS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/metrics.h"
#include "gatewayd/exposition.h"

/* Ends the metrics: their text, which the caller frees. */
static inline char *metrics_text(struct metrics *metrics)
{
    size_t length;
    char *text = exposition_text(&metrics->families, 1, &length);

    assert_non_null(text);
    json_object_put(metrics->families);
    return text;
}

/* Whether a line of the text begins so: a series "dcdc_mode{", or it and its value and "\n". */
static inline bool has_line(const char *text, const char *beginning)
{
    for (; text != NULL && *text != '\0'; text = strchr(text, '\n') + 1)
        if (strncmp(text, beginning, strlen(beginning)) == 0)
            return true;
    return false;
}

#endif
