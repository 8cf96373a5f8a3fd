/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connected stream socket as lines in and lines out, all of it bounded: length of a line, work
 * per wake-up, output that the peer does not read. Used by rpc_server and rpc_client. SIGPIPE
 * must be ignored by the process.
 */
#ifndef COMMON_LINE_STREAM_H
#define COMMON_LINE_STREAM_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    LINE_STREAM_LINE_MAX = 64 * 1024, /* bytes, without the line end */
    LINE_STREAM_UNSENT_MAX = 1024 * 1024,
    LINE_STREAM_LINES_PER_WAKEUP = 32
};

struct line_stream;

/* All but closed may send and break; ended, drained and closed may free the stream too. */
struct line_stream_ops {
    /* A line without its end, followed by a NUL. */
    void (*line)(void *arg, const char *line, size_t length);
    /* A line is longer than LINE_STREAM_LINE_MAX: its rest will be skipped. */
    void (*too_long)(void *arg);
    /* The peer sends no more but may still read; all of its lines have been handled. */
    void (*ended)(void *arg);
    /* All that could not be sent at once has been sent. */
    void (*drained)(void *arg);
    /* The connection is of no use any more. why: static text. */
    void (*closed)(void *arg, const char *why);
};

/* Takes fd, which must be non-blocking. ops is borrowed. NULL without memory: fd is closed. */
struct line_stream *line_stream_new(struct event_base *base, int fd,
                                    const struct line_stream_ops *ops, void *arg);

/* Closes the connection; what is not sent yet is tried once more. NULL: no-op. */
void line_stream_free(struct line_stream *stream);

/*
 * Sends a line; its end is added. No callback is made before this returns. False: the connection
 * is broken and the peer will not get this line.
 */
bool line_stream_send(struct line_stream *stream, const char *line, size_t length);

/* Sends a space, which means nothing before a JSON value: shows the peer that we are alive. */
void line_stream_send_space(struct line_stream *stream);

/* No more lines are handled; closed(why) follows from the event loop. */
void line_stream_break(struct line_stream *stream, const char *why);

/* Bytes that are not sent yet. */
size_t line_stream_unsent(const struct line_stream *stream);

/* True when nobody can read what is sent: the peer has closed, or died, as of now. */
bool line_stream_peer_gone(const struct line_stream *stream);

#endif
