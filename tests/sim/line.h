/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A serial line as a device sees it, on a pseudo terminal: bytes take their time in both
 * directions, the port can be hung up and come back, and what went over it is recorded.
 * Used by simulator, which puts a device's protocol on top.
 */
#ifndef TESTS_SIM_LINE_H
#define TESTS_SIM_LINE_H

#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_SEND_MAX = 1024, SIM_SENDS_MAX = 64 };

struct sim_line;

/*
 * A byte from the peer, told when it arrives in the pseudo terminal. start_us and end_us are when
 * it begins and ends on the line (clock_us; end_us lies ahead). after_silence: no byte was under
 * way for so long that a new frame begins.
 */
typedef void sim_line_byte(void *arg, uint8_t byte, bool after_silence, int64_t start_us,
                           int64_t end_us);

struct sim_line_config {
    const char *link; /* borrowed; where the port appears */
    const char *pin;  /* borrowed; where the peer's direction pin is reported (pin.h), or NULL */
    unsigned baud;    /* 10 bits a byte; 0: bytes take no time */
    bool debug;       /* frames are printed on stderr */
    sim_line_byte *byte;
    void *arg;
};

/* Bytes to send: the first begins at start_us or, if later, when what is being sent has ended. */
struct sim_send {
    const uint8_t *bytes; /* copied */
    size_t size;          /* at most SIM_SEND_MAX */
    int64_t start_us;
    int64_t gap_us; /* silence between the bytes */
    bool echo;      /* of the adapter: comes whatever the peer's pin is */
    bool hangup;    /* hang up after the last byte */
};

/* Makes the port. NULL after saying why on stderr. */
struct sim_line *sim_line_new(struct event_base *base, const struct sim_line_config *config);

/* Removes the port and its link. NULL: no-op. */
void sim_line_free(struct sim_line *line);

/* Plans a transmission. What does not fit in the plan (SIM_SENDS_MAX) is lost. */
void sim_line_send(struct sim_line *line, const struct sim_send *send);

/* The byte told last completed a frame: the next one is recorded apart. */
void sim_line_frame_complete(struct sim_line *line);

/* Unplugs the port: link gone, peer hung up, what was to be sent lost. No-op when unplugged. */
void sim_line_hangup(struct sim_line *line);

/* Plugs the port in again as another pseudo terminal behind the same link. False on error. */
bool sim_line_back(struct sim_line *line);

bool sim_line_present(const struct sim_line *line);
void sim_line_set_baud(struct sim_line *line, unsigned baud);
unsigned sim_line_baud(const struct sim_line *line);

/*
 * Whether the peer must have set its port to the line's speed: if not, bytes at another speed
 * arrive as what a UART makes of them, both ways. Off at first.
 */
void sim_line_check_speed(struct sim_line *line, bool check);

/* The time that so many bytes take on the line. */
int64_t sim_line_bytes_us(const struct sim_line *line, size_t count);

/* What the peer's pin did since the last call (pin.h); NULL without one. */
struct json_object *sim_line_take_pin_records(struct sim_line *line);

/* The frames recorded since the last call (recorder.h). */
struct json_object *sim_line_take_records(struct sim_line *line);

#endif
