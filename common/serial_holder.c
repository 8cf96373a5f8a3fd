/* SPDX-License-Identifier: Apache-2.0 */
#include "common/serial_holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A look takes some microseconds, and a daemon that waits for its port looks at each try. */
enum { LOOKS_MAX = 8192 };

/* The process that holds a flock on the file, out of /proc/locks; 0 when it is not told. */
static long find_lock(const struct stat *st)
{
    FILE *locks = fopen("/proc/locks", "re");
    char line[256];
    long holder = 0;

    if (locks == NULL)
        return 0;
    while (holder == 0 && fgets(line, sizeof line, locks) != NULL) {
        unsigned major_number, minor_number;
        unsigned long long inode;
        long pid;

        if (sscanf(line, "%*s FLOCK %*s %*s %ld %x:%x:%llu", &pid, &major_number, &minor_number,
                   &inode) == 4 &&
            inode == st->st_ino && makedev(major_number, minor_number) == st->st_dev)
            holder = pid;
    }
    fclose(locks);
    return holder;
}

/* Whether the process has the device open, by the names of its files: they are not touched. */
static bool has_open(long pid, const char *device, int *looks)
{
    char path[64], target[PATH_MAX];
    const struct dirent *entry;
    bool found = false;
    DIR *dir;
    int fd;

    snprintf(path, sizeof path, "/proc/%ld/fd", pid);
    dir = opendir(path);
    fd = dir != NULL ? dirfd(dir) : -1;
    while (fd >= 0 && !found && --*looks > 0 && (entry = readdir(dir)) != NULL) {
        ssize_t length = readlinkat(fd, entry->d_name, target, sizeof target - 1);

        target[length > 0 ? length : 0] = '\0';
        found = strcmp(target, device) == 0;
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

/* Another process that has the device open; 0 when there is none that we may see. */
static long find_open(const char *path)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    char device[PATH_MAX];
    int looks = LOOKS_MAX;
    long holder = 0;

    if (realpath(path, device) == NULL)
        looks = 0;
    while (proc != NULL && holder == 0 && --looks > 0 && (entry = readdir(proc)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);

        if (pid > 0 && pid != getpid() && has_open(pid, device, &looks))
            holder = pid;
    }
    if (proc != NULL)
        closedir(proc);
    return holder;
}

static void read_command(long pid, char *command, int size)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    file = fopen(path, "re");
    if (file == NULL || fgets(command, size, file) == NULL)
        snprintf(command, (size_t)size, "?");
    command[strcspn(command, "\n")] = '\0';
    if (file != NULL)
        fclose(file);
}

const char *serial_holder(const char *path, char text[static SERIAL_HOLDER_SIZE])
{
    struct stat st;
    char command[32];
    long pid = stat(path, &st) == 0 ? find_lock(&st) : 0;

    if (pid <= 0)
        pid = find_open(path);
    if (pid > 0) {
        read_command(pid, command, sizeof command);
        snprintf(text, SERIAL_HOLDER_SIZE, "process %ld (%s)", pid, command);
    } else {
        snprintf(text, SERIAL_HOLDER_SIZE, "another program");
    }
    return text;
}
