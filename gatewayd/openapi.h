/* SPDX-License-Identifier: Apache-2.0 */
/* The description of the REST API, gatewayd/openapi.json, as it stands in the program. */
#ifndef GATEWAYD_OPENAPI_H
#define GATEWAYD_OPENAPI_H

extern const char openapi_text[]; /* JSON, ended by NUL */

#endif
