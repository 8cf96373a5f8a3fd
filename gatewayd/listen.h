/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the TCP sockets that gatewayd listens on. Used by http.c only. */
#ifndef GATEWAYD_LISTEN_H
#define GATEWAYD_LISTEN_H

#include <stddef.h>

enum { LISTEN_MAX = 4 };

/*
 * Opens listening sockets (non-blocking, close-on-exec, TCP_NODELAY for what they accept) for
 * host and port; all have the same port, also when port is 0 and the kernel chooses. "localhost"
 * is 127.0.0.1 and, where there is IPv6, ::1. Returns how many, with the port in *port_used; or 0
 * after logging why, with the exit status in *exit_status (75: in use, else 1).
 */
size_t listen_open(const char *host, int port, int fds[static LISTEN_MAX], int *port_used,
                   int *exit_status);

#endif
