/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of sets: what is sent, what is refused, and that a stop stops whatever is beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dcdcd/set_params.h"

struct row {
    const char *method, *params;
    bool accepted;
    const char *text; /* of the failure, or of the complaint beside an accepted stop */
};

static const struct row rows[] = {
    {"remote_set", "{\"mode\":\"0x0014\",\"dvg\":\"350.0\",\"drg\":\"0.1\",\"dig\":\"2.3\"}", true,
     ""},
    {"remote_set", "{\"mode\":\"0x0014\",\"dvg\":350.0,\"drg\":0,\"dig\":2.3}", true, ""},
    {"remote_set", "{}", false, "No operationMode"},
    {"remote_set", "{\"mode\":\"20\"}", false, "bad value: 2"},
    {"remote_set", "{\"mode\":\"0x0001\"}", false, "bad value: operation mode: 1"},
    {"remote_set", "{\"mode\":[\"0x0000\"]}", false, "No operationMode"},
    {"remote_set", "{\"mode\":\"0x0014\"}", false, "No dig; No dvg; No drg"},
    {"remote_set", "{\"mode\":\"0x0002\",\"dvg\":\"259\",\"drg\":\"4\",\"dig\":\"9\"}", false,
     "dig: 9 is above 8.5162; dvg: 259 is below 260; drg: 4 is above 3.999"},
    {"remote_set", "{\"mode\":\"0x0002\",\"dvg\":350,\"drg\":0,\"dig\":1,\"dvq\":1}", false,
     "unknown parameter: dvq"},
    {"remote_set", "{\"mode\":\"0x0000\"}", true, ""},
    {"remote_set", "{\"mode\":\"0x0000\",\"dvg\":\"0.0\",\"dig\":\"abc\"}", true,
     "dig: 'abc': not a number; dvg: 0.0 is below 260"},
    {"remote_set", "{\"mode\":\"0x0000\",\"dvg\":[1],\"x\":null}", true,
     "dvg: neither text nor a number; unknown parameter: x"},
    {"remote_set", "{\"mode\":\"0x0014\",\"mode_remembered\":1,\"dvg\":350,\"drg\":0,\"dig\":1}",
     false, "mode_remembered: neither true nor false"},
    {"remote_set", "{\"mode\":\"0x0000\",\"mode_remembered\":null}", true,
     "mode_remembered: neither true nor false"},
    {"remote_set_current", "{\"dig\":\"1.0\"}", true, ""},
    {"remote_set_current", "{\"dig\":\"1.0\",\"mode\":\"0x0014\",\"dvg\":\"1\"}", true, ""},
    {"remote_set_current", "{}", false, "No dig"},
    {"remote_set_current", "{\"dig\":\"-1\"}", false, "dig: -1 is below 0"},
    {"remote_set_voltage", "{\"dvg\":\"380\",\"drg\":\"0\"}", true, ""},
    {"remote_set_voltage", "{\"dvg\":\"380\"}", false, "No drg"},
    {"command", "{}", false, "name: missing; see list_commands"},
    {"command", "{\"name\":\"99-1\"}", false, "name: no command '99-1'; see list_commands"},
    {"command", "{\"name\":\"10-1\"}", true, ""},
    {"command", "{\"name\":\"10-1\",\"vg\":1}", false, "unknown parameter: vg"},
    {"command", "{\"name\":\"4-4\",\"dvg\":350}", false, "No drg"},
    {"command", "{\"name\":\"4-4\",\"dvg\":350,\"drg\":0}", true, ""},
    {"command", "{\"name\":\"1-4\",\"mode\":\"0x0003\"}", false, "mode: not an operation mode"},
    {"command", "{\"name\":\"1-4\",\"mode\":\"abc\"}", false,
     "mode: 'abc' is not in 0x0000..0xffff"},
    {"command", "{\"name\":\"1-4\"}", false, "No mode"},
    {"command", "{\"name\":\"1-4\",\"mode\":\"0x0000\",\"x\":1}", true, "unknown parameter: x"},
    {"command", "{\"name\":\"1-4\",\"mode\":0}", true, ""},
};

static void each_row_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_object *params = json_tokener_parse(rows[i].params);
        struct request request = {.complaint = {.text = ""}};
        struct failure failure = {.text = ""};
        bool accepted =
            set_params_parse(controller_method_find(rows[i].method), params, &request, &failure);
        const char *text = accepted ? request.complaint.text : failure.text;

        if (accepted != rows[i].accepted || strcmp(text, rows[i].text) != 0)
            fail_msg("%s %s: %s: %s", rows[i].method, rows[i].params,
                     accepted ? "accepted" : "refused", text);
        if (accepted && text[0] != '\0')
            assert_true(request_is_stop(&request));
        json_object_put(params);
    }
}

static void values_arrive_raw(void **state)
{
    struct json_object *params =
        json_tokener_parse("{\"mode\":\"0x0041\",\"dvg\":\"300\",\"drg\":\"0.1\",\"dig\":2.0}");
    struct request request = {.complaint = {.text = ""}};
    struct failure failure;

    (void)state;
    assert_true(set_params_parse(controller_method_find("remote_set"), params, &request, &failure));
    assert_int_equal(request.call.set.mode, 0x41);
    assert_int_equal(request.call.set.dvg, 12934);
    assert_int_equal(request.call.set.drg, 819);
    assert_int_equal(request.call.set.dig, 2097);
    json_object_put(params);
}

static void a_remembered_mode_is_told(void **state)
{
    static const struct {
        const char *text;
        bool remembered;
    } cases[] = {
        {"{\"mode\":\"0x0041\",\"dvg\":300,\"drg\":0,\"dig\":2,\"mode_remembered\":true}", true},
        {"{\"mode\":\"0x0041\",\"dvg\":300,\"drg\":0,\"dig\":2,\"mode_remembered\":false}", false},
        {"{\"mode\":\"0x0041\",\"dvg\":300,\"drg\":0,\"dig\":2}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_object *params = json_tokener_parse(cases[i].text);
        struct request request = {.complaint = {.text = ""}};
        struct failure failure;

        assert_true(
            set_params_parse(controller_method_find("remote_set"), params, &request, &failure));
        assert_int_equal(request.mode_remembered, cases[i].remembered);
        json_object_put(params);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_holds),
        cmocka_unit_test(values_arrive_raw),
        cmocka_unit_test(a_remembered_mode_is_told),
    };

    return cmocka_run_group_tests_name("set_params", tests, NULL, NULL);
}
