/* SPDX-License-Identifier: Apache-2.0 */
#include "common/serial_alias.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/log.h"

static bool is_link(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool leads_to(const char *link, const struct stat *device)
{
    struct stat st;

    return stat(link, &st) == 0 && st.st_dev == device->st_dev && st.st_ino == device->st_ino;
}

static bool find_in(const char *directory, const struct stat *device, char *alias, size_t size)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    bool found = false;

    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        int length = snprintf(alias, size, "%s/%s", directory, entry->d_name);

        found = length > 0 && (size_t)length < size && is_link(alias) && leads_to(alias, device);
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

bool serial_alias_find(const char *root, const char *path, char *alias, size_t size)
{
    static const char *const kinds[] = {"by-path", "by-id"};
    char directory[PATH_MAX];
    struct stat device;

    if (is_link(path) || stat(path, &device) != 0)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int length = snprintf(directory, sizeof directory, "%s/%s", root, kinds[i]);

        if (length > 0 && (size_t)length < sizeof directory &&
            find_in(directory, &device, alias, size))
            return true;
    }
    return false;
}

void serial_alias_suggest(const char *path)
{
    char alias[PATH_MAX];

    if (serial_alias_find("/dev/serial", path, alias, sizeof alias))
        log_warning("port", "%s may have another name after a restart: configure %s", path, alias);
}
