/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/eza_frame.h"

#include <string.h>

enum { START_REQUEST = 0x05, START_REPLY = 0x02, NAK_FLAG = 0x80, NAK_SIZE = 2 };

/* Offsets in a frame. */
enum { AT_START, AT_LEN, AT_AD1, AT_AD2, AT_CMD, AT_DATA };

size_t eza_request_size(const struct eza_command *command)
{
    return EZA_OVERHEAD + eza_fields_size(&command->request);
}

size_t eza_reply_size(const struct eza_command *command)
{
    return EZA_OVERHEAD + eza_fields_size(&command->reply);
}

static uint16_t read_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

/* Sum of all bytes from AD1 to the last data byte. */
static uint16_t checksum(const uint8_t *frame, size_t length)
{
    uint16_t sum = 0;

    for (size_t i = AT_AD1; i < AT_DATA + length; i++)
        sum = (uint16_t)(sum + frame[i]);
    return sum;
}

size_t eza_frame_request(const struct eza_command *command, const struct eza_address *address,
                         const struct eza_values *values, uint8_t frame[static EZA_FRAME_MAX])
{
    size_t length = eza_pack(&command->request, values, frame + AT_DATA);
    uint16_t sum;

    frame[AT_START] = START_REQUEST;
    frame[AT_LEN] = (uint8_t)length;
    frame[AT_AD1] = address->address1;
    frame[AT_AD2] = address->address2;
    frame[AT_CMD] = command->cmd;
    sum = checksum(frame, length);
    frame[AT_DATA + length] = (uint8_t)sum;
    frame[AT_DATA + length + 1] = (uint8_t)(sum >> 8);
    return EZA_OVERHEAD + length;
}

static bool address_fits(const uint8_t *frame, const struct eza_address *address)
{
    uint8_t ad1 = frame[AT_AD1], ad2 = frame[AT_AD2];

    return !address->check || (ad1 == address->address1 && ad2 == address->address2) ||
           (ad1 == address->address2 && ad2 == address->address1);
}

/* What the header at frame would be an answer of; the checksum is not looked at. */
static enum eza_answer header_fits(const uint8_t *frame, const struct eza_command *command)
{
    if (frame[AT_CMD] == command->cmd && frame[AT_LEN] == eza_fields_size(&command->reply))
        return EZA_REPLY;
    if (frame[AT_CMD] == (command->cmd | NAK_FLAG) && frame[AT_LEN] == NAK_SIZE)
        return EZA_NAK;
    return EZA_NO_ANSWER;
}

/* Size of the reply frame that may begin here, or 0 if none can or it is not whole. */
static size_t whole_frame(const uint8_t *bytes, size_t count)
{
    size_t size;

    if (count < EZA_OVERHEAD || bytes[AT_START] != START_REPLY)
        return 0;
    size = (size_t)EZA_OVERHEAD + bytes[AT_LEN];
    return size <= count ? size : 0;
}

static bool checksum_fits(const uint8_t *frame)
{
    size_t length = frame[AT_LEN];

    return checksum(frame, length) == read_u16(frame + AT_DATA + length);
}

enum eza_answer eza_frame_find(const uint8_t *bytes, size_t count,
                               const struct eza_command *command, const struct eza_address *address,
                               struct eza_found *found)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *frame = bytes + i;
        size_t size = whole_frame(frame, count - i);
        enum eza_answer answer;

        if (size == 0 || !address_fits(frame, address) || !checksum_fits(frame))
            continue;
        answer = header_fits(frame, command);
        if (answer == EZA_NO_ANSWER)
            continue;
        *found = (struct eza_found){.begin = i, .end = i + size};
        if (answer == EZA_REPLY)
            eza_unpack(&command->reply, frame + AT_DATA, &found->values);
        else
            found->ercd = read_u16(frame + AT_DATA);
        return answer;
    }
    return EZA_NO_ANSWER;
}

/* Counts what begins at frame, which is a whole one, and returns the bytes it takes; 0: nothing. */
static size_t classify_frame(const uint8_t *frame, size_t size, const struct eza_command *command,
                             const struct eza_address *address, struct eza_residue *residue)
{
    bool correct = checksum_fits(frame);

    if (correct && !address_fits(frame, address)) {
        residue->foreign++;
    } else if (correct) {
        residue->unexpected++;
        residue->unexpected_cmd = frame[AT_CMD];
    } else if (address_fits(frame, address) && header_fits(frame, command) != EZA_NO_ANSWER) {
        residue->checksum_errors++;
    } else {
        return 0;
    }
    return size;
}

void eza_frame_classify(const uint8_t *bytes, size_t count, const struct eza_command *command,
                        const struct eza_address *address, const uint8_t *request,
                        size_t request_size, struct eza_residue *residue)
{
    for (size_t i = 0; i < count;) {
        size_t left = count - i, size, taken = 0;

        if (left >= request_size && memcmp(bytes + i, request, request_size) == 0) {
            residue->echoes++;
            taken = request_size;
        } else if ((size = whole_frame(bytes + i, left)) != 0) {
            taken = classify_frame(bytes + i, size, command, address, residue);
        }
        if (taken == 0) {
            residue->noise_bytes++;
            taken = 1;
        }
        i += taken;
    }
}
