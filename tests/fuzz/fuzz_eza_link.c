/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges on a line where anything may come, in any pieces, at any time: an exchange ends only
 * with what was really received in it or at its deadline, a correct answer is never overlooked,
 * and no state grows. Input: settings, then operations of one byte and their operands.
 */
#include "dcdcd/eza_link.h"

#include "tests/fuzz/eza_oracle.h"
#include "tests/fuzz/fuzz.h"

enum { GAP_US = 62000, REPLY_TIMEOUT_US = 100000, RECEIVED_MAX = 4096, PIECE_MAX = 31 };

enum operation { RAW, REPLY, NAK, ECHO, WAIT, EXPIRE, AT_DEADLINE, START, OPERATIONS };

/* A link and what it was given since the exchange under way began. */
struct line {
    struct eza_link link;
    const struct eza_command *command; /* under way, or NULL */
    struct eza_values asked;
    int64_t now_us;
    uint8_t received[RECEIVED_MAX];
    size_t count;
};

/* True if a correct refusal or reply (with these values, unless NULL) was received. */
static bool was_received(const struct line *line, bool nak, const struct eza_values *values)
{
    bool check = line->link.settings.address.check;
    const uint8_t *end = line->received + line->count, *at = line->received;

    while ((at = memchr(at, 0x02, (size_t)(end - at))) != NULL) {
        size_t left = (size_t)(end - at);

        if (nak ? oracle_is_nak(at, left, line->command, check)
                : oracle_is_reply(at, left, line->command, check) &&
                      (values == NULL || oracle_holds(at, line->command, values)))
            return true;
        at++;
    }
    return false;
}

static void check_end(const struct line *line, bool in_time, const struct eza_outcome *outcome)
{
    struct failure failure;

    CHECK(line->command != NULL);
    CHECK(eza_link_deadline_us(&line->link) == INT64_MAX);
    CHECK(eza_link_ready_us(&line->link) == line->now_us + GAP_US);
    if (outcome->result == EZA_OK) {
        CHECK(was_received(line, false, &outcome->values));
        CHECK(eza_check(&line->command->reply, &outcome->values, &failure));
        CHECK(!in_time || line->command->request.count == 0 ||
              memcmp(&outcome->values, &line->asked, sizeof line->asked) == 0);
        return;
    }
    CHECK(outcome->failure.text[0] != '\0' && outcome->failure.reason < REASON_COUNT);
    CHECK(outcome->result != EZA_TIMEOUT || !in_time);
    CHECK(outcome->result != EZA_REFUSED || was_received(line, true, NULL));
    CHECK(outcome->result != EZA_RETRYABLE || line->count > 0);
    CHECK(outcome->result != EZA_PENDING && outcome->result != EZA_LOST);
}

static void check_bounds(const struct line *line)
{
    CHECK(line->link.received_count <= EZA_LINK_BUFFER);
    CHECK(line->link.unanswered_count <= EZA_LINK_UNANSWERED);
}

static void receive(struct line *line, const uint8_t *bytes, size_t count)
{
    bool in_time = line->now_us < eza_link_deadline_us(&line->link);
    struct eza_outcome outcome = {.failure = {.text = ""}};

    if (line->count + count > sizeof line->received)
        return;
    memcpy(line->received + line->count, bytes, count);
    line->count += count;
    if (eza_link_receive(&line->link, bytes, count, line->now_us, &outcome)) {
        check_end(line, in_time, &outcome);
        line->command = NULL;
    } else if (line->command != NULL && line->command->request.count == 0 &&
               line->count <= EZA_LINK_BUFFER) {
        CHECK(!was_received(line, false, NULL) && !was_received(line, true, NULL));
    }
}

/* A frame with a right checksum and everything else from the input. */
static void receive_frame(struct line *line, struct fuzz_input *input, size_t length, uint8_t flag)
{
    uint8_t frame[EZA_FRAME_MAX] = {0x02, (uint8_t)length, 0, 16}, addresses = fuzz_byte(input);

    if (addresses != 0) {
        frame[2] = addresses & 0xf0;
        frame[3] = (uint8_t)(addresses << 4);
    }
    frame[4] = (line->command != NULL ? line->command->cmd : 0) | flag;
    for (size_t i = 0; i < length; i++)
        frame[5 + i] = fuzz_byte(input);
    oracle_seal(frame);
    receive(line, frame, 7 + length);
}

static void receive_raw(struct line *line, struct fuzz_input *input, size_t count)
{
    uint8_t bytes[PIECE_MAX] = {0};

    for (size_t i = 0; i < count; i++)
        bytes[i] = fuzz_byte(input);
    receive(line, bytes, count);
}

static void expire(struct line *line)
{
    bool in_time = line->now_us < eza_link_deadline_us(&line->link);
    struct eza_outcome outcome = {.failure = {.text = ""}};

    if (eza_link_expire(&line->link, line->now_us, &outcome)) {
        CHECK(!in_time);
        check_end(line, in_time, &outcome);
        line->command = NULL;
    } else {
        CHECK(in_time);
    }
}

static void start(struct line *line, struct fuzz_input *input)
{
    const struct eza_command *command = &eza_commands[fuzz_byte(input) % eza_command_count];
    const struct eza_command *flush;

    if (line->command != NULL)
        return;
    flush = eza_link_flush_command(&line->link, command, line->now_us);
    CHECK(flush == NULL || (flush->request.count == 0 && flush->cmd != command->cmd));
    line->asked = (struct eza_values){{0}};
    for (size_t i = 0; i < command->request.count; i++)
        line->asked.raw[i] =
            command->request.field[i].type == EZA_U8 ? fuzz_byte(input) : fuzz_u16(input);
    line->count = 0;
    line->command = command;
    CHECK(eza_link_start(&line->link, command, &line->asked, line->now_us) ==
          eza_request_size(command));
    CHECK(eza_link_deadline_us(&line->link) > line->now_us + REPLY_TIMEOUT_US);
}

static void operate(struct line *line, struct fuzz_input *input, enum operation operation,
                    unsigned operand)
{
    const struct eza_command *command = line->command;

    switch (operation) {
    case RAW:
        receive_raw(line, input, operand);
        break;
    case REPLY:
        receive_frame(line, input, command != NULL ? eza_fields_size(&command->reply) : operand % 8,
                      0);
        break;
    case NAK:
        receive_frame(line, input, 2, 0x80);
        break;
    case ECHO:
        receive(line, line->link.request, line->link.request_size);
        break;
    case WAIT:
        line->now_us += INT64_C(1) << operand % 22;
        break;
    case EXPIRE:
        expire(line);
        break;
    case AT_DEADLINE:
        if (command != NULL && eza_link_deadline_us(&line->link) > line->now_us)
            line->now_us = eza_link_deadline_us(&line->link);
        expire(line);
        break;
    default:
        if (operand == PIECE_MAX) {
            eza_link_reset(&line->link);
            line->command = NULL;
        }
        start(line, input);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    const struct eza_link_settings settings = {.address = {0, 16, (fuzz_byte(&input) & 1) != 0},
                                               .byte_ns = 520833,
                                               .reply_timeout_us = REPLY_TIMEOUT_US,
                                               .gap_us = GAP_US};
    static struct line line; /* all that is read is set first */

    line.command = NULL;
    line.now_us = 0;
    line.count = 0;
    eza_link_init(&line.link, &settings);
    start(&line, &input);
    while (input.size > 0) {
        uint8_t byte = fuzz_byte(&input);

        operate(&line, &input, byte % OPERATIONS, byte / OPERATIONS);
        check_bounds(&line);
    }
    return 0;
}
