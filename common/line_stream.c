/* SPDX-License-Identifier: Apache-2.0 */
#include "common/line_stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct line_stream {
    int fd;
    const struct line_stream_ops *ops;
    void *arg;
    struct event *read_event;  /* level-triggered; off while lines wait for the next turn */
    struct event *write_event; /* pending while output waits for the peer */
    struct event *turn;        /* lines wait, or closed() is due */
    struct evbuffer *out;
    const char *broken; /* why, or NULL */
    bool busy;          /* handling lines: output is sent afterwards, in one piece */
    bool ended;         /* the peer sends no more */
    bool discarding;    /* inside a line that is too long */
    size_t start;       /* of the first line that is not handled yet */
    size_t scanned;     /* no line end between start and here */
    size_t end;
    char in[LINE_STREAM_LINE_MAX + 2]; /* one more tells a too long line, one more for the NUL */
};

enum { IN_CAPACITY = LINE_STREAM_LINE_MAX + 1 };

static void soon(struct line_stream *stream)
{
    static const struct timeval at_once = {0, 0};

    event_add(stream->turn, &at_once);
}

void line_stream_break(struct line_stream *stream, const char *why)
{
    if (stream->broken != NULL)
        return;
    stream->broken = why;
    event_del(stream->read_event);
    event_del(stream->write_event);
    soon(stream);
}

/* Sends what the kernel takes; the rest follows when it takes more. */
static void flush(struct line_stream *stream)
{
    if (stream->broken != NULL || evbuffer_get_length(stream->out) == 0)
        return;
    if (evbuffer_write(stream->out, stream->fd) < 0 && errno != EAGAIN && errno != EINTR) {
        line_stream_break(stream, "it does not read any more");
        return;
    }
    if (evbuffer_get_length(stream->out) > 0)
        event_add(stream->write_event, NULL);
}

static void send_bytes(struct line_stream *stream)
{
    bool waiting = event_pending(stream->write_event, EV_WRITE, NULL) != 0;
    bool full = evbuffer_get_length(stream->out) > LINE_STREAM_UNSENT_MAX;

    if (full || (!waiting && !stream->busy))
        flush(stream);
    if (evbuffer_get_length(stream->out) > LINE_STREAM_UNSENT_MAX)
        line_stream_break(stream, "it does not read its answers");
}

bool line_stream_send(struct line_stream *stream, const char *line, size_t length)
{
    if (stream->broken != NULL)
        return false;
    evbuffer_add(stream->out, line, length);
    evbuffer_add(stream->out, "\n", 1);
    send_bytes(stream);
    return stream->broken == NULL;
}

void line_stream_send_space(struct line_stream *stream)
{
    if (stream->broken != NULL || evbuffer_get_length(stream->out) > 0)
        return;
    evbuffer_add(stream->out, " ", 1);
    send_bytes(stream);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct line_stream *stream = arg;

    (void)fd;
    (void)what;
    flush(stream);
    if (stream->broken == NULL && evbuffer_get_length(stream->out) == 0)
        stream->ops->drained(stream->arg);
}

static size_t unhandled(const struct line_stream *stream)
{
    return stream->end - stream->start;
}

/* The end of the first line, or NULL. What the peer sent last may lack its line end. */
static char *find_line_end(struct line_stream *stream)
{
    char *found = memchr(stream->in + stream->scanned, '\n', stream->end - stream->scanned);

    if (found != NULL)
        return found;
    stream->scanned = stream->end;
    if (stream->ended && unhandled(stream) > 0 && unhandled(stream) <= LINE_STREAM_LINE_MAX)
        return stream->in + stream->end;
    return NULL;
}

static void handle_line(struct line_stream *stream, char *line_end)
{
    const char *line = stream->in + stream->start;
    size_t after = (size_t)(line_end - stream->in) + 1;
    bool skip = stream->discarding;

    *line_end = '\0';
    stream->start = after < stream->end ? after : stream->end;
    stream->scanned = stream->start;
    stream->discarding = false;
    if (!skip)
        stream->ops->line(stream->arg, line, (size_t)(line_end - line));
}

