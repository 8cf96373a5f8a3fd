/* SPDX-License-Identifier: Apache-2.0 */
/* Metric families (common/metrics.h) as the text that Prometheus scrapes, version 0.0.4. Pure. */
#ifndef GATEWAYD_EXPOSITION_H
#define GATEWAYD_EXPOSITION_H

#include <json-c/json.h>
#include <stddef.h>

extern const char exposition_content_type[];

/*
 * The families of count lists, in their order. Those of the same name become one, with the help of
 * the first; those without samples are left out. The lists come from daemons that may be of
 * another version: what makes no sense is left out too, and so are samples whose family differs in
 * type from its namesake before. Returns a text of *length bytes that the caller frees, or NULL
 * without memory.
 */
char *exposition_text(struct json_object *const lists[], size_t count, size_t *length);

#endif
