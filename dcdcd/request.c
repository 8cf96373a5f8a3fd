/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/request.h"

#include "common/operation_mode.h"

bool request_is_stop(const struct request *request)
{
    uint16_t mode;

    return controller_sets_mode(&request->call, &mode) && mode == MODE_WAITING;
}

bool request_sets_other_mode(const struct request *request)
{
    uint16_t mode;

    return controller_sets_mode(&request->call, &mode) && mode != MODE_WAITING;
}

void request_fail(struct request *request, const struct failure *failure)
{
    request->done(request, NULL, failure);
}

void request_fail_text(struct request *request, enum reason reason, const char *text)
{
    struct failure failure;

    failure_set(&failure, reason, "%s", text);
    request_fail(request, &failure);
}

void request_fail_after_stop(struct request *request, const struct failure *failure)
{
    struct failure after_stop;

    failure_set(&after_stop, failure->reason, "%s; the stop was carried out", failure->text);
    request_fail(request, &after_stop);
}
