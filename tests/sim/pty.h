/* SPDX-License-Identifier: Apache-2.0 */
/* A pseudo terminal behind a symbolic link: the port that a simulator offers. Used by line. */
#ifndef TESTS_SIM_PTY_H
#define TESTS_SIM_PTY_H

#include <stdbool.h>

struct sim_pty {
    int master;    /* non-blocking; -1: none */
    int slave;     /* kept open, so that a peer that closes its end does not make master hang up */
    char name[64]; /* "/dev/pts/7" */
};

/* Opens a pair in raw mode. False with errno set on error. */
bool sim_pty_open(struct sim_pty *pty);

/* The speed that the port is set to, in baud; 0 for one that no driver of ours sets. */
unsigned sim_pty_baud(const struct sim_pty *pty);

/* Closes both ends: whoever has the port open sees it hung up. */
void sim_pty_close(struct sim_pty *pty);

/*
 * Makes link point to the pair, in one step. A symbolic link that is there is replaced; anything
 * else is left alone (EEXIST). False with errno set on error.
 */
bool sim_pty_link(const struct sim_pty *pty, const char *link);

/* Removes link if it points to this pair. */
void sim_pty_unlink(const struct sim_pty *pty, const char *link);

#endif
