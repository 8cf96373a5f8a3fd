/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in both directions: golden vectors for every command, and answers among other bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dcdcd/eza_frame.h"

struct golden {
    const char *name;
    const char *asked[EZA_FIELDS_MAX]; /* as a client writes them */
    uint8_t request[EZA_FRAME_MAX];
    size_t request_size;
    uint8_t reply[EZA_FRAME_MAX];
    size_t reply_size;
    const char *shown[EZA_FIELDS_MAX];
};

#include "tests/unit/golden_vectors.h"

static const struct eza_address address = {.address1 = 0, .address2 = 16, .check = true};

static void check_request(const struct golden *golden, const struct eza_command *command)
{
    struct eza_values values = {0};
    struct failure failure = {.text = ""};
    uint8_t frame[EZA_FRAME_MAX];

    for (size_t i = 0; i < command->request.count; i++)
        if (!eza_encode(&command->request.field[i], golden->asked[i], &values.raw[i], &failure))
            fail_msg("%s: %s", golden->name, failure.text);
    assert_int_equal(eza_frame_request(command, &address, &values, frame), golden->request_size);
    assert_memory_equal(frame, golden->request, golden->request_size);
    assert_int_equal(eza_request_size(command), golden->request_size);
}

static void check_reply(const struct golden *golden, const struct eza_command *command)
{
    struct eza_found found;
    char text[EZA_TEXT_SIZE];

    assert_int_equal(eza_reply_size(command), golden->reply_size);
    assert_int_equal(eza_frame_find(golden->reply, golden->reply_size, command, &address, &found),
                     EZA_REPLY);
    for (size_t i = 0; i < command->reply.count; i++)
        assert_string_equal(eza_print(&command->reply.field[i], found.values.raw[i], text),
                            golden->shown[i]);
}

static void golden_vectors_hold(void **state)
{
    size_t rows = 0;
    const char *last = "";

    (void)state;
    for (size_t i = 0; i < sizeof golden_vectors / sizeof golden_vectors[0]; i++) {
        const struct golden *golden = &golden_vectors[i];
        const struct eza_command *command = eza_command_find(golden->name);

        assert_non_null(command);
        check_request(golden, command);
        check_reply(golden, command);
        rows += strcmp(golden->name, last) != 0;
        last = golden->name;
    }
    assert_int_equal(rows, eza_command_count);
}

/* A broken or surrounded answer to 1-1, what is found in it, and how the rest is counted. */
struct stream {
    const char *name;
    uint8_t bytes[64];
    size_t count;
    enum eza_answer answer;
    struct eza_residue residue; /* when nothing is found */
};

#define REPLY      0x02, 0x02, 0x00, 0x10, 0x00, 0x14, 0x00, 0x24, 0x00
#define BYTES(...) {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})

static const struct stream streams[] = {
    {"alone", BYTES(REPLY), EZA_REPLY, {0}},
    {"swapped addresses", BYTES(2, 2, 16, 0, 0, 0x14, 0, 0x24, 0), EZA_REPLY, {0}},
    {"noise before", BYTES(0xff, 0x02, 0x05, REPLY), EZA_REPLY, {0}},
    {"noise after", BYTES(REPLY, 0x02, 0x02), EZA_REPLY, {0}},
    {"a cut answer before", BYTES(2, 2, 0, 0x10, REPLY), EZA_REPLY, {0}},
    {"a whole header before", BYTES(2, 2, 0, 0x10, 0, REPLY), EZA_REPLY, {0}},
    {"our echo before", BYTES(5, 0, 0, 16, 0, 16, 0, REPLY), EZA_REPLY, {0}},
    {"refused", BYTES(2, 2, 0, 16, 0x80, 0xfe, 0xff, 0x8d, 2), EZA_NAK, {0}},
    {"cut", BYTES(2, 2, 0, 0x10, 0, 0x14, 0, 0x24), EZA_NO_ANSWER, {.noise_bytes = 8}},
    {"checksum", BYTES(2, 2, 0, 16, 0, 0x14, 0, 0x25, 0), EZA_NO_ANSWER, {.checksum_errors = 1}},
    {"high byte of the checksum",
     BYTES(2, 2, 0, 16, 0, 0x14, 0, 0x24, 1),
     EZA_NO_ANSWER,
     {.checksum_errors = 1}},
    {"foreign", BYTES(2, 2, 1, 16, 0, 0x14, 0, 0x25, 0), EZA_NO_ANSWER, {.foreign = 1}},
    {"another command",
     BYTES(2, 2, 0, 16, 1, 0x14, 0, 0x25, 0),
     EZA_NO_ANSWER,
     {.unexpected = 1, .unexpected_cmd = 1}},
    {"another length", BYTES(2, 1, 0, 16, 0, 0x14, 0x24, 0), EZA_NO_ANSWER, {.unexpected = 1}},
    {"request start byte",
     BYTES(5, 2, 0, 16, 0, 0x14, 0, 0x24, 0),
     EZA_NO_ANSWER,
     {.noise_bytes = 9}},
    {"only an echo", BYTES(5, 0, 0, 16, 0, 16, 0), EZA_NO_ANSWER, {.echoes = 1}},
    {"an echo that collided", BYTES(5, 0, 0, 17, 0, 16, 0), EZA_NO_ANSWER, {.noise_bytes = 7}},
    {"nothing", {0}, 0, EZA_NO_ANSWER, {0}},
};

