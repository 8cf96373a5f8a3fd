/* SPDX-License-Identifier: Apache-2.0 */
#include "common/serial_alias.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"

static bool is_link(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool same_device(const char *link, const char *device)
{
    char target[PATH_MAX];

    return realpath(link, target) != NULL && strcmp(target, device) == 0;
}

static bool find_in(const char *directory, const char *device, char *alias, size_t size)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    bool found = false;

    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        int length = snprintf(alias, size, "%s/%s", directory, entry->d_name);

        found = length > 0 && (size_t)length < size && is_link(alias) && same_device(alias, device);
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

bool serial_alias_find(const char *root, const char *path, char *alias, size_t size)
{
    static const char *const kinds[] = {"by-path", "by-id"};
    char device[PATH_MAX], directory[PATH_MAX];

    if (is_link(path) || realpath(path, device) == NULL)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int length = snprintf(directory, sizeof directory, "%s/%s", root, kinds[i]);

        if (length > 0 && (size_t)length < sizeof directory &&
            find_in(directory, device, alias, size))
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
