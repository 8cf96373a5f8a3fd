/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong with an answer on its way to the peer: a table of faults that apply to the
 * bytes of any answer, extended by each protocol's own table, and the list of those in force.
 * Pure. Used by simulator; the protocols' tables are in eza2500_faults and battery_faults.
 */
#ifndef TESTS_SIM_FAULTS_H
#define TESTS_SIM_FAULTS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIM_FRAME_MAX = 320, /* longest request or answer without noise */
    SIM_NOISE_MAX = 128, /* most bytes that one fault adds */
    SIM_ANSWER_MAX = 1024,
    SIM_FAULTS_MAX = 16,
    SIM_ERROR_SIZE = 160
};

/* The request that is being answered. */
struct sim_exchange {
    const char *name; /* "4-4"; "" where the protocol has no names */
    unsigned cmd;     /* its command byte */
    const uint8_t *request;
    size_t request_size;
};

/* What will be sent, and how. */
struct sim_plan {
    uint8_t echo[SIM_FRAME_MAX]; /* sent while the request is still under way */
    size_t echo_size;
    uint8_t answer[SIM_ANSWER_MAX];
    size_t size;
    unsigned copies; /* how many times the answer is sent */
    int64_t late_us; /* on top of the turnaround */
    int64_t gap_us;  /* silence between the bytes */
    bool hangup;     /* after the last byte */
    uint32_t *noise; /* state of the noise generator */
};

enum sim_argument_kind {
    SIM_NOTHING,
    SIM_NUMBER,  /* decimal */
    SIM_HEX,     /* fffe or 0xfffe */
    SIM_SECONDS, /* 0.15 */
    SIM_NOISE,   /* a number of bytes, or the bytes themselves as 0x0210ff */
    SIM_BYTES    /* hexadecimal: 0210ff */
};

struct sim_argument {
    bool given;
    long number;                  /* SIM_NUMBER, SIM_HEX; the number of bytes of SIM_NOISE */
    int64_t us;                   /* SIM_SECONDS */
    size_t size;                  /* of bytes */
    uint8_t bytes[SIM_NOISE_MAX]; /* SIM_BYTES, and SIM_NOISE when given as bytes */
};

struct sim_fault_type {
    const char *name;
    const char *usage; /* of the argument: "N", "[ERCD]" */
    const char *help;
    enum sim_argument_kind kind;
    bool required; /* the argument must be given */
    bool deaf;     /* the request is not even heard; apply is not used */
    bool refuses;  /* the request is answered with a refusal and not carried out */
    long min, max; /* SIM_NUMBER, SIM_HEX and the number of bytes of SIM_NOISE */
    /* Changes the plan; false if the fault does not fit this answer (it is not counted then). */
    bool (*apply)(struct sim_plan *plan, const struct sim_exchange *exchange,
                  const struct sim_argument *argument);
};

/* A protocol's own faults: they change what the answer says, so its checksum is made anew. */
struct sim_protocol {
    const struct sim_fault_type *faults;
    size_t fault_count;
    void (*seal)(uint8_t *frame, size_t size); /* writes the checksum into the last bytes */
    size_t checksum_size;
};

struct sim_fault; /* one in force */

struct sim_faults {
    const struct sim_protocol *protocol;
    struct sim_fault *active[SIM_FAULTS_MAX];
    size_t count;
    uint32_t noise;
};

/* Release with sim_faults_clear. */
void sim_faults_init(struct sim_faults *faults, const struct sim_protocol *protocol);

/*
 * Puts a fault in force from its words: NAME [ARGUMENT] [for NAME | for cmd XX] [count N].
 * False with the reason in error.
 */
bool sim_faults_add(struct sim_faults *faults, int count, char **words,
                    char error[static SIM_ERROR_SIZE]);

/* Ends all faults, or those called name. */
void sim_faults_clear(struct sim_faults *faults, const char *name);

/* True if the request is to be treated as never heard. Counts. */
bool sim_faults_deaf(struct sim_faults *faults, const struct sim_exchange *exchange);

/* True if the request will be answered with a refusal, so that it is not to be carried out. */
bool sim_faults_refuse(const struct sim_faults *faults, const struct sim_exchange *exchange);

/* Turns an answer into what is really sent. Counts. size: at most SIM_FRAME_MAX. */
void sim_faults_apply(struct sim_faults *faults, const struct sim_exchange *exchange,
                      const uint8_t *answer, size_t size, struct sim_plan *plan);

/* The faults in force: [{"fault":"nak fffc for 4-4","left":2,"applied":1}]; left null: no end. */
struct json_object *sim_faults_list(const struct sim_faults *faults);

/* Calls line(arg, usage, help) for each fault that is known. */
void sim_faults_help(const struct sim_faults *faults,
                     void (*line)(void *arg, const char *usage, const char *help), void *arg);

/* The helpers of the protocols' tables. */

/* The argument's number, or fallback when it was not given. */
long sim_argument_or(const struct sim_argument *argument, long fallback);

/* Reads pairs of hexadecimal digits; returns the number of bytes, or -1. */
int sim_parse_hex(const char *text, uint8_t *bytes, size_t size);

#endif
