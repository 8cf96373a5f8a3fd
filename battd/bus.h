/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The battery's Modbus RTU bus: one request at a time, blocking. The only file that sees
 * modbus.h. Used by the worker's thread alone.
 */
#ifndef BATTD_BUS_H
#define BATTD_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "battd/outcome.h"
#include "battd/registers.h"
#include "common/config.h"
#include "common/reason.h"
#include "common/trace.h"

struct bus;

/* Called on the worker's thread for each request, each answer or silence, and what was dropped. */
typedef void bus_recorded(void *arg, const struct trace_frame *frame);

/*
 * A closed bus, or NULL without memory. config is borrowed. polled: a daemon that was killed just
 * before may have asked for so many registers, and the answer may come to this one.
 */
struct bus *bus_new(const struct config_battery_dev *config, uint8_t polled, bus_recorded *recorded,
                    void *arg);

/* Closes it too. NULL: no-op. */
void bus_free(struct bus *bus);

/* Opens and locks the port. Returns true, or false with the reason in failure->text. */
bool bus_open(struct bus *bus, struct failure *failure);

/* Closes the port at once. A closed one: no-op. */
void bus_close(struct bus *bus);

/* The open port's descriptor, to watch for a hang-up; -1 when closed. */
int bus_descriptor(const struct bus *bus);

/* Longest time that an answer is waited for, µs: the configured timeout and the line's time. */
int64_t bus_response_us(const struct bus *bus);

/*
 * Reads input registers: waits until the line is quiet, drops what came in, asks, and waits for
 * the answer. The echo of an adapter is found and dropped, and so are late answers with another
 * number of registers: see bus_expects. Returns OUTCOME_OK with read->count values, or why not, in
 * words in failure->text.
 */
enum outcome bus_read(struct bus *bus, const struct register_read *read, uint16_t *values,
                      struct failure *failure);

/*
 * Whether an earlier request for so many registers may still be answered: then the answer to a
 * request for as many could be taken for it. One for another number is to be made first: its answer
 * shows that the earlier one will not come.
 */
bool bus_expects(struct bus *bus, uint8_t count);

/*
 * From another thread, before the process ends without this one: returns when no request is on the
 * line, and none is sent any more. A direction pin is low then.
 */
void bus_end_sending(struct bus *bus);

/* Bytes dropped so far that were no answer to a request. */
uint64_t bus_stray_bytes(const struct bus *bus);

#endif
