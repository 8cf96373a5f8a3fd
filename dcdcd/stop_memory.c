/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/stop_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

void stop_memory_init(struct stop_memory *memory, const char *run_dir)
{
    *memory = (struct stop_memory){.owed = false};
    snprintf(memory->path, sizeof memory->path, "%s/dcdcd.stop_owed", run_dir);
    memory->owed = access(memory->path, F_OK) == 0;
    if (memory->owed)
        log_warning("stop", "one from before the start is not confirmed yet; it is repeated");
}

static int make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);

    return fd != -1 ? close(fd) : -1;
}

void stop_memory_keep(struct stop_memory *memory, bool owed)
{
    if (owed == memory->owed)
        return;
    memory->owed = owed;
    if ((owed ? make_file(memory->path) : unlink(memory->path)) != 0)
        log_error("stop", "%s: %s", memory->path, strerror(errno));
}
