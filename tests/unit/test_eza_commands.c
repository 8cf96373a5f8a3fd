/* SPDX-License-Identifier: Apache-2.0 */
/* Lint of the command table: it says what the wire facts say, and nothing in it can overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/eza_commands.h"

/* The wire facts, row by row, in their own notation; fields ":unit" behind the scaling. */
static const struct {
    const char *name;
    uint8_t cmd;
    size_t request_size, reply_size;
    const char *fields; /* of the reply, and of a write's request */
} facts[] = {
    {"1-1", 0x00, 0, 2, "mode H mode"},
    {"1-4", 0x00, 2, 2, "mode H mode"},
    {"2-1", 0x01, 0, 4, "cst H cst, ext H hex"},
    {"3-1", 0x18, 0, 4, "cvb H Q14 48 V [32..62], drb H Q13 1 [0..3.999]"},
    {"3-4", 0x18, 4, 4, "cvb H Q14 48 V [32..62], drb H Q13 1 [0..3.999]"},
    {"4-1", 0x1a, 0, 4, "dvg H Q14 380 V [260..390], drg H Q13 1 [0..3.999]"},
    {"4-4", 0x1a, 4, 4, "dvg H Q14 380 V [260..390], drg H Q13 1 [0..3.999]"},
    {"5-1", 0x17, 0, 4, "pdz H Q14 380 V [0..57], mdz H Q14 380 V [0..57]"},
    {"5-4", 0x17, 4, 4, "pdz H Q14 380 V [0..57], mdz H Q14 380 V [0..57]"},
    {"6-1", 0x1c, 0, 12,
     "cib H Q13 52.08 A [0..56.77], dig H Q13 7.8125 A [0..8.5162], ubv H Q14 48 V [32..68], "
     "ugv H Q14 380 V [260..425], obv H Q14 48 V [32..68], ogv H Q14 380 V [260..425]"},
    {"6-4", 0x1c, 12, 12,
     "cib H Q13 52.08 A [0..56.77], dig H Q13 7.8125 A [0..8.5162], ubv H Q14 48 V [32..68], "
     "ugv H Q14 380 V [260..425], obv H Q14 48 V [32..68], ogv H Q14 380 V [260..425]"},
    {"7-1", 0x1d, 0, 10,
     "bcf H hex, cvb H Q14 48 V [32..62], dlb H Q14 48 V [32..64], cdb H Q14 48 V [0..12], "
     "ddb H Q14 48 V [0..12]"},
    {"7-4", 0x1d, 10, 10,
     "bcf H hex, cvb H Q14 48 V [32..62], dlb H Q14 48 V [32..64], cdb H Q14 48 V [0..12], "
     "ddb H Q14 48 V [0..12]"},
    {"8-1", 0x16, 0, 4, "ccr H Q14 48 V [0..12], ddr H Q14 48 V [0..12]"},
    {"8-4", 0x16, 4, 4, "ccr H Q14 48 V [0..12], ddr H Q14 48 V [0..12]"},
    {"9-1", 0x12, 0, 6, "alm1 H hex, alm2 H hex, alm3 H hex"},
    {"9-4", 0x12, 2, 2, "d0 B int, d1 B int"},
    {"10-1", 0x09, 0, 16,
     "vg h Q14 380 V, ig h Q13 7.8125 A, vb h Q14 48 V, ib h Q13 52.08 A, wg h Q11 2500 W, "
     "wb h Q11 2500 W, ic h int, tmp h Q7 1 °C"},
    {"11-1", 0x0a, 0, 16,
     "ts h int, tp h int, v5s h Q10 1 V, fan1 h Q0 1 1/min, fan2 h Q0 1 1/min, "
     "fan3 h Q0 1 1/min, fan4 h Q0 1 1/min, fan5 h Q0 1 1/min"},
    {"12-1", 0x0d, 0, 16,
     "vgq H int, igq H int, vbq H int, ibq H int, wgq H int, wbq H int, icq H int, tmpq H int"},
    {"13-1", 0x0e, 0, 16,
     "tsq H int, tpq H int, v5q H int, fn1q H int, fn2q H int, fn3q H int, fn4q H int, "
     "fn5q H int"},
    {"14-1", 0x11, 0, 20,
     "vgn H int, vgnq H int, ign H int, ignq H int, vbn H int, vbnq H int, ibn H int, "
     "ibnq H int, wn H int, wnq H int"},
    {"15-1", 0x1e, 0, 2, "min B int, maj B int"},
    {"16-1", 0x1f, 0, 2, "min B int, maj B int"},
};

struct text {
    char text[512];
};

