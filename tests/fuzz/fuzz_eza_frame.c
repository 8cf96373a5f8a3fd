/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding an answer among the bytes of a line: exactly the first correct one is found, and every
 * byte of the rest is counted once. Input: command, flags, bytes.
 */
#include "tests/fuzz/eza_oracle.h"
#include "tests/fuzz/fuzz.h"

enum { FLAG_CHECK_ADDRESS = 1, FLAG_SEAL = 2, BYTES_MAX = 1024 };

/* Sums are what a mutation breaks first: puts them right where a frame could be. */
static void seal_all(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (oracle_whole(bytes + i, count - i)) {
            oracle_seal(bytes + i);
            i += 6U + bytes[i + 1];
        }
}

static void check_find(const uint8_t *bytes, size_t count, const struct eza_command *command,
                       const struct eza_address *address)
{
    struct eza_found found = {0};
    enum eza_answer answer = eza_frame_find(bytes, count, command, address, &found);
    size_t i = 0;

    while (i < count && !oracle_is_reply(bytes + i, count - i, command, address->check) &&
           !oracle_is_nak(bytes + i, count - i, command, address->check))
        i++;
    CHECK((answer == EZA_NO_ANSWER) == (i == count));
    if (answer == EZA_NO_ANSWER)
        return;
    CHECK(found.begin == i && found.end == i + 7U + bytes[i + 1] && found.end <= count);
    if (answer == EZA_REPLY)
        CHECK(oracle_is_reply(bytes + i, count - i, command, address->check) &&
              oracle_holds(bytes + i, command, &found.values));
    else
        CHECK(oracle_is_nak(bytes + i, count - i, command, address->check) &&
              found.ercd == (bytes[i + 5] | bytes[i + 6] << 8));
}

static void check_classify(const uint8_t *bytes, size_t count, const struct eza_command *command,
                           const struct eza_address *address)
{
    static const struct eza_values values;
    struct eza_residue residue = {0};
    uint8_t request[EZA_FRAME_MAX];
    size_t size = eza_frame_request(command, address, &values, request), frames, rest;

    eza_frame_classify(bytes, count, command, address, request, size, &residue);
    frames = residue.checksum_errors + residue.foreign + residue.unexpected;
    CHECK(size == eza_request_size(command) && size <= EZA_FRAME_MAX);
    CHECK(residue.noise_bytes + residue.echoes * size <= count);
    rest = count - residue.noise_bytes - residue.echoes * size;
    CHECK(rest >= frames * 7 && rest <= frames * (7 + 255));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    const struct eza_command *command = &eza_commands[fuzz_byte(&input) % eza_command_count];
    uint8_t flags = fuzz_byte(&input);
    const struct eza_address address = {0, 16, (flags & FLAG_CHECK_ADDRESS) != 0};
    size_t count = input.size;
    uint8_t *bytes;

    if (count > BYTES_MAX)
        return 0;
    bytes = (uint8_t *)fuzz_text(&input);
    if ((flags & FLAG_SEAL) != 0)
        seal_all(bytes, count);
    check_find(bytes, count, command, &address);
    check_classify(bytes, count, command, &address);
    free(bytes);
    return 0;
}
