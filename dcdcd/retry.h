/* SPDX-License-Identifier: Apache-2.0 */
/* The budgets of retries of one command (specification 5.2.1.2, run). Pure. */
#ifndef DCDCD_RETRY_H
#define DCDCD_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "dcdcd/eza_link.h"

struct retry {
    unsigned timeouts_left, errors_left;
    int64_t not_before_us; /* when the next try may go out */
};

/* Full budgets; the first try may go out at once. */
struct retry retry_new(const struct config_dcdc *config);

/*
 * Whether a command with this outcome is tried again: then its budget is one smaller and the next
 * try may go out wait_us from now. Timeouts and other retryable errors are counted apart.
 */
bool retry_again(struct retry *retry, enum eza_result result, int64_t now_us, int64_t wait_us);

#endif
