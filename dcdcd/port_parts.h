/* SPDX-License-Identifier: Apache-2.0 */
/* The port's structure and what its files need of each other; nobody else includes this. */
#ifndef DCDCD_PORT_PARTS_H
#define DCDCD_PORT_PARTS_H

#include "common/backoff.h"
#include "common/trace_file.h"
#include "common/direction.h"
#include "dcdcd/answers.h"
#include "dcdcd/line_recorder.h"
#include "dcdcd/port.h"
#include "dcdcd/stop_memory.h"

struct port {
    struct event_base *base;
    const struct config *config;
    struct config_port settings; /* as at start: a new configuration does not move the port */
    struct eza_link link;
    struct scheduler scheduler;

    int fd;                      /* -1 while closed */
    struct direction *direction; /* NULL while closed */
    struct event *readable;
    struct event *timer;
    int64_t due_us; /* when there is something to do; INT64_MAX: never */
    struct backoff backoff;
    int64_t closed_us; /* since when it does not work */
    int64_t reopen_us; /* when to try again */
    int64_t opened_us;
    uint64_t opens;
    char error[FAILURE_TEXT_SIZE]; /* why it was lost or cannot be opened, until it works again */

    unsigned silences; /* exchanges without an answer since the last answer */
    bool answering;    /* there were no more of them than one command may be retried */
    int64_t silent_us; /* since when that is not so */
    int64_t answer_us;
    char last_failure[FAILURE_TEXT_SIZE];
    struct answers answers;

    struct line_recorder recorder;
    struct trace_file trace_file;
    struct stop_memory stop_memory;
};

/* port.c */
/* What came in since the last exchange becomes a frame. */
void port_record_strays(struct port *port, int64_t now_us);
/* libevent's, for the open port. */
void port_on_readable(evutil_socket_t fd, short events, void *arg);

/* port_open.c */
/* The port is closed and has not been tried yet. */
void port_open_init(struct port *port);
/* Opens the port; if that fails it is to be tried again at reopen_us. */
void port_try_open(struct port *port);
/*
 * Writing has not failed. A port that was lost is back with an answer, or when it has been open for
 * a while: not before, because one that can be opened may fail at once again.
 */
void port_exchange_ended(struct port *port, bool answered, int64_t now_us);
/* Closes the port, that is to be tried again at reopen_us. what failed with error; 0: no errno. */
void port_lose(struct port *port, const char *what, int error);

#endif
