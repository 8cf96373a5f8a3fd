/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening Unix socket of a daemon: one live owner at a time, told by a lock that ends with
 * the process. Used by rpc_server.
 */
#ifndef COMMON_RPC_SOCKET_H
#define COMMON_RPC_SOCKET_H

struct rpc_socket {
    int fd;      /* listening, non-blocking */
    int lock_fd; /* holds the lock on "<path>.lock" */
};

/*
 * Locks, replaces a stale socket file, binds (mode 0660), listens. Returns 0 with *socket filled,
 * or the exit status (EXIT_LIVE_INSTANCE: somebody lives there; else 1) after logging why.
 */
int rpc_socket_listen(const char *path, struct rpc_socket *listening);

/* Removes the socket file and stops listening; the lock stays. */
void rpc_socket_unlisten(const char *path, struct rpc_socket *listening);

/* Gives the lock back too. */
void rpc_socket_close(const char *path, struct rpc_socket *listening);

/* Connects. Returns the non-blocking descriptor, or -1 with errno set. Never waits. */
int rpc_socket_connect(const char *path);

#endif
