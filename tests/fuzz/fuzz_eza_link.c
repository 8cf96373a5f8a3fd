/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges on a line where anything may come, in any pieces, at any time: an exchange ends only
 * with what was really received in it or at its deadline, a correct answer is never overlooked,
 * and no state grows. Or a sound line with a converter that answers in order, each request once at
 * most, as late as eza_link.h thinks possible: no answer is taken for another request's. Input:
 * settings, then operations of one byte and their operands.
 */
#include "dcdcd/eza_link.h"

#include "tests/fuzz/eza_oracle.h"
#include "tests/fuzz/fuzz.h"

enum {
    GAP_US = 62000,
    REPLY_TIMEOUT_US = 100000,
    LONG_TIMEOUT_US = 2000000,
    RECEIVED_MAX = 4096,
    PIECE_MAX = 31
};

enum operation { RAW, REPLY, NAK, ECHO, WAIT, EXPIRE, AT_DEADLINE, START, OPERATIONS };

/* A link and what it was given since the exchange under way began. */
struct line {
    struct eza_link link;
    const struct eza_command *command; /* under way, or NULL */
    struct eza_values asked;
    int64_t now_us;
    uint8_t received[RECEIVED_MAX];
    size_t count;
    uint64_t expired; /* CMDs with an exchange that ended at its deadline, a bit each */
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
        CHECK(!was_received(line, false, NULL));
        CHECK(!was_received(line, true, NULL) || (line->expired >> line->command->cmd & 1) != 0);
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
        line->expired |= UINT64_C(1) << line->command->cmd;
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

enum { SENT_MAX = 192, LATE_US = 2000000, ERCD_FIRST = 0x1000, ERCD_BUSY = 0xfffc };

enum turn { ASK, REPEAT, CONFIRM, ANSWER_OTHERWISE, REFUSE, REFUSE_BUSY, LOSE, PASS, END, TURNS };

/* A request, by its number, and what became of it. */
struct sent {
    const struct eza_command *command;
    struct eza_values asked, answer;
    int64_t until_us; /* when an answer can come no more */
    bool is_flush, answered;
    size_t step; /* the first try of the same read or write */
};

struct converter {
    struct eza_link link;
    int64_t now_us;
    struct sent sent[SENT_MAX];
    size_t count, next; /* next: the one that is answered next */
    bool failed;        /* the last one, that may be repeated */
};

static const uint16_t modes[] = {0x0000, 0x0002, 0x0014, 0x0041};

/* Values that are valid and, but for modes and states, those of this request alone. */
static struct eza_values values_of(const struct eza_fields *fields, unsigned number)
{
    struct eza_values values = {{0}};

