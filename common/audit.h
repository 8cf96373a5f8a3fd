/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit's lines: who asked for what, and how it ended. What the same party repeats without
 * success is summed up (audit_limit.h), so that nobody can fill the log. Used on the event loop by
 * rpc_audit.c and gatewayd/audit.c; daemon.c asks for the sums.
 */
#ifndef COMMON_AUDIT_H
#define COMMON_AUDIT_H

#include <stdint.h>

/* Lines that are never held back. */
enum { AUDIT_ALWAYS = 0 };

struct audit_line {
    const char *text;    /* all of it */
    const char *party;   /* who asked: an address, a user */
    const char *outcome; /* how it ended */
    int kind;            /* of outcome; any numbers */
    unsigned most;       /* so many of this party and kind are written in ten minutes */
};

/* Writes the line now, or counts it. All is borrowed. */
void audit_write(const struct audit_line *line);

/* Writes the sums that are due; now_us (clock_us) INT64_MAX: all. */
void audit_sum_up(int64_t now_us);

#endif
