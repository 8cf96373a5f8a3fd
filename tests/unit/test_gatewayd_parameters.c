/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct parameters nothing;
static const struct parameters something = {.text = {"0x0014", "350.0", "2.3", "0.1"}};

/* What a request with this query makes: the parameters sent, in JSON, or the refusal. */
struct expected {
    enum set_path path;
    const char *query;
    const struct parameters *saved;
    enum set_method method;
    const char *sent;
    const char *problem;
};

#define ALL_SENT "{\"mode\":\"0x0041\",\"dvg\":\"300\",\"dig\":\"1.0E-4\",\"drg\":\"0.039\"}"

static const struct expected good[] = {
    {SET_PATH_DCDC, "mode=0x0041&dvg=300&dig=1.0E-4&drg=0.039", &nothing, SET_ALL, ALL_SENT, NULL},
    {SET_PATH_ALL, "drg=0.039&dig=1.0E-4&dvg=300&mode=0x0041", &something, SET_ALL, ALL_SENT, NULL},
    /* what is left out is taken from the saved ones; drg falls back to 0 */
    {SET_PATH_ALL, "mode=0x0002&dvg=300&dig=1", &nothing, SET_ALL,
     "{\"mode\":\"0x0002\",\"dvg\":\"300\",\"dig\":\"1\",\"drg\":\"0\"}", NULL},
    {SET_PATH_ALL, "mode=0x0002", &something, SET_ALL,
     "{\"mode\":\"0x0002\",\"dvg\":\"350.0\",\"dig\":\"2.3\",\"drg\":\"0.1\"}", NULL},
    {SET_PATH_ALL, "", &something, SET_ALL,
     "{\"mode\":\"0x0014\",\"dvg\":\"350.0\",\"dig\":\"2.3\",\"drg\":\"0.1\"}", NULL},
    {SET_PATH_ALL, "dig=1", &something, SET_ALL,
     "{\"mode\":\"0x0014\",\"dvg\":\"350.0\",\"dig\":\"1\",\"drg\":\"0.1\"}", NULL},
    /* /dcdc/set finds its method */
    {SET_PATH_DCDC, "dig=1", &something, SET_CURRENT, "{\"dig\":\"1\"}", NULL},
    {SET_PATH_DCDC, "dvg=300", &something, SET_VOLTAGE, "{\"dvg\":\"300\",\"drg\":\"0.1\"}", NULL},
    {SET_PATH_DCDC, "dvg=300&drg=0", &something, SET_VOLTAGE, "{\"dvg\":\"300\",\"drg\":\"0\"}",
     NULL},
    {SET_PATH_DCDC, "dvg=300&dig=1", &something, SET_ALL,
     "{\"mode\":\"0x0014\",\"dvg\":\"300\",\"dig\":\"1\",\"drg\":\"0.1\"}", NULL},
    {SET_PATH_DCDC, "dig=1&drg=0", &something, SET_ALL,
     "{\"mode\":\"0x0014\",\"dvg\":\"350.0\",\"dig\":\"1\",\"drg\":\"0\"}", NULL},
    {SET_PATH_DCDC, "drg=0", &something, SET_ALL,
     "{\"mode\":\"0x0014\",\"dvg\":\"350.0\",\"dig\":\"2.3\",\"drg\":\"0\"}", NULL},
    {SET_PATH_CURRENT, "dig=1", &something, SET_CURRENT, "{\"dig\":\"1\"}", NULL},
    {SET_PATH_VOLTAGE, "dvg=300&drg=0.2", &something, SET_VOLTAGE,
     "{\"dvg\":\"300\",\"drg\":\"0.2\"}", NULL},
};

