/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines on stderr: "dcdcd: port: /dev/ttyO2 is back after 3.2 s". When stderr is the journal
 * each line begins with its <N> priority (sd-daemon(3)) and lacks the program's name.
 * errno is left as it was. Safe to call from any thread; one write(2) a line.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

/* ident: the program's name, borrowed for good. debug: whether log_debug prints. Call once. */
void log_init(const char *ident, bool debug);

/* Whether log_debug prints: to skip work whose only use is a debug line. */
bool log_debugs(void);

/* module: a short tag ("link", "rpc"). Control characters in the text are written as '?'. */
void log_error(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warning(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
