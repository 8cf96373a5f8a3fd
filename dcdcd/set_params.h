/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RPC parameters of sets to raw values: present, numbers, in range (specification 5.2.1.2, vrfy).
 * Nothing is sent for a set whose parameters are bad, except that a stop stops. Pure.
 */
#ifndef DCDCD_SET_PARAMS_H
#define DCDCD_SET_PARAMS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "dcdcd/scheduler.h"

/*
 * Fills request->call and, for a stop that has other bad parameters, request->complaint. method is
 * one of remote_set, remote_set_current, remote_set_voltage and command. Returns true if the
 * request may be submitted, or false with *failure filled: all that is wrong, in one text.
 */
bool set_params_parse(const struct controller_method *method, struct json_object *params,
                      struct request *request, struct failure *failure);

#endif
