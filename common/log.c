/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log_limit.h"

enum { LOG_LINE_SIZE = 1024 };

static const char *log_ident = "";
static bool log_debug_wanted;
static bool log_to_journal;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the next one */
static struct log_limit limit;

/* systemd.exec(5): JOURNAL_STREAM names the device and inode of what it connected. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_init(const char *ident, bool debug)
{
    log_ident = ident;
    log_debug_wanted = debug;
    log_to_journal = stderr_is_journal();
}

bool log_debugs(void)
{
    return log_debug_wanted;
}

/* Where the text ends that snprintf wrote, or would have written, at used. */
static size_t advance(size_t used, int written)
{
    size_t end = used + (written > 0 ? (size_t)written : 0);

    return end < LOG_LINE_SIZE - 1 ? end : LOG_LINE_SIZE - 2;
}

/* Writes one line, whatever the limit. */
static void put(int priority, const char *module, const char *text)
{
    char line[LOG_LINE_SIZE];
    size_t used;

    if (log_to_journal)
        used = advance(0, snprintf(line, sizeof line - 1, "<%d>%s: ", priority, module));
    else
        used = advance(0, snprintf(line, sizeof line - 1, "%s%s%s: ", log_ident,
                                   *log_ident != '\0' ? ": " : "", module));
    used = advance(used, snprintf(line + used, sizeof line - 1 - used, "%s", text));
    for (size_t i = 0; i < used; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[used] = '\n';
    /* There is nowhere to tell that the log cannot be written. */
    if (write(STDERR_FILENO, line, used + 1) < 0) {
    }
}

static bool may_pass(int priority, const char *module, const char *text)
{
    bool pass;

    pthread_mutex_lock(&lock);
    pass = log_limit_pass(&limit, module, priority, text, clock_us());
    pthread_mutex_unlock(&lock);
    return pass;
}

static void write_line(int priority, const char *module, bool limited, const char *format,
                       va_list arguments) __attribute__((format(printf, 4, 0)));

/* limited: the line may be held back and summed up; whoever debugs wants each. */
static void write_line(int priority, const char *module, bool limited, const char *format,
                       va_list arguments)
{
    char text[LOG_LINE_SIZE];
    int saved_errno = errno;

    vsnprintf(text, sizeof text, format, arguments);
    if (!limited || log_debug_wanted || may_pass(priority, module, text))
        put(priority, module, text);
    errno = saved_errno;
}

static bool take_sum(int64_t now_us, struct log_limit_row *row)
{
    bool found;

    pthread_mutex_lock(&lock);
    found = log_limit_sum(&limit, now_us, row);
    pthread_mutex_unlock(&lock);
    return found;
}

void log_sum_up(int64_t now_us)
{
    struct log_limit_row row;
    char text[LOG_LINE_SIZE];

    while (take_sum(now_us, &row)) {
        snprintf(text, sizeof text, "%u more in %lld s, the last: %s", row.more,
                 (long long)((row.last_us - row.first_us) / US_PER_S), row.last);
        put(row.priority, row.module, text);
    }
}

void log_error(const char *module, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_ERR, module, true, format, arguments);
    va_end(arguments);
}

void log_warning(const char *module, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_WARNING, module, true, format, arguments);
    va_end(arguments);
}

void log_info(const char *module, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_INFO, module, true, format, arguments);
    va_end(arguments);
}

void log_debug(const char *module, const char *format, ...)
{
    va_list arguments;

    if (!log_debug_wanted)
        return;
    va_start(arguments, format);
    write_line(LOG_DEBUG, module, false, format, arguments);
    va_end(arguments);
}

void log_audit(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_INFO, "audit", false, format, arguments);
    va_end(arguments);
}
