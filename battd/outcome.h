/* SPDX-License-Identifier: Apache-2.0 */
/* How a request on the battery's bus, or a whole poll, ended. Used by bus, schedule and snapshot.
 */
#ifndef BATTD_OUTCOME_H
#define BATTD_OUTCOME_H

enum outcome {
    OUTCOME_OK,
    OUTCOME_TIMEOUT,   /* no complete answer in time */
    OUTCOME_CHECKSUM,  /* an answer with a bad CRC */
    OUTCOME_EXCEPTION, /* a Modbus exception answer */
    OUTCOME_FOREIGN,   /* an answer with another unit's address */
    OUTCOME_MALFORMED, /* wrong function, length or exception code */
    OUTCOME_BAD_VALUE, /* a valid answer whose values are out of range */
    OUTCOME_PORT,      /* the port hung up or failed, or could not be opened */
    OUTCOME_COUNT
};

#endif
