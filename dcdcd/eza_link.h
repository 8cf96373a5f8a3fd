/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange at a time with the converter: request out, bytes in, answer or reason. Knows the
 * gap between exchanges, the deadline of an answer, and which answers may still come late. Pure:
 * owns no descriptor and no clock; port.c moves the bytes.
 */
#ifndef DCDCD_EZA_LINK_H
#define DCDCD_EZA_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dcdcd/eza_frame.h"

/* EZA_LINK_UNANSWERED: as many as can be sent in vain while an answer to the first may come. */
enum { EZA_LINK_BUFFER = 512, EZA_LINK_UNANSWERED = 192 };

struct eza_link_settings {
    struct eza_address address;
    int64_t byte_ns;          /* time of one byte on the wire */
    int64_t reply_timeout_us; /* for the answer, beside the time that the bytes take */
    int64_t gap_us;           /* silence between the end of an answer and the next request */
};

/* How an exchange ended. The two budgets of retries follow from it (specification 5.2.1.2, run). */
enum eza_result {
    EZA_PENDING,   /* not yet */
    EZA_OK,        /* values are valid */
    EZA_TIMEOUT,   /* no answer; retried from the budget of timeouts */
    EZA_RETRYABLE, /* bad checksum, bad value, wrong answer, ERCD fffd, fffc, a refusal of this
                      request or of an earlier one; the other budget */
    EZA_REFUSED,   /* any other ERCD: final */
    EZA_LOST       /* the port went away */
};

struct eza_outcome {
    enum eza_result result;
    struct eza_values values; /* EZA_OK: the answer's */
    struct failure failure;   /* otherwise: what to tell the client */
    uint16_t ercd;            /* of a refusal of this very request, else 0 */
};

struct eza_link_counters {
    uint64_t requests, answers, timeouts, naks, bad_values, checksum_errors, echoes, foreign,
        unexpected, late, noise_bytes;
};

/* A request that has had no answer: the converter may still send one. Oldest first in a list. */
struct eza_unanswered {
    const struct eza_command *command;
    struct eza_values asked;
    int64_t until_us; /* then no more: 2 s after its deadline */
};

struct eza_link {
    struct eza_link_settings settings;
    struct eza_link_counters counters;

    bool busy;                         /* an exchange is under way */
    const struct eza_command *command; /* of it, or of the last one; NULL before the first */
    struct eza_values asked;           /* what it writes */
    uint8_t request[EZA_FRAME_MAX];
    size_t request_size;
    int64_t deadline_us;
    struct eza_values held; /* an answer to a write that differs from what was asked */
    bool has_held;
    uint16_t doubtful_ercd; /* of a refusal that an earlier request may have caused */
    bool has_doubtful_ercd;

    uint8_t received[EZA_LINK_BUFFER];
    size_t received_count;

    int64_t ready_us; /* when the gap is over */
    struct eza_unanswered unanswered[EZA_LINK_UNANSWERED];
    size_t unanswered_count;
};

void eza_link_init(struct eza_link *link, const struct eza_link_settings *settings);

/* New settings, from the next exchange on. */
void eza_link_configure(struct eza_link *link, const struct eza_link_settings *settings);

/* The earliest time for the next request. */
int64_t eza_link_ready_us(const struct eza_link *link);

/*
 * The read to do before a first read of command, or NULL. The converter answers in order, so an
 * answer to another command proves that no older answer to this one can follow. Writes need none,
 * and a stop must not wait for it: a late answer is told from theirs by its values, and dropped if
 * those do not tell.
 */
const struct eza_command *eza_link_flush_command(struct eza_link *link,
                                                 const struct eza_command *command, int64_t now_us);

/*
 * Begins an exchange; none may be under way. values: what a write asks for, NULL for a read.
 * Returns the request's size; the bytes to write are link->request.
 */
size_t eza_link_start(struct eza_link *link, const struct eza_command *command,
                      const struct eza_values *values, int64_t now_us);

/* Bytes came in. Returns true when the exchange has ended and fills *outcome. */
bool eza_link_receive(struct eza_link *link, const uint8_t *bytes, size_t count, int64_t now_us,
                      struct eza_outcome *outcome);

/* What bytes that came in between two exchanges were: "late", "echo", "stray" … */
const char *eza_link_stray(const struct eza_link *link, const uint8_t *bytes, size_t count);

/* When eza_link_expire must be called, or INT64_MAX. */
int64_t eza_link_deadline_us(const struct eza_link *link);

/* Ends the exchange if its deadline has come; as eza_link_receive. */
bool eza_link_expire(struct eza_link *link, int64_t now_us, struct eza_outcome *outcome);

/* The port is gone: nothing is under way, nothing can come late. */
void eza_link_reset(struct eza_link *link);

#endif