__attribute__((format(printf, 2, 3))) static void append(struct text *out, const char *format, ...)
{
    size_t length = strlen(out->text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(out->text + length, sizeof out->text - length, format, arguments);
    va_end(arguments);
}

static void append_number(struct text *out, struct decimal value)
{
    char number[DECIMAL_DOUBLE_SIZE];

    append(out, "%s", decimal_print_double(decimal_to_double(value), number));
}

static bool has_range(const struct eza_field *field)
{
    return field->max.coefficient > 0;
}

static void append_field(struct text *out, const struct eza_field *field)
{
    static const char *const types[] = {[EZA_U8] = "B", [EZA_U16] = "H", [EZA_S16] = "h"};
    static const char *const kinds[] = {
        [EZA_INTEGER] = "int", [EZA_HEX] = "hex", [EZA_MODE] = "mode", [EZA_CST] = "cst"};

    append(out, "%s%s %s ", out->text[0] != '\0' ? ", " : "", field->name, types[field->type]);
    if (field->kind != EZA_SCALED) {
        append(out, "%s", kinds[field->kind]);
        return;
    }
    append(out, "Q%u ", (unsigned)field->q);
    append_number(out, field->rating);
    append(out, "%s%s", field->unit[0] != '\0' ? " " : "", field->unit);
    if (has_range(field)) {
        append(out, " [");
        append_number(out, field->min);
        append(out, "..");
        append_number(out, field->max);
        append(out, "]");
    }
}

static void assert_fields(const struct eza_fields *fields, const char *expected)
{
    struct text out = {""};

    for (size_t i = 0; i < fields->count; i++)
        append_field(&out, &fields->field[i]);
    assert_string_equal(out.text, expected);
}

static void test_facts(void **state)
{
    (void)state;
    assert_int_equal(eza_command_count, 24);
    assert_int_equal(eza_command_count, sizeof facts / sizeof facts[0]);
    for (size_t i = 0; i < eza_command_count; i++) {
        const struct eza_command *command = &eza_commands[i];

        assert_string_equal(command->name, facts[i].name);
        assert_int_equal(command->cmd, facts[i].cmd);
        assert_int_equal(eza_fields_size(&command->request), facts[i].request_size);
        assert_int_equal(eza_fields_size(&command->reply), facts[i].reply_size);
        assert_fields(&command->reply, facts[i].fields);
        if (facts[i].request_size > 0)
            assert_fields(&command->request, facts[i].fields);
    }
}

static void test_find(void **state)
{
    (void)state;
    for (size_t i = 0; i < eza_command_count; i++)
        assert_ptr_equal(eza_command_find(eza_commands[i].name), &eza_commands[i]);
    assert_null(eza_command_find(""));
    assert_null(eza_command_find("1-2"));
    assert_null(eza_command_find("1-1 "));
    assert_int_equal(eza_field_find(&eza_command_find("6-4")->request, "dig"), 1);
    assert_int_equal(eza_field_find(&eza_command_find("6-4")->request, "drg"), -1);
    assert_int_equal(eza_field_find(&eza_command_find("6-1")->request, "dig"), -1);
}

/* A CMD byte belongs to one group, and its high bit is the refusal's. */
static void test_cmd_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < eza_command_count; i++)
        for (size_t j = 0; j < eza_command_count; j++) {
            const char *a = eza_commands[i].name, *b = eza_commands[j].name;
            bool same_group =
                strcspn(a, "-") == strcspn(b, "-") && strncmp(a, b, strcspn(a, "-")) == 0;

            assert_int_equal(eza_commands[i].cmd & 0x80, 0);
            assert_int_equal(eza_commands[i].cmd == eza_commands[j].cmd, same_group);
        }
}

/* n-1 reads; n-4 writes what its reply carries, which n-1 reads as well (but 9-4: it clears). */
static void test_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < eza_command_count; i++) {
        const struct eza_command *command = &eza_commands[i];
        size_t dash = strcspn(command->name, "-");

        assert_true(command->help != NULL && command->help[0] != '\0');
        if (strcmp(command->name + dash, "-1") == 0) {
            assert_int_equal(command->request.count, 0);
            continue;
        }
        assert_string_equal(command->name + dash, "-4");
        assert_true(i > 0 && strncmp(command[-1].name, command->name, dash + 1) == 0);
        assert_ptr_equal(command->request.field, command->reply.field);
        assert_int_equal(command->request.count, command->reply.count);
        if (strcmp(command->name, "9-4") != 0)
            assert_ptr_equal(command->request.field, command[-1].reply.field);
    }
}

/* raw × rating / 2^q in the field's unit, exact: 1/2^q is 5^q / 10^q. */
static struct decimal value_of(uint64_t raw, const struct eza_field *field)
{
    struct decimal value = {.coefficient = raw * field->rating.coefficient,
                            .exponent = field->rating.exponent - field->q};

    for (unsigned i = 0; i < field->q; i++)
        assert_false(__builtin_mul_overflow(value.coefficient, 5, &value.coefficient));
    assert_true(value.coefficient < UINT64_C(10000000000000000000));
    return value;
}

static void check_scaled(const struct eza_field *field, bool writable)
{
    assert_true(field->q <= 14);
    assert_true(field->rating.coefficient > 0 && !field->rating.negative);
    /* every raw value has an exact decimal */
    value_of(UINT16_MAX, field);
    assert_int_equal(has_range(field), writable);
    if (!writable)
        return;
    assert_false(field->min.negative || field->max.negative);
    assert_true(decimal_compare(field->min, field->max) < 0);
    /* max × 2^q / rating <= 65535 */
    assert_int_equal(field->type, EZA_U16);
    assert_true(decimal_compare(field->max, value_of(UINT16_MAX, field)) <= 0);
}

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < eza_command_count; i++) {
        const struct eza_fields *fields = &eza_commands[i].reply;
        const struct eza_command *write = &eza_commands[i];

        /* a read's row of a writable group shares the write's fields */
        if (write->request.count == 0 && i + 1 < eza_command_count &&
            write[1].request.field == fields->field)
            write++;
        assert_in_range(fields->count, 1, EZA_FIELDS_MAX);
        for (size_t j = 0; j < fields->count; j++) {
            const struct eza_field *field = &fields->field[j];

            assert_non_null(field->unit);
            assert_true(field->name != NULL && field->name[0] != '\0');
            assert_int_equal(eza_field_find(fields, field->name), j);
            if (field->kind == EZA_SCALED)
                check_scaled(field, write->request.count > 0);
            else
                assert_int_equal(field->rating.coefficient + field->max.coefficient + field->q, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),     cmocka_unit_test(test_find),
        cmocka_unit_test(test_cmd_bytes), cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_fields),
    };

    return cmocka_run_group_tests_name("eza_commands", tests, NULL, NULL);
}