    for (size_t i = 0; i < fields->count; i++)
        values.raw[i] = (uint16_t)(fields->field[i].kind == EZA_MODE  ? modes[number % 4]
                                   : fields->field[i].kind == EZA_CST ? number % 3
                                                                      : number);
    return values;
}

static bool asks_the_same(const struct sent *a, const struct sent *b)
{
    return a->command == b->command && memcmp(&a->asked, &b->asked, sizeof a->asked) == 0;
}

/* Who was answered when the exchange of the last request ended; NULL: it was its deadline. */
static void judge(struct converter *converter, const struct sent *answered,
                  const struct eza_outcome *outcome)
{
    const struct sent *last = &converter->sent[converter->count - 1];
    bool reads = last->command->request.count == 0;

    if (outcome->result == EZA_REFUSED)
        CHECK(outcome->ercd >= ERCD_FIRST && outcome->ercd < ERCD_FIRST + converter->count &&
              asks_the_same(&converter->sent[outcome->ercd - ERCD_FIRST], last));
    else if (outcome->result == EZA_OK && answered == NULL)
        CHECK(last->answered && memcmp(&outcome->values, &last->answer, sizeof last->answer) == 0);
    else if (outcome->result == EZA_OK && reads)
        CHECK(last->is_flush || answered->step == last->step);
    else if (outcome->result == EZA_OK)
        CHECK(memcmp(&outcome->values, &last->asked, sizeof last->asked) == 0);
    converter->failed = outcome->result == EZA_TIMEOUT || outcome->result == EZA_RETRYABLE;
}

static bool is_busy(const struct converter *converter)
{
    return eza_link_deadline_us(&converter->link) != INT64_MAX;
}

static void put(struct converter *converter, const struct eza_command *command,
                const struct eza_values *asked, bool is_flush, size_t step)
{
    eza_link_start(&converter->link, command, asked, converter->now_us);
    converter->sent[converter->count++] =
        (struct sent){.command = command,
                      .asked = *asked,
                      .until_us = eza_link_deadline_us(&converter->link) + LATE_US,
                      .is_flush = is_flush,
                      .step = step};
}

/* A new command, or the read that has to go before it. */
static void ask(struct converter *converter, unsigned operand)
{
    static const char *const names[] = {"1-1", "1-4", "2-1", "4-1", "4-4"};
    const struct eza_command *command = eza_command_find(names[operand % 5]), *flush;
    struct eza_values asked = values_of(&command->request, operand / 5);

    flush = eza_link_flush_command(&converter->link, command, converter->now_us);
    if (flush != NULL)
        put(converter, flush, &(struct eza_values){{0}}, true, converter->count);
    else
        put(converter, command, &asked, false, converter->count);
}

static void repeat(struct converter *converter)
{
    const struct sent *last = &converter->sent[converter->count - 1];

    if (converter->failed && !last->is_flush)
        put(converter, last->command, &last->asked, false, last->step);
}

/* The converter's answer to the oldest request that it has not answered or lost. */
static void answer(struct converter *converter, enum turn turn, unsigned operand)
{
    uint8_t frame[EZA_FRAME_MAX] = {0x02, 2, 0, 16};
    unsigned number = (unsigned)converter->next;
    struct sent *sent = &converter->sent[converter->next++];
    uint16_t ercd = turn == REFUSE ? (uint16_t)(ERCD_FIRST + number) : ERCD_BUSY;
    struct eza_outcome outcome = {.failure = {.text = ""}};

    if (turn == LOSE || converter->now_us >= sent->until_us)
        return;
    frame[4] = sent->command->cmd;
    if (turn == REFUSE || turn == REFUSE_BUSY) {
        frame[4] |= 0x80;
        frame[5] = (uint8_t)ercd;
        frame[6] = (uint8_t)(ercd >> 8);
    } else {
        sent->answer = turn == CONFIRM && sent->command->request.count > 0
                           ? sent->asked
                           : values_of(&sent->command->reply, 0x4000 + number + operand);
        sent->answered = true;
        frame[1] = (uint8_t)eza_pack(&sent->command->reply, &sent->answer, frame + 5);
    }
    oracle_seal(frame);
    if (eza_link_receive(&converter->link, frame, 7U + frame[1], converter->now_us, &outcome))
        judge(converter, sent, &outcome);
}

/* Time passes, but not beyond the end of an exchange. */
static void pass(struct converter *converter, int64_t us)
{
    int64_t end_us = eza_link_deadline_us(&converter->link);

    converter->now_us += us;
    if (converter->now_us > end_us)
        converter->now_us = end_us;
}

static void end(struct converter *converter)
{
    struct eza_outcome outcome = {.failure = {.text = ""}};

    converter->now_us = eza_link_deadline_us(&converter->link);
    CHECK(eza_link_expire(&converter->link, converter->now_us, &outcome));
    judge(converter, NULL, &outcome);
}

static void take_turn(struct converter *converter, enum turn turn, unsigned operand)
{
    bool busy = is_busy(converter), room = converter->count < SENT_MAX;

    if (turn == ASK && !busy && room)
        ask(converter, operand);
    else if (turn == REPEAT && !busy && room && converter->count > 0)
        repeat(converter);
    else if (turn >= CONFIRM && turn <= LOSE && converter->next < converter->count)
        answer(converter, turn, operand);
    else if (turn == PASS)
        pass(converter, INT64_C(1) << operand % 22);
    else if (turn == END && busy)
        end(converter);
}

static void converse(const struct eza_link_settings *settings, struct fuzz_input *input)
{
    static struct converter converter; /* what has been sent is set first */

    eza_link_init(&converter.link, settings);
    converter.now_us = 0;
    converter.count = converter.next = 0;
    converter.failed = false;
    while (input->size > 0) {
        uint8_t byte = fuzz_byte(input);

        take_turn(&converter, byte % TURNS, byte / TURNS);
    }
}

static void suffer(const struct eza_link_settings *settings, struct fuzz_input *input)
{
    static struct line line; /* all that is read is set first */

    line.command = NULL;
    line.now_us = 0;
    line.count = 0;
    line.expired = 0;
    eza_link_init(&line.link, settings);
    start(&line, input);
    while (input->size > 0) {
        uint8_t byte = fuzz_byte(input);

        operate(&line, input, byte % OPERATIONS, byte / OPERATIONS);
        check_bounds(&line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t kind = fuzz_byte(&input);
    const struct eza_link_settings settings = {
        .address = {0, 16, (kind & 1) != 0},
        .byte_ns = 520833,
        .reply_timeout_us = (kind & 4) != 0 ? LONG_TIMEOUT_US : REPLY_TIMEOUT_US,
        .gap_us = GAP_US};

    if ((kind & 2) != 0)
        converse(&settings, &input);
    else
        suffer(&settings, &input);
    return 0;
}
