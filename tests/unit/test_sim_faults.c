/* SPDX-License-Identifier: Apache-2.0 */
/* The simulators' faults: what they make of an answer, and when they apply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/battery_faults.h"
#include "tests/sim/eza2500_faults.h"

enum { WORDS_MAX = 16, HEX_SIZE = 2 * SIM_ANSWER_MAX + 1 };

/* Adds a fault given as text; false with error filled when it is refused. */
static bool add(struct sim_faults *faults, const char *text, char *error)
{
    char copy[128];
    char *words[WORDS_MAX];
    char *rest = NULL;
    int count = 0;

    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    return sim_faults_add(faults, count, words, error);
}

static void must_add(struct sim_faults *faults, const char *text)
{
    char error[SIM_ERROR_SIZE] = "";

    if (!add(faults, text, error))
        fail_msg("%s: %s", text, error);
}

static size_t from_hex(const char *hex, uint8_t *bytes)
{
    int size = sim_parse_hex(hex, bytes, SIM_FRAME_MAX);

    assert_true(size > 0);
    return (size_t)size;
}

static const char *to_hex(const uint8_t *bytes, size_t size, char *hex)
{
    hex[0] = '\0';
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return hex;
}

/* What becomes of an exchange, given in hexadecimal. */
static struct sim_plan apply(struct sim_faults *faults, const char *name, const char *request,
                             const char *answer)
{
    uint8_t asked[SIM_FRAME_MAX], answered[SIM_FRAME_MAX];
    struct sim_exchange exchange = {.name = name, .request = asked};
    struct sim_plan plan;
    size_t size = from_hex(answer, answered);

    exchange.request_size = from_hex(request, asked);
    exchange.cmd = faults->protocol == &eza2500_protocol ? asked[EZA_AT_CMD] : asked[1];
    sim_faults_apply(faults, &exchange, answered, size, &plan);
    return plan;
}

/* The mode is read, "Waiting" is answered. */
static struct sim_plan apply_to_1_1(struct sim_faults *faults)
{
    return apply(faults, "1-1", "05000010001000", "020200100000001000");
}

static void assert_answer(const struct sim_plan *plan, const char *expected)
{
    char hex[HEX_SIZE];

    assert_string_equal(to_hex(plan->answer, plan->size, hex), expected);
}

struct row {
    const char *fault;
    const char *answer; /* in hexadecimal */
};

static void test_each_fault_changes_the_answer(void **state)
{
    static const struct row rows[] = {
        {"checksum", "020200100000001055"},
        {"cut 0", ""},
        {"cut 8", "0202001000000010"},
        {"cut 9", "020200100000001000"},
        {"noise_before 0x0205", "0205020200100000001000"},
        {"noise_inside 0xff", "02020010ff0000001000"},
        {"noise_after 0x0200", "0202001000000010000200"},
        {"ad1", "020240100000005000"},
        {"ad2 ff", "020200ff000000ff00"},
        {"command 1a", "020200101a00002a00"},
        {"length", "020400100000001000"},
        {"length 255", "02ff00100000001000"},
        {"nak fffd", "0202001080fdff8c02"},
        {"mode", "02020010009900a900"},
        {"mode 0x1234", "020200100034125600"},
        {"data 0a", "0201001000"
                    "0a1a00"},
        {"hangup 3", "020200"},
        {"alarm_state", "020200100000001000"}, /* belongs to other answers */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sim_faults faults;
        struct sim_plan plan;

        sim_faults_init(&faults, &eza2500_protocol);
        must_add(&faults, rows[i].fault);
        plan = apply_to_1_1(&faults);
        assert_answer(&plan, rows[i].answer);
        assert_int_equal(plan.copies, 1);
        sim_faults_clear(&faults, NULL);
    }
}

