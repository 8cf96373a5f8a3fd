/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines on stderr: "dcdcd: port: /dev/ttyO2 is back after 3.2 s". When stderr is the journal
 * each line begins with its <N> priority (sd-daemon(3)) and lacks the program's name.
 * errno is left as it was. Safe to call from any thread; one write(2) a line. What a module repeats
 * without end is held back and summed up (log_limit.h), unless debug lines are printed.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* ident: the program's name, borrowed for good. debug: whether log_debug prints. Call once. */
void log_init(const char *ident, bool debug);

/* Whether log_debug prints: to skip work whose only use is a debug line. */
bool log_debugs(void);

/* module: a short tag ("link", "rpc"). Control characters in the text are written as '?'. */
void log_error(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warning(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of the module "audit", never held back. */
void log_audit(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Writes what is due of what was held back; to be called now and then, with the time (clock_us),
 * and with INT64_MAX at the end.
 */
void log_sum_up(int64_t now_us);

#endif
