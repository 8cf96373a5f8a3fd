/* SPDX-License-Identifier: Apache-2.0 */
#include "common/process_metrics.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Client libraries use these names; the daemons differ in their label. */
static const struct metrics_family build_info = {"dcdc_build_info", METRICS_GAUGE,
                                                 "Always 1; the version that runs."};
static const struct metrics_family cpu_seconds = {"process_cpu_seconds_total", METRICS_COUNTER,
                                                  "CPU time of the process in seconds."};
static const struct metrics_family resident_bytes = {"process_resident_memory_bytes", METRICS_GAUGE,
                                                     "Resident memory of the process."};
static const struct metrics_family virtual_bytes = {"process_virtual_memory_bytes", METRICS_GAUGE,
                                                    "Virtual memory of the process."};
static const struct metrics_family open_fds = {"process_open_fds", METRICS_GAUGE,
                                               "Open file descriptors of the process."};
static const struct metrics_family max_fds = {"process_max_fds", METRICS_GAUGE,
                                              "Limit on open file descriptors of the process."};
static const struct metrics_family start_time = {"process_start_time_seconds", METRICS_GAUGE,
                                                 "Start of the process in Unix time."};

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The beginning of a file of /proc as a string; false if it cannot be read. */
static bool read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t length;

    if (file == NULL)
        return false;
    length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
    return length > 0;
}

/* proc(5), stat, field 22: ticks after boot. It is the 20th after the name, which may hold spaces.
 */
static bool start_ticks(double *ticks)
{
    char text[1024];
    const char *at;

    if (!read_text("/proc/self/stat", text, sizeof text) || (at = strrchr(text, ')')) == NULL)
        return false;
    for (int i = 0; i < 20 && at != NULL; i++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return false;
    *ticks = strtod(at, NULL);
    return true;
}

/*
 * In Unix time. The clock may be set after the start, so it is computed each time; that it wavers
 * by the resolution of what it is computed from must not look like a restart.
 */
static bool started_at(double *seconds)
{
    static int64_t shown_ms;
    int64_t computed_ms;
    double ticks;

    if (!start_ticks(&ticks))
        return false;
    computed_ms = (int64_t)(1000 * (seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME) +
                                    ticks / (double)sysconf(_SC_CLK_TCK)));
    if (llabs(computed_ms - shown_ms) > 1000)
        shown_ms = computed_ms;
    *seconds = (double)shown_ms / 1000;
    return true;
}

static unsigned count_fds(void)
{
    DIR *directory = opendir("/proc/self/fd");
    const struct dirent *entry;
    unsigned count = 0;

    if (directory == NULL)
        return 0;
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            count++;
    closedir(directory);
    return count - 1; /* the directory's own */
}

static void add_memory(struct metrics *metrics, const char *daemon)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    char text[128], *end;
    uint64_t total;

    if (!read_text("/proc/self/statm", text, sizeof text))
        return;
    total = strtoull(text, &end, 10);
    metrics_begin(metrics, &resident_bytes);
    metrics_integer(metrics, strtoull(end, NULL, 10) * page, LABELS("daemon", daemon));
    metrics_begin(metrics, &virtual_bytes);
    metrics_integer(metrics, total * page, LABELS("daemon", daemon));
}

static void add_fds(struct metrics *metrics, const char *daemon)
{
    unsigned count = count_fds();
    struct rlimit limit;

    metrics_begin(metrics, &open_fds);
    if (count > 0)
        metrics_integer(metrics, count, LABELS("daemon", daemon));
    metrics_begin(metrics, &max_fds);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metrics_integer(metrics, limit.rlim_cur, LABELS("daemon", daemon));
}

void process_metrics(struct metrics *metrics, const char *daemon)
{
    double started;

    metrics_begin(metrics, &build_info);
    metrics_integer(metrics, 1, LABELS("daemon", daemon, "version", VERSION));
    metrics_begin(metrics, &cpu_seconds);
    metrics_value(metrics, seconds_of(CLOCK_PROCESS_CPUTIME_ID), LABELS("daemon", daemon));
    add_memory(metrics, daemon);
    add_fds(metrics, daemon);
    metrics_begin(metrics, &start_time);
    if (started_at(&started))
        metrics_value(metrics, started, LABELS("daemon", daemon));
}
