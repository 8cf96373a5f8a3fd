/* SPDX-License-Identifier: Apache-2.0 */
/* What the paths of the REST API do. Each ends its exchange exactly once, now or later. */
#ifndef GATEWAYD_ACTIONS_H
#define GATEWAYD_ACTIONS_H

struct exchange;

/* Calls the route's methods at once and shows the route's keys of what they return. */
void action_call(struct exchange *exchange);

/* Sets mode, voltage or current; the stop is never refused (parameters.h). */
void action_set(struct exchange *exchange);

/* Answers with the route's text. */
void action_text(struct exchange *exchange);

/* The same, and forgets the saved set parameters. */
void action_hello(struct exchange *exchange);

/* The same, and gatewayd ends. */
void action_goodbye(struct exchange *exchange);

#endif
