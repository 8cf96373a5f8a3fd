/* SPDX-License-Identifier: Apache-2.0 */
#include "common/permission.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { CLASS_SIZE = 32 };

static bool in_group(gid_t group)
{
    gid_t groups[128];
    int count = getgroups(sizeof groups / sizeof groups[0], groups);

    for (int i = 0; i < count; i++)
        if (groups[i] == group)
            return true;
    return getegid() == group;
}

/*
 * The name of a class of character devices, out of /proc/devices; as it was if it is not told. Of
 * several with one number the last: consoles and serial ports share 4.
 */
static void find_class(unsigned number, char name[static CLASS_SIZE])
{
    FILE *devices = fopen("/proc/devices", "re");
    char line[128], listed_name[CLASS_SIZE];
    unsigned listed;

    if (devices == NULL)
        return;
    while (fgets(line, sizeof line, devices) != NULL && strncmp(line, "Block", 5) != 0)
        if (sscanf(line, "%u %31s", &listed, listed_name) == 2 && listed == number)
            memcpy(name, listed_name, CLASS_SIZE);
    fclose(devices);
}

/* The unit's DevicePolicy= answers with EPERM where modes and groups answer with EACCES. */
static void explain_policy(const struct stat *st, char *text)
{
    char name[CLASS_SIZE] = "CLASS";

    if (st != NULL)
        find_class(major(st->st_rdev), name);
    snprintf(text, PERMISSION_TEXT_SIZE, "not permitted: the unit lacks DeviceAllow=char-%s rw",
             name);
}

static void explain_mode(const struct stat *st, char *text)
{
    mode_t group_bits = S_IRGRP | S_IWGRP;
    struct group *group;

    if ((st->st_mode & group_bits) != group_bits || in_group(st->st_gid)) {
        snprintf(text, PERMISSION_TEXT_SIZE,
                 "permission denied: its mode is %04o, a udev rule must give it to a group",
                 (unsigned)st->st_mode & 07777);
        return;
    }
    group = getgrgid(st->st_gid);
    snprintf(text, PERMISSION_TEXT_SIZE,
             "permission denied: it belongs to group %s (gid %u), which this user is not in",
             group != NULL ? group->gr_name : "?", (unsigned)st->st_gid);
}

char *permission_explain(const char *path, int error, char text[static PERMISSION_TEXT_SIZE])
{
    struct stat st;
    bool known = stat(path, &st) == 0;

    if (error == EPERM)
        explain_policy(known ? &st : NULL, text);
    else if (known)
        explain_mode(&st, text);
    else
        snprintf(text, PERMISSION_TEXT_SIZE, "permission denied");
    return text;
}
