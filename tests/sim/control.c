/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { OUTPUT_MAX = 16 * 1024 * 1024, BACKLOG = 16 };

struct client {
    struct sim_control *control;
    struct client *next;
    struct bufferevent *bev;
};

struct sim_control {
    struct event_base *base;
    struct evconnlistener *listener;
    struct sockaddr_un address;
    sim_control_run *run;
    void *arg;
    struct client *clients;
    int client_count;
};

struct json_object *sim_control_ok(void)
{
    struct json_object *answer = json_object_new_object();

    json_object_object_add(answer, "ok", json_object_new_boolean(1));
    return answer;
}

struct json_object *sim_control_error(const char *format, ...)
{
    struct json_object *answer = json_object_new_object();
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_object_object_add(answer, "ok", json_object_new_boolean(0));
    json_object_object_add(answer, "error", json_object_new_string(text));
    return answer;
}

static void drop_client(struct client *client)
{
    struct client **place = &client->control->clients;

    while (*place != client)
        place = &(*place)->next;
    *place = client->next;
    client->control->client_count--;
    bufferevent_free(client->bev);
    free(client);
}

/* Splits text at blanks; returns the number of words, or -1 if there are too many. */
static int split(char *text, char *words[static SIM_WORDS_MAX])
{
    int count = 0;
    char *rest = NULL;

    for (char *word = strtok_r(text, " \t\r", &rest); word != NULL;
         word = strtok_r(NULL, " \t\r", &rest)) {
        if (count == SIM_WORDS_MAX)
            return -1;
        words[count++] = word;
    }
    return count;
}

static struct json_object *answer_line(struct sim_control *control, char *text)
{
    char *words[SIM_WORDS_MAX];
    int count = split(text, words);

    if (count < 0)
        return sim_control_error("more than %d words", SIM_WORDS_MAX);
    if (count == 0)
        return sim_control_error("an empty line; try: help");
    return control->run(control->arg, count, words);
}

static void on_lines(struct bufferevent *bev, void *arg)
{
    struct client *client = arg;
    struct evbuffer *input = bufferevent_get_input(bev);
    struct evbuffer *output = bufferevent_get_output(bev);
    char *text;

    while ((text = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF)) != NULL) {
        struct json_object *answer = answer_line(client->control, text);

        evbuffer_add_printf(output, "%s\n",
                            json_object_to_json_string_ext(
                                answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(answer);
        free(text);
    }
    if (evbuffer_get_length(input) > SIM_LINE_MAX || evbuffer_get_length(output) > OUTPUT_MAX)
        drop_client(client);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    (void)bev;
    drop_client(arg);
}

/* `echo state | socat - UNIX:…` closes its sending side at once: it still gets its answer. */
static void on_end(struct bufferevent *bev, short events, void *arg)
{
    if ((events & BEV_EVENT_EOF) && evbuffer_get_length(bufferevent_get_output(bev)) > 0) {
        bufferevent_disable(bev, EV_READ);
        bufferevent_setcb(bev, NULL, on_written, on_end, arg);
        return;
    }
    drop_client(arg);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int length, void *arg)
{
    struct sim_control *control = arg;
    struct client *client = calloc(1, sizeof *client);

    (void)listener;
    (void)peer;
    (void)length;
    if (client == NULL || control->client_count == SIM_CLIENTS_MAX)
        goto refuse;
    client->bev = bufferevent_socket_new(control->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (client->bev == NULL)
        goto refuse;
    client->control = control;
    client->next = control->clients;
    control->clients = client;
    control->client_count++;
    bufferevent_setcb(client->bev, on_lines, NULL, on_end, client);
    bufferevent_enable(client->bev, EV_READ);
    return;
refuse:
    free(client);
    close(fd);
}

/* Removes a socket file that nobody listens on; false if somebody does. */
static bool remove_stale(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool live;

    if (fd < 0)
        return false;
    live = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    if (!live && errno == ECONNREFUSED)
        unlink(address->sun_path);
    close(fd);
    if (live)
        errno = EADDRINUSE;
    return !live;
}

struct sim_control *sim_control_new(struct event_base *base, const char *path, sim_control_run *run,
                                    void *arg)
{
    struct sim_control *control = calloc(1, sizeof *control);

    if (control == NULL)
        return NULL;
    control->base = base;
    control->run = run;
    control->arg = arg;
    control->address.sun_family = AF_UNIX;
    errno = ENAMETOOLONG;
    if (snprintf(control->address.sun_path, sizeof control->address.sun_path, "%s", path) <
            (int)sizeof control->address.sun_path &&
        remove_stale(&control->address))
        control->listener = evconnlistener_new_bind(
            base, on_accept, control, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG,
            (const struct sockaddr *)&control->address, sizeof control->address);
    if (control->listener == NULL) {
        fprintf(stderr, "%s: cannot make the control socket: %s\n", path, strerror(errno));
        free(control);
        return NULL;
    }
    return control;
}

void sim_control_free(struct sim_control *control)
{
    if (control == NULL)
        return;
    while (control->clients != NULL) {
        struct client *client = control->clients;

        control->clients = client->next;
        bufferevent_free(client->bev);
        free(client);
    }
    evconnlistener_free(control->listener);
    unlink(control->address.sun_path);
    free(control);
}