static void test_status_faults_change_the_status_word(void **state)
{
    struct sim_faults faults;
    struct sim_plan plan;

    (void)state;
    sim_faults_init(&faults, &eza2500_protocol);
    must_add(&faults, "alarm_state 2");
    must_add(&faults, "running_state");
    plan = apply(&faults, "2-1", "05000010011100", "0204001001010000001200");
    assert_answer(&plan, "02040010010b0000001c00");
    sim_faults_clear(&faults, NULL);
}

static void test_modbus_faults_change_the_answer(void **state)
{
    static const struct row rows[] = {
        {"exception 4", "01840442c3"},        {"unit", "02040401f50001188a"},
        {"function 3", "01030401f500012a3d"}, {"short", "01040201f578e7"},
        {"long", "01040601f500010000bc97"},   {"data ffff", "010402ffffb880"},
        {"checksum", "01040401f500012bdf"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sim_faults faults;
        struct sim_plan plan;

        sim_faults_init(&faults, &battery_protocol);
        must_add(&faults, rows[i].fault);
        plan = apply(&faults, "", "0104001d0002e1cd", "01040401f500012b8a");
        assert_answer(&plan, rows[i].answer);
        sim_faults_clear(&faults, NULL);
    }
}

static void test_crc_has_its_published_check_value(void **state)
{
    static const uint8_t check[] = "123456789";

    (void)state;
    assert_int_equal(modbus_crc(check, sizeof check - 1), 0x4b37);
}

static void test_transport_faults_change_when_and_how_often(void **state)
{
    struct sim_faults faults;
    struct sim_plan plan;
    char hex[HEX_SIZE];

    (void)state;
    sim_faults_init(&faults, &eza2500_protocol);
    must_add(&faults, "late 0.15 count 1");
    must_add(&faults, "split 0.001 count 1");
    must_add(&faults, "twice count 1");
    must_add(&faults, "echo_changed 4 count 1");
    plan = apply_to_1_1(&faults);
    assert_int_equal(plan.late_us, 150000);
    assert_int_equal(plan.gap_us, 1000);
    assert_int_equal(plan.copies, 2);
    assert_string_equal(to_hex(plan.echo, plan.echo_size, hex), "05000010551000");
    assert_int_equal(faults.count, 0);
    must_add(&faults, "drop");
    must_add(&faults, "hangup");
    plan = apply_to_1_1(&faults);
    assert_int_equal(plan.copies, 0);
    assert_true(plan.hangup);
    sim_faults_clear(&faults, "drop");
    assert_int_equal(faults.count, 1);
    sim_faults_clear(&faults, NULL);
    assert_int_equal(faults.count, 0);
}

static void test_noise_is_as_long_as_asked_for(void **state)
{
    struct sim_faults faults;
    struct sim_plan plan;

    (void)state;
    sim_faults_init(&faults, &eza2500_protocol);
    for (int i = 0; i < 4; i++)
        must_add(&faults, "noise_before 128");
    plan = apply_to_1_1(&faults);
    assert_int_equal(plan.size, 4 * 128 + 9);
    assert_int_equal(plan.answer[(size_t)4 * 128], 0x02);
    for (int i = 0; i < 8; i++)
        must_add(&faults, "noise_after 128");
    plan = apply_to_1_1(&faults); /* what does not fit is left out */
    assert_int_equal(plan.size, 7 * 128 + 9);
    sim_faults_clear(&faults, NULL);
}

static void test_faults_apply_to_one_command_or_so_many_answers(void **state)
{
    struct sim_faults faults;
    struct sim_plan plan;

    (void)state;
    sim_faults_init(&faults, &eza2500_protocol);
    must_add(&faults, "drop for 1-4");
    must_add(&faults, "late 1 for cmd 0 count 2");
    plan = apply_to_1_1(&faults);
    assert_int_equal(plan.copies, 1);
    assert_int_equal(plan.late_us, 1000000);
    plan = apply(&faults, "4-1", "050000101a2a00",
                 "0202001000000010"
                 "00");
    assert_int_equal(plan.late_us, 0);
    plan = apply(&faults, "1-4",
                 "0502001000"
                 "00001000",
                 "020200100000001000");
    assert_int_equal(plan.copies, 0);
    assert_int_equal(plan.late_us, 1000000);
    assert_int_equal(faults.count, 1);
    plan = apply_to_1_1(&faults);
    assert_int_equal(plan.late_us, 0);
    sim_faults_clear(&faults, NULL);
}

static void test_silence_hides_the_request(void **state)
{
    struct sim_faults faults;
    const uint8_t request[] = {5, 0, 0, 16, 0, 16, 0};
    const struct sim_exchange exchange = {
        .name = "1-1", .request = request, .request_size = sizeof request};

    (void)state;
    sim_faults_init(&faults, &eza2500_protocol);
    must_add(&faults, "silence count 2");
    assert_true(sim_faults_deaf(&faults, &exchange));
    assert_true(sim_faults_deaf(&faults, &exchange));
    assert_false(sim_faults_deaf(&faults, &exchange));
}

static void test_a_refusal_is_known_beforehand(void **state)
{
    struct sim_faults faults;
    const struct sim_exchange mode = {.name = "1-4", .cmd = 0x00};
    const struct sim_exchange grid = {.name = "4-4", .cmd = 0x1a};

    (void)state;
    sim_faults_init(&faults, &eza2500_protocol);
    must_add(&faults, "drop");
    assert_false(sim_faults_refuse(&faults, &mode));
    must_add(&faults, "nak fffc for 1-4 count 1");
    assert_true(sim_faults_refuse(&faults, &mode));
    assert_true(sim_faults_refuse(&faults, &mode)); /* asking does not use it up */
    assert_false(sim_faults_refuse(&faults, &grid));
    sim_faults_clear(&faults, NULL);
}

static void test_nonsense_is_refused(void **state)
{
    static const char *const refused[] = {
        "no_such_fault",
        "late",
        "late x",
        "late -1",
        "late nan",
        "late 1e9",
        "cut",
        "cut -1",
        "cut 5x",
        "noise_before",
        "noise_after 0",
        "noise_after 129",
        "noise_inside 0x",
        "noise_inside 0x123",
        "nak",
        "nak 10000",
        "nak xyz",
        "data 123",
        "drop 5",
        "drop count",
        "drop count 0",
        "drop for",
        "drop for cmd",
        "drop for cmd 100",
        "drop count 1 x",
        "exception 4",
        "drop for a_name_that_is_too_long",
    };
    struct sim_faults faults;

    (void)state;
    sim_faults_init(&faults, &eza2500_protocol);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char error[SIM_ERROR_SIZE] = "";

        if (add(&faults, refused[i], error))
            fail_msg("accepted: %s", refused[i]);
        assert_string_not_equal(error, "");
        assert_int_equal(faults.count, 0);
    }
}

static void test_faults_are_bounded(void **state)
{
    struct sim_faults faults;
    char error[SIM_ERROR_SIZE] = "";

    (void)state;
    sim_faults_init(&faults, &battery_protocol);
    for (int i = 0; i < SIM_FAULTS_MAX; i++)
        must_add(&faults, "drop");
    assert_false(add(&faults, "drop", error));
    assert_string_not_equal(error, "");
    sim_faults_clear(&faults, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault_changes_the_answer),
        cmocka_unit_test(test_status_faults_change_the_status_word),
        cmocka_unit_test(test_modbus_faults_change_the_answer),
        cmocka_unit_test(test_crc_has_its_published_check_value),
        cmocka_unit_test(test_transport_faults_change_when_and_how_often),
        cmocka_unit_test(test_noise_is_as_long_as_asked_for),
        cmocka_unit_test(test_faults_apply_to_one_command_or_so_many_answers),
        cmocka_unit_test(test_silence_hides_the_request),
        cmocka_unit_test(test_a_refusal_is_known_beforehand),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_faults_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
