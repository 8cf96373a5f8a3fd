/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/retry.h"

#include <stddef.h>

struct retry retry_new(const struct config_dcdc *config)
{
    return (struct retry){.timeouts_left = config->timeout_retries,
                          .errors_left = config->dcdc_error_retries};
}

bool retry_again(struct retry *retry, enum eza_result result, int64_t now_us, int64_t wait_us)
{
    unsigned *left = result == EZA_TIMEOUT     ? &retry->timeouts_left
                     : result == EZA_RETRYABLE ? &retry->errors_left
                                               : NULL;

    if (left == NULL || *left == 0)
        return false;
    --*left;
    retry->not_before_us = now_us + wait_us;
    return true;
}