static void discard(struct line_stream *stream)
{
    stream->start = stream->scanned = stream->end;
    if (stream->discarding)
        return;
    stream->discarding = true;
    stream->ops->too_long(stream->arg);
}

static void make_room(struct line_stream *stream)
{
    if (stream->start == 0)
        return;
    memmove(stream->in, stream->in + stream->start, unhandled(stream));
    stream->end -= stream->start;
    stream->scanned -= stream->start;
    stream->start = 0;
}

/* Handles whole lines. True: all of them; false: some are left for the next turn. */
static bool handle_lines(struct line_stream *stream)
{
    int count = 0;
    char *line_end;

    stream->busy = true;
    while (stream->broken == NULL && (line_end = find_line_end(stream)) != NULL &&
           count++ < LINE_STREAM_LINES_PER_WAKEUP)
        handle_line(stream, line_end);
    if (stream->broken == NULL && unhandled(stream) > LINE_STREAM_LINE_MAX &&
        stream->scanned == stream->end)
        discard(stream);
    stream->busy = false;
    if (event_pending(stream->write_event, EV_WRITE, NULL) == 0)
        flush(stream);
    return count <= LINE_STREAM_LINES_PER_WAKEUP;
}

/* May free the stream. */
static void process(struct line_stream *stream)
{
    bool all = handle_lines(stream);

    if (stream->broken != NULL)
        return;
    make_room(stream);
    if (!all) {
        event_del(stream->read_event);
        soon(stream);
    } else if (stream->ended) {
        stream->ops->ended(stream->arg);
    } else {
        event_add(stream->read_event, NULL);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct line_stream *stream = arg;
    ssize_t count = read(fd, stream->in + stream->end, IN_CAPACITY - stream->end);

    (void)what;
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR)
            line_stream_break(stream, "the connection was lost");
        return;
    }
    if (count == 0) {
        event_del(stream->read_event);
        if (line_stream_peer_gone(stream)) {
            line_stream_break(stream, "it has closed the connection");
            return;
        }
        stream->ended = true;
    }
    stream->end += (size_t)count;
    process(stream);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct line_stream *stream = arg;

    (void)fd;
    (void)what;
    if (stream->broken != NULL)
        stream->ops->closed(stream->arg, stream->broken);
    else
        process(stream);
}

struct line_stream *line_stream_new(struct event_base *base, int fd,
                                    const struct line_stream_ops *ops, void *arg)
{
    struct line_stream *stream = malloc(sizeof *stream);

    if (stream == NULL) {
        close(fd);
        return NULL;
    }
    /* The buffer is left untouched, so that an idle connection costs no memory for it. */
    memset(stream, 0, offsetof(struct line_stream, in));
    stream->fd = fd;
    stream->ops = ops;
    stream->arg = arg;
    stream->out = evbuffer_new();
    stream->read_event = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, stream);
    stream->write_event = event_new(base, fd, EV_WRITE, on_writable, stream);
    stream->turn = evtimer_new(base, on_turn, stream);
    if (stream->out == NULL || stream->read_event == NULL || stream->write_event == NULL ||
        stream->turn == NULL || event_add(stream->read_event, NULL) != 0) {
        line_stream_free(stream);
        return NULL;
    }
    return stream;
}

void line_stream_free(struct line_stream *stream)
{
    struct event *events[3];

    if (stream == NULL)
        return;
    if (stream->broken == NULL && stream->out != NULL && evbuffer_get_length(stream->out) > 0)
        evbuffer_write(stream->out, stream->fd);
    events[0] = stream->read_event;
    events[1] = stream->write_event;
    events[2] = stream->turn;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    if (stream->out != NULL)
        evbuffer_free(stream->out);
    close(stream->fd);
    free(stream);
}

size_t line_stream_unsent(const struct line_stream *stream)
{
    return evbuffer_get_length(stream->out);
}

bool line_stream_peer_gone(const struct line_stream *stream)
{
    struct pollfd state = {.fd = stream->fd};

    return stream->broken != NULL ||
           (poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0);
}
