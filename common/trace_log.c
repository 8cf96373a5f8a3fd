/* SPDX-License-Identifier: Apache-2.0 */
#include "common/trace_log.h"

#include <stdio.h>

#include "common/log.h"

void trace_log(const char *module, const struct trace_frame *frame)
{
    size_t kept = trace_frame_kept(frame);
    char hex[3 * TRACE_BYTES + 1] = "";

    if (!log_debugs())
        return;
    for (size_t i = 0; i < kept; i++)
        snprintf(hex + 3 * i, 4, " %02x", frame->bytes[i]);
    log_debug(module, "%s%s (%s)", frame->direction == TRACE_SENT ? ">" : "<", hex, frame->verdict);
}