static void answers_are_found_among_other_bytes(void **state)
{
    static const uint8_t request[] = {5, 0, 0, 16, 0, 16, 0};
    const struct eza_command *command = eza_command_find("1-1");

    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        const struct stream *s = &streams[i];
        struct eza_found found = {0};
        struct eza_residue residue = {0};
        enum eza_answer answer = eza_frame_find(s->bytes, s->count, command, &address, &found);

        if (answer != s->answer)
            fail_msg("%s: answer %d, want %d", s->name, answer, s->answer);
        if (answer == EZA_REPLY)
            assert_int_equal(found.values.raw[0], 0x14);
        if (answer == EZA_NAK)
            assert_int_equal(found.ercd, 0xfffe);
        if (answer != EZA_NO_ANSWER)
            continue;
        eza_frame_classify(s->bytes, s->count, command, &address, request, sizeof request,
                           &residue);
        if (memcmp(&residue, &s->residue, sizeof residue) != 0)
            fail_msg("%s: %u echoes, %u checksums, %u foreign, %u unexpected, %u noise", s->name,
                     residue.echoes, residue.checksum_errors, residue.foreign, residue.unexpected,
                     residue.noise_bytes);
    }
}

static void any_address_passes_when_not_checked(void **state)
{
    const struct eza_address any = {.address1 = 0, .address2 = 16, .check = false};
    const uint8_t bytes[] = {2, 2, 7, 9, 0, 0x14, 0, 0x24, 0};
    struct eza_found found;

    (void)state;
    assert_int_equal(eza_frame_find(bytes, sizeof bytes, eza_command_find("1-1"), &any, &found),
                     EZA_REPLY);
    assert_int_equal(eza_frame_find(bytes, sizeof bytes, eza_command_find("1-1"), &address, &found),
                     EZA_NO_ANSWER);
}

/* Whatever is cut off or changed in one byte is never taken for the answer. */
static void no_damaged_answer_is_believed(void **state)
{
    static const uint8_t good[] = {REPLY};
    const struct eza_command *command = eza_command_find("1-1");
    struct eza_found found;
    uint8_t bytes[sizeof good];

    (void)state;
    for (size_t length = 0; length < sizeof good; length++)
        assert_int_equal(eza_frame_find(good, length, command, &address, &found), EZA_NO_ANSWER);
    for (size_t i = 0; i < sizeof good; i++)
        for (unsigned value = 0; value <= UINT8_MAX; value++) {
            memcpy(bytes, good, sizeof good);
            bytes[i] = (uint8_t)value;
            if (value != good[i])
                assert_int_equal(eza_frame_find(bytes, sizeof bytes, command, &address, &found),
                                 EZA_NO_ANSWER);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vectors_hold),
        cmocka_unit_test(answers_are_found_among_other_bytes),
        cmocka_unit_test(any_address_passes_when_not_checked),
        cmocka_unit_test(no_damaged_answer_is_believed),
    };

    return cmocka_run_group_tests_name("eza_frame", tests, NULL, NULL);
}
