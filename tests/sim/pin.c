/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/pin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"

enum { TIMES_MAX = 16, EVENTS_MAX = 8192 };

/* A time during which the pin was high. */
struct high {
    int64_t rise_us, fall_us; /* INT64_MAX: it is high */
    int64_t bytes;            /* heard in it */
};

struct pin_event {
    int64_t time_us;
    char what[8];
};

struct sim_pin {
    int fd;
    struct sockaddr_un address;
    struct event *readable;
    sim_pin_cut *cut;
    void *arg;
    int64_t byte_ns;

    struct high highs[TIMES_MAX]; /* oldest first */
    size_t high_count;
    int64_t unheard, cuts, lost;
    struct pin_event events[EVENTS_MAX]; /* the first since they were taken */
    size_t event_count;
};

static bool is_high(const struct sim_pin *pin)
{
    return pin->high_count > 0 && pin->highs[pin->high_count - 1].fall_us == INT64_MAX;
}

static void rise(struct sim_pin *pin, int64_t time_us)
{
    if (pin->high_count == TIMES_MAX) {
        memmove(pin->highs, pin->highs + 1, sizeof pin->highs - sizeof pin->highs[0]);
        pin->high_count--;
    }
    pin->highs[pin->high_count++] = (struct high){.rise_us = time_us, .fall_us = INT64_MAX};
}

/* How many bytes have had their time while the pin was high. */
static int64_t room(const struct sim_pin *pin, const struct high *high)
{
    if (high->fall_us == INT64_MAX || pin->byte_ns == 0)
        return INT64_MAX;
    return (high->fall_us - high->rise_us) * 1000 / pin->byte_ns;
}

static void fall(struct sim_pin *pin, int64_t time_us)
{
    struct high *last;

    if (!is_high(pin))
        return;
    last = &pin->highs[pin->high_count - 1];
    last->fall_us = time_us;
    if (last->bytes <= room(pin, last))
        return;
    pin->cuts++;
    pin->cut(pin->arg);
}

static void take_report(struct sim_pin *pin, const char *text)
{
    struct pin_event event = {.time_us = 0};

    if (sscanf(text, "%7s %" SCNd64, event.what, &event.time_us) != 2)
        return;
    if (pin->event_count < EVENTS_MAX)
        pin->events[pin->event_count++] = event;
    if (strcmp(event.what, "high") != 0)
        fall(pin, event.time_us);
    else if (!is_high(pin))
        rise(pin, event.time_us);
}

void sim_pin_update(struct sim_pin *pin, int64_t byte_ns)
{
    char text[64];
    ssize_t size;

    if (pin == NULL)
        return;
    pin->byte_ns = byte_ns;
    while ((size = recv(pin->fd, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
        text[size] = '\0';
        take_report(pin, text);
    }
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
    struct sim_pin *pin = arg;

    (void)fd, (void)events;
    sim_pin_update(pin, pin->byte_ns);
}

bool sim_pin_hears(struct sim_pin *pin, int64_t there_us)
{
    if (pin == NULL)
        return true;
    for (size_t i = 0; i < pin->high_count; i++) {
        struct high *high = &pin->highs[i];

        if (high->rise_us > there_us || high->bytes >= room(pin, high))
            continue;
        high->bytes++;
        /* Bytes come in order: none is for an earlier time any more. */
        for (size_t j = 0; j < i; j++)
            pin->highs[j].bytes = INT64_MAX;
        return true;
    }
    pin->unheard++;
    return false;
}

bool sim_pin_covers(struct sim_pin *pin, int64_t start_us, int64_t end_us)
{
    for (size_t i = 0; pin != NULL && i < pin->high_count; i++)
        if (pin->highs[i].rise_us < end_us && pin->highs[i].fall_us > start_us) {
            pin->lost++;
            return true;
        }
    return false;
}

struct json_object *sim_pin_take_records(struct sim_pin *pin)
{
    struct json_object *records = json_object_new_object();
    struct json_object *events = json_object_new_array();
    char text[32];

    sim_pin_update(pin, pin->byte_ns);
    for (size_t i = 0; i < pin->event_count; i++) {
        const struct pin_event *event = &pin->events[i];
        struct json_object *object = json_object_new_object();

        snprintf(text, sizeof text, "%" PRId64 ".%06" PRId64, event->time_us / US_PER_S,
                 event->time_us % US_PER_S);
        json_object_object_add(object, "t",
                               json_object_new_double_s((double)event->time_us / US_PER_S, text));
        json_object_object_add(object, "what", json_object_new_string(event->what));
        json_object_array_add(events, object);
    }
    pin->event_count = 0;
    json_object_object_add(records, "events", events);
    json_object_object_add(records, "unheard", json_object_new_int64(pin->unheard));
    json_object_object_add(records, "cut", json_object_new_int64(pin->cuts));
    json_object_object_add(records, "lost", json_object_new_int64(pin->lost));
    return records;
}

static bool bind_socket(struct sim_pin *pin, const char *path)
{
    if (strlen(path) >= sizeof pin->address.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    pin->address.sun_family = AF_UNIX;
    memcpy(pin->address.sun_path, path, strlen(path) + 1);
    pin->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(path);
    return pin->fd >= 0 && bind(pin->fd, (const struct sockaddr *)(const void *)&pin->address,
                                sizeof pin->address) == 0;
}

struct sim_pin *sim_pin_new(struct event_base *base, const char *path, sim_pin_cut *cut, void *arg)
{
    struct sim_pin *pin = calloc(1, sizeof *pin);

    if (pin == NULL)
        return NULL;
    pin->fd = -1;
    pin->cut = cut;
    pin->arg = arg;
    if (!bind_socket(pin, path)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        sim_pin_free(pin);
        return NULL;
    }
    pin->readable = event_new(base, pin->fd, EV_READ | EV_PERSIST, on_readable, pin);
    if (pin->readable == NULL || event_add(pin->readable, NULL) != 0) {
        sim_pin_free(pin);
        return NULL;
    }
    return pin;
}

void sim_pin_free(struct sim_pin *pin)
{
    if (pin == NULL)
        return;
    if (pin->readable != NULL)
        event_free(pin->readable);
    if (pin->fd >= 0) {
        unlink(pin->address.sun_path);
        close(pin->fd);
    }
    free(pin);
}
