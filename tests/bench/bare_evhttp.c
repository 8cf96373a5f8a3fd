/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick of the benchmark: an evhttp server that answers every request with the same JSON
 * text of a given size. Prints its port, runs until it is killed.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>

static char body[4096];

static void answer(struct evhttp_request *request, void *arg)
{
    (void)arg;
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/json");
    evbuffer_add(evhttp_request_get_output_buffer(request), body, strlen(body));
    evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

int main(int argc, char **argv)
{
    size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    struct evhttp_bound_socket *bound;

    memset(body, 'x', size < sizeof body ? size : sizeof body - 1);
    evhttp_set_gencb(http, answer, NULL);
    bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    if (bound == NULL ||
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length) != 0)
        return EXIT_FAILURE;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    event_base_dispatch(base);
    return EXIT_SUCCESS;
}
