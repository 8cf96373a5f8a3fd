/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulator's control socket: a Unix socket that takes lines of words and answers each with one
 * line of JSON, so that a person with socat and a test can both use it. Used by simulator.
 */
#ifndef TESTS_SIM_CONTROL_H
#define TESTS_SIM_CONTROL_H

#include <event2/event.h>
#include <json-c/json.h>

enum { SIM_LINE_MAX = 4096, SIM_WORDS_MAX = 16, SIM_CLIENTS_MAX = 32 };

struct sim_control;

/* Carries out one line (at least one word); returns the answer, which control puts. */
typedef struct json_object *sim_control_run(void *arg, int count, char **words);

/*
 * Binds path; a stale socket file is replaced, a live one is left alone. NULL after saying why on
 * stderr.
 */
struct sim_control *sim_control_new(struct event_base *base, const char *path, sim_control_run *run,
                                    void *arg);

/* Closes all and removes the socket file. NULL: no-op. */
void sim_control_free(struct sim_control *control);

/* {"ok":true}, to which more may be added */
struct json_object *sim_control_ok(void);

/* {"ok":false,"error":"…"} */
struct json_object *sim_control_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
