/* SPDX-License-Identifier: Apache-2.0 */
/* Stable names of serial ports: what udev links in /dev/serial/by-path and by-id. */
#ifndef COMMON_SERIAL_ALIAS_H
#define COMMON_SERIAL_ALIAS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The first link below root ("/dev/serial": by-path, then by-id) that leads to the same device as
 * path, unless path is a link itself. Returns true and writes its path, or false.
 */
bool serial_alias_find(const char *root, const char *path, char *alias, size_t size);

/*
 * Logs the stable name of a configured port, if it has one that is not used. Call once, when the
 * port is there: it may have come after the daemon's start.
 */
void serial_alias_suggest(const char *path);

#endif