static const struct expected refused[] = {
    /* missing: in this order */
    {SET_PATH_ALL, "", &nothing, SET_ALL, NULL, "No operationMode"},
    {SET_PATH_ALL, "mode=0x0014", &nothing, SET_ALL, NULL, "No dig"},
    {SET_PATH_ALL, "mode=0x0014&dig=1", &nothing, SET_ALL, NULL, "No dvg"},
    {SET_PATH_DCDC, "dig=1", &nothing, SET_ALL, NULL, "No operationMode"},
    {SET_PATH_CURRENT, "", &nothing, SET_ALL, NULL, "No operationMode"},
    {SET_PATH_CURRENT, "", &something, SET_ALL, NULL, "No dig"},
    {SET_PATH_VOLTAGE, "", &something, SET_ALL, NULL, "No dvg"},
    {SET_PATH_VOLTAGE, "drg=0", &something, SET_ALL, NULL, "No dvg"},
    {SET_PATH_VOLTAGE, "dvg=300", &nothing, SET_ALL, NULL, "No operationMode"},
    /* the mode */
    {SET_PATH_ALL, "mode=2", &something, SET_ALL, NULL, "bad value: 2"},
    {SET_PATH_ALL, "mode=0x0001", &something, SET_ALL, NULL, "bad value: operation mode: 1"},
    /* the syntax: the first that is wrong */
    {SET_PATH_ALL, "mode=0x0014&dvq=1&dvg=", &something, SET_ALL, NULL, "unknown parameter: dvq"},
    {SET_PATH_ALL, "Mode=0x0014", &something, SET_ALL, NULL, "unknown parameter: Mode"},
    {SET_PATH_CURRENT, "dig=1&mode=0x0000", &something, SET_ALL, NULL, "unknown parameter: mode"},
    {SET_PATH_VOLTAGE, "dvg=300&dig=1", &something, SET_ALL, NULL, "unknown parameter: dig"},
    {SET_PATH_ALL, "mode=0x0014&mode=0x0014", &something, SET_ALL, NULL, "mode: given twice"},
    {SET_PATH_ALL, "dvg=&dvg=1", &something, SET_ALL, NULL, "dvg: empty"},
    {SET_PATH_ALL, "mode", &something, SET_ALL, NULL, "mode: empty"},
    {SET_PATH_ALL, "dvg=%ff", &something, SET_ALL, NULL, "dvg: not UTF-8"},
    {SET_PATH_ALL, "d%zz=1", &something, SET_ALL, NULL, "d%zz=1: broken percent-encoding"},
};

#define BARE_STOP "{\"mode\":\"0x0000\"}"

/* A stop goes out whatever else is in the request. */
static const struct expected stops[] = {
    {SET_PATH_DCDC, "mode=0x0000&dvg=0.0&dig=0&drg=0", &something, SET_ALL,
     "{\"mode\":\"0x0000\",\"dvg\":\"0.0\",\"dig\":\"0\",\"drg\":\"0\"}", NULL},
    {SET_PATH_ALL, "mode=0x0000", &something, SET_ALL,
     "{\"mode\":\"0x0000\",\"dvg\":\"350.0\",\"dig\":\"2.3\",\"drg\":\"0.1\"}", NULL},
    {SET_PATH_ALL, "mode=0x0000", &nothing, SET_ALL, BARE_STOP, NULL},
    {SET_PATH_ALL, "mode=0x0", &nothing, SET_ALL, "{\"mode\":\"0x0\"}", NULL},
    {SET_PATH_ALL, "mode=0x0000&dig=1", &nothing, SET_ALL, "{\"mode\":\"0x0000\",\"dig\":\"1\"}",
     NULL},
    {SET_PATH_ALL, "mode=0x0000&dvg=300", &nothing, SET_ALL,
     "{\"mode\":\"0x0000\",\"dvg\":\"300\",\"drg\":\"0\"}", NULL},
    {SET_PATH_ALL, "mode=0x0000&dvg=abc&dig=1", &nothing, SET_ALL,
     "{\"mode\":\"0x0000\",\"dvg\":\"abc\",\"dig\":\"1\",\"drg\":\"0\"}", NULL},
    {SET_PATH_DCDC, "dvq=1&mode=0x0000", &something, SET_ALL, BARE_STOP, "unknown parameter: dvq"},
    {SET_PATH_DCDC, "mode=0x0014&mode=0x0000", &something, SET_ALL, BARE_STOP, "mode: given twice"},
    {SET_PATH_DCDC, "mode=0x0000&mode=7", &something, SET_ALL, BARE_STOP, "mode: given twice"},
    {SET_PATH_DCDC, "mode=&mode=0x0000", &something, SET_ALL, BARE_STOP, "mode: empty"},
    {SET_PATH_DCDC, "mode=7&mode=0x0000", &something, SET_ALL, BARE_STOP, "bad value: 2"},
    {SET_PATH_DCDC, "dvg=&mode=0x0000", &something, SET_ALL, BARE_STOP, "dvg: empty"},
    {SET_PATH_DCDC, "dvg=%&=&mode=%30x0000", &something, SET_ALL, BARE_STOP,
     "dvg: broken percent-encoding"},
    {SET_PATH_ALL, "%00=1&mode=0x0000", &something, SET_ALL, BARE_STOP,
     "%00=1: contains a control character"},
};

