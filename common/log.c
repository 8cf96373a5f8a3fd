/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

enum { LOG_LINE_SIZE = 1024 };

static const char *log_ident = "";
static bool log_debug_wanted;
static bool log_to_journal;

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

static void write_line(int priority, const char *module, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void write_line(int priority, const char *module, const char *format, va_list arguments)
{
    char line[LOG_LINE_SIZE];
    int saved_errno = errno;
    size_t used;

    if (log_to_journal)
        used = advance(0, snprintf(line, sizeof line - 1, "<%d>%s: ", priority, module));
    else
        used = advance(0, snprintf(line, sizeof line - 1, "%s%s%s: ", log_ident,
                                   *log_ident != '\0' ? ": " : "", module));
    used = advance(used, vsnprintf(line + used, sizeof line - 1 - used, format, arguments));
    for (size_t i = 0; i < used; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[used] = '\n';
    /* There is nowhere to tell that the log cannot be written. */
    if (write(STDERR_FILENO, line, used + 1) < 0) {
    }
    errno = saved_errno;
}

void log_error(const char *module, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_ERR, module, format, arguments);
    va_end(arguments);
}

void log_warning(const char *module, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_WARNING, module, format, arguments);
    va_end(arguments);
}

void log_info(const char *module, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_INFO, module, format, arguments);
    va_end(arguments);
}

void log_debug(const char *module, const char *format, ...)
{
    va_list arguments;

    if (!log_debug_wanted)
        return;
    va_start(arguments, format);
    write_line(LOG_DEBUG, module, format, arguments);
    va_end(arguments);
}
