/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in the log, with --debug only. */
#ifndef COMMON_TRACE_LOG_H
#define COMMON_TRACE_LOG_H

#include "common/trace.h"

/* "MODULE: > 05 00 … (sent)": direction, the bytes that were kept, the verdict. */
void trace_log(const char *module, const struct trace_frame *frame);

#endif
