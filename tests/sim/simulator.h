/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both simulators are made of: a line, a control socket with its commands, the faults, and
 * the loop. A device (eza2500_device, battery_device) is put on top and answers requests.
 */
#ifndef TESTS_SIM_SIMULATOR_H
#define TESTS_SIM_SIMULATOR_H

#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/faults.h"
#include "tests/sim/line.h"

struct simulator;

/* A row of `set KEY VALUE`: either a number in the device's structure or a function. */
struct sim_setting {
    const char *name;
    const char *usage; /* of the value: "V" */
    const char *help;
    size_t offset; /* of a double in the device, when set is NULL */
    double min, max;
    /* Returns NULL, or why the value does not do. */
    const char *(*set)(void *device, const char *value);
};

struct sim_device {
    const struct sim_protocol *protocol;
    sim_line_byte *byte; /* its arg is the device */
    /* Brings the device's state up to now_us; called before settings and state are used. */
    void (*advance)(void *device, int64_t now_us);
    struct json_object *(*state)(void *device);
    const struct sim_setting *settings;
    size_t setting_count;
};

/* The options that both programs have (options.h). */
struct simulator_options {
    const char *link, *control, *pin;
    long baud;
    double turnaround; /* s */
    bool debug;
};

/* Their rows in a table of options. */
#define SIMULATOR_OPTIONS(options_)                                                                  \
    {"link", "PATH",          "where the port appears, a symbolic link", SIM_OPTION_TEXT, true, 0,   \
     0,      &(options_).link},                                                                      \
        {"control", "PATH", "the control socket", SIM_OPTION_TEXT, true, 0, 0, &(options_).control}, \
        {"pin",                                                                                      \
         "SOCKET",                                                                                   \
         "obeys a direction pin, which the fake libgpiod reports here",                              \
         SIM_OPTION_TEXT,                                                                            \
         false,                                                                                      \
         0,                                                                                          \
         0,                                                                                          \
         &(options_).pin},                                                                           \
        {"baud",                                                                                     \
         "N",                                                                                        \
         "line speed, 10 bits a byte; 0: bytes take no time",                                        \
         SIM_OPTION_WHOLE,                                                                           \
         false,                                                                                      \
         0,                                                                                          \
         4000000,                                                                                    \
         &(options_).baud},                                                                          \
        {"turnaround",                                                                               \
         "S",                                                                                        \
         "from the end of a request to its answer",                                                  \
         SIM_OPTION_REAL,                                                                            \
         false,                                                                                      \
         0,                                                                                          \
         60,                                                                                         \
         &(options_).turnaround},                                                                    \
    {                                                                                                \
        "debug", "", "print all frames on stderr", SIM_OPTION_FLAG, false, 0, 0, &(options_).debug   \
    }

/* An event base whose timers are as precise as the kernel gives them; NULL on error. */
struct event_base *simulator_event_base(void);

/* NULL after saying why on stderr. options and type are borrowed. */
struct simulator *simulator_new(struct event_base *base, const struct simulator_options *options,
                                const struct sim_device *type, void *device);

/* Removes the port and the control socket. NULL: no-op. */
void simulator_free(struct simulator *simulator);

/* Says `ready LINK` on stdout and serves until SIGTERM or SIGINT; returns the exit status. */
int simulator_run(struct simulator *simulator);

/* For devices: true if this request is to be treated as never heard. Ask before carrying it out. */
bool simulator_deaf(struct simulator *simulator, const struct sim_exchange *exchange);

/* For devices: true if the answer will be a refusal by fault, so that nothing is carried out. */
bool simulator_refuses(const struct simulator *simulator, const struct sim_exchange *exchange);

/* For devices: the byte told last completed a request, whether it will be answered or not. */
void simulator_frame_complete(struct simulator *simulator);

/*
 * For devices: answers a request that was on the line from start_us to end_us, after the
 * turnaround and with the faults in force.
 */
void simulator_answer(struct simulator *simulator, const struct sim_exchange *exchange,
                      const uint8_t *answer, size_t size, int64_t start_us, int64_t end_us);

/* For devices: sends bytes as they are, from start_us on or so that they end at end_us if later. */
void simulator_send(struct simulator *simulator, const uint8_t *bytes, size_t size,
                    int64_t start_us, int64_t end_us);

#endif
