/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The direction pin of the line's peer, as the fake libgpiod (tests/fake) reports it: what the
 * transceiver lets through because of it, and what happened when. Used by line.
 */
#ifndef TESTS_SIM_PIN_H
#define TESTS_SIM_PIN_H

#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct sim_pin;

/* Tells that the pin went low before the last bytes heard were out: they were not heard. */
typedef void sim_pin_cut(void *arg);

/* Binds a datagram socket. NULL after saying why on stderr. */
struct sim_pin *sim_pin_new(struct event_base *base, const char *path, sim_pin_cut *cut, void *arg);

/* NULL: no-op. */
void sim_pin_free(struct sim_pin *pin);

/*
 * For the next three NULL is a transceiver that switches by itself and lets everything through.
 * Takes in what was reported until now. Call it after reading bytes: they follow their pin.
 */
void sim_pin_update(struct sim_pin *pin, int64_t byte_ns);

/*
 * Whether a byte that was there at there_us goes through: the pin was high before it, and for so
 * long that all bytes since have had their time. Counts it if not.
 */
bool sim_pin_hears(struct sim_pin *pin, int64_t there_us);

/* Whether a byte to the peer is lost, because the pin was high at some time of it. Counts it. */
bool sim_pin_covers(struct sim_pin *pin, int64_t start_us, int64_t end_us);

/*
 * {"events":[{"t":s,"what":"take"}, …],"unheard":n,"cut":n,"lost":n}: what was reported since the
 * last call (take, high, low, free); bytes from the peer and to it that did not go through, and
 * how often the pin went low too soon, since the start.
 */
struct json_object *sim_pin_take_records(struct sim_pin *pin);

#endif