static void assert_sent(const struct set_request *set, const char *expected)
{
    struct json_object *object = parameters_to_json(&set->send);

    assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN), expected);
    json_object_put(object);
}

static void good_sets_are_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct set_request set;

        assert_true(set_request_read(good[i].path, good[i].query, good[i].saved, &set));
        assert_int_equal(set.method, good[i].method);
        assert_false(set.stop);
        assert_false(set.complaint);
        assert_sent(&set, good[i].sent);
    }
}

static void bad_sets_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct set_request set;

        assert_false(set_request_read(refused[i].path, refused[i].query, refused[i].saved, &set));
        assert_string_equal(set.problem.text, refused[i].problem);
    }
}

static void stops_are_never_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        struct set_request set;

        assert_true(set_request_read(stops[i].path, stops[i].query, stops[i].saved, &set));
        assert_true(set.stop);
        assert_int_equal(set.method, SET_ALL);
        assert_sent(&set, stops[i].sent);
        assert_int_equal(set.complaint, stops[i].problem != NULL);
        if (stops[i].problem != NULL)
            assert_string_equal(set.problem.text, stops[i].problem);
    }
}

/* A mode saved by a stop is used like any other: the converter is not started by it. */
static void a_saved_stop_keeps_later_sets_stopped(void **state)
{
    struct parameters saved = something;
    struct set_request set;

    (void)state;
    assert_true(set_request_read(SET_PATH_ALL, "mode=0x0000&dvq=1", &saved, &set));
    assert_true(parameters_update(&saved, &set.send));
    assert_true(set_request_read(SET_PATH_ALL, "dvg=300&dig=1", &saved, &set));
    assert_false(set.stop);
    assert_sent(&set, "{\"mode\":\"0x0000\",\"dvg\":\"300\",\"dig\":\"1\",\"drg\":\"0.1\"}");
}

static void it_is_told_when_the_mode_is_the_saved_one(void **state)
{
    static const struct {
        enum set_path path;
        const char *query;
        bool remembered;
    } rows[] = {
        {SET_PATH_ALL, "dvg=300&dig=1", true},      {SET_PATH_DCDC, "drg=0.1", true},
        {SET_PATH_ALL, "mode=0x0014", false},       {SET_PATH_DCDC, "dig=1", false},
        {SET_PATH_ALL, "mode=0x0000", false},       {SET_PATH_VOLTAGE, "dvg=300", false},
        {SET_PATH_ALL, "mode=&mode=0x0000", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct set_request set;

        assert_true(set_request_read(rows[i].path, rows[i].query, &something, &set));
        assert_int_equal(set.mode_remembered, rows[i].remembered);
    }
}

static void updates_tell_whether_anything_changed(void **state)
{
    struct parameters saved = nothing;
    const struct parameters voltage = {.text = {"", "300", "", "0"}};

    (void)state;
    assert_true(parameters_update(&saved, &something));
    assert_false(parameters_update(&saved, &something));
    assert_false(parameters_update(&saved, &nothing));
    assert_true(parameters_update(&saved, &voltage));
    assert_string_equal(saved.text[PARAMETER_MODE], "0x0014");
    assert_string_equal(saved.text[PARAMETER_DVG], "300");
    assert_string_equal(saved.text[PARAMETER_DIG], "2.3");
    assert_string_equal(saved.text[PARAMETER_DRG], "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_sets_are_sent),
        cmocka_unit_test(bad_sets_are_refused),
        cmocka_unit_test(stops_are_never_refused),
        cmocka_unit_test(a_saved_stop_keeps_later_sets_stopped),
        cmocka_unit_test(it_is_told_when_the_mode_is_the_saved_one),
        cmocka_unit_test(updates_tell_whether_anything_changed),
    };

    return cmocka_run_group_tests_name("gatewayd_parameters", tests, NULL, NULL);
}
