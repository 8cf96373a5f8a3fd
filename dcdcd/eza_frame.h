/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the EZA2500's RS485 protocol (wire facts, "Frame"): values to request bytes, and the
 * one answer that fits a request found among whatever bytes a line brings. Pure.
 */
#ifndef DCDCD_EZA_FRAME_H
#define DCDCD_EZA_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dcdcd/eza_codec.h"

enum { EZA_OVERHEAD = 7, EZA_FRAME_MAX = EZA_OVERHEAD + EZA_PAYLOAD_MAX };

struct eza_address {
    uint8_t address1; /* converter */
    uint8_t address2; /* driver */
    bool check;       /* whether answers must carry both, in either order */
};

/* Bytes of a command's request and of its answer. */
size_t eza_request_size(const struct eza_command *command);
size_t eza_reply_size(const struct eza_command *command);

/* Writes the request; values are the request fields' (ignored for a read). Returns its size. */
size_t eza_frame_request(const struct eza_command *command, const struct eza_address *address,
                         const struct eza_values *values, uint8_t frame[static EZA_FRAME_MAX]);

enum eza_answer { EZA_NO_ANSWER, EZA_REPLY, EZA_NAK };

struct eza_found {
    size_t begin, end;        /* where the answer lies in the bytes */
    struct eza_values values; /* EZA_REPLY */
    uint16_t ercd;            /* EZA_NAK */
};

/* Finds the first whole, correct answer to command at any offset. *found is filled unless none. */
enum eza_answer eza_frame_find(const uint8_t *bytes, size_t count,
                               const struct eza_command *command, const struct eza_address *address,
                               struct eza_found *found);

/* What else was among the bytes, for counters and for the reason why there was no answer. */
struct eza_residue {
    unsigned echoes;          /* whole copies of our request */
    unsigned checksum_errors; /* the awaited answer's header, a wrong checksum */
    unsigned foreign;         /* correct frames with other addresses */
    unsigned unexpected;      /* correct frames with another command or length: wrong or late */
    unsigned noise_bytes;
    uint8_t unexpected_cmd; /* CMD of the last unexpected frame */
};

/* Adds to *residue what bytes without an answer hold. request: as sent. */
void eza_frame_classify(const uint8_t *bytes, size_t count, const struct eza_command *command,
                        const struct eza_address *address, const uint8_t *request,
                        size_t request_size, struct eza_residue *residue);

#endif
