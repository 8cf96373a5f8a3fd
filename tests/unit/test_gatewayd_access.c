/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask and who may change something: every kind of request, and why it is refused. */
#include "gatewayd/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* 192.0.2.0/24 may ask, loopback and 192.0.2.7 may control; it is also called unit1 and proxy:80.
 */
static struct config_gateway config;
static struct access access_;

static void add_network(struct config_networks *networks, const char *text)
{
    assert_null(network_parse(text, &networks->each[networks->count++]));
}

static void add_name(const char *text)
{
    assert_null(authority_parse(text, strlen(text), &config.names.each[config.names.count++]));
}

static int set_up(void **state)
{
    (void)state;
    config = (struct config_gateway){.read_only = false};
    add_network(&config.allow, "192.0.2.0/24");
    add_network(&config.allow, "2001:db8::/32");
    add_network(&config.allow_control, "127.0.0.0/8");
    add_network(&config.allow_control, "::1");
    add_network(&config.allow_control, "192.0.2.7");
    add_name("unit1");
    add_name("proxy:80");
    add_name("[2001:db8::99]");
    access_init(&access_, &config, "gateway.example");
    return 0;
}

static struct in6_addr address(const char *text)
{
    struct in6_addr result;

    assert_true(address_parse(text, &result));
    return result;
}

/* A change as apis-main asks for it: to 127.0.0.1:8080, from there. */
static struct access_request plain(void)
{
    return (struct access_request){.peer = address("127.0.0.1"),
                                   .local = address("127.0.0.1"),
                                   .local_port = 8080,
                                   .target = "/dcdc/set?dig=2",
                                   .host = {"127.0.0.1:8080", 1},
                                   .changes = true};
}

static enum access_verdict check(const struct access_request *request)
{
    struct failure failure = {.text = ""};
    enum access_verdict verdict = access_check(&access_, request, &failure);

    assert_int_equal(failure.text[0] == '\0', verdict == ACCESS_GRANTED);
    if (verdict == ACCESS_NO_HOST)
        assert_int_equal(failure.reason, REASON_INVALID_REQUEST);
    else if (verdict != ACCESS_GRANTED)
        assert_int_equal(failure.reason, REASON_FORBIDDEN);
    return verdict;
}

static void verdicts_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < ACCESS_VERDICTS; i++) {
        assert_non_null(access_verdict_name((enum access_verdict)i));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(access_verdict_name((enum access_verdict)i),
                                    access_verdict_name((enum access_verdict)k));
    }
}

static void peers(void **state)
{
    static const struct {
        const char *peer;
        enum access_verdict read, change;
        enum access_standing standing;
    } rows[] = {
        {"127.0.0.1", ACCESS_GRANTED, ACCESS_GRANTED, ACCESS_CONTROLS},
        {"127.9.9.9", ACCESS_GRANTED, ACCESS_GRANTED, ACCESS_CONTROLS},
        {"::1", ACCESS_GRANTED, ACCESS_GRANTED, ACCESS_CONTROLS},
        {"::ffff:127.0.0.1", ACCESS_GRANTED, ACCESS_GRANTED, ACCESS_CONTROLS},
        {"192.0.2.7", ACCESS_GRANTED, ACCESS_GRANTED, ACCESS_CONTROLS},
        {"192.0.2.8", ACCESS_GRANTED, ACCESS_CONTROL, ACCESS_ASKS},
        {"::ffff:192.0.2.8", ACCESS_GRANTED, ACCESS_CONTROL, ACCESS_ASKS},
        {"2001:db8::8", ACCESS_GRANTED, ACCESS_CONTROL, ACCESS_ASKS},
        {"192.0.3.8", ACCESS_ADDRESS, ACCESS_ADDRESS, ACCESS_STRANGER},
        {"2001:db9::8", ACCESS_ADDRESS, ACCESS_ADDRESS, ACCESS_STRANGER},
        {"::", ACCESS_ADDRESS, ACCESS_ADDRESS, ACCESS_STRANGER},
        {"::2", ACCESS_ADDRESS, ACCESS_ADDRESS, ACCESS_STRANGER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct access_request request = plain();

        request.peer = address(rows[i].peer);
        assert_int_equal(access_standing(&config, &request.peer), rows[i].standing);
        assert_int_equal(check(&request), rows[i].change);
        request.changes = false;
        assert_int_equal(check(&request), rows[i].read);
    }
}

static void nobody_at_all(void **state)
{
    struct access_request request = plain();

    (void)state;
    config.allow.count = config.allow_control.count = 0;
    assert_int_equal(check(&request), ACCESS_ADDRESS);
}

static void hosts(void **state)
{
    static const struct {
        const char *host;
        enum access_verdict verdict;
    } rows[] = {
        {"localhost:8080", ACCESS_GRANTED},
        {"LOCALHOST:8080", ACCESS_GRANTED},
        {"127.0.0.1:8080", ACCESS_GRANTED},
        {"[::1]:8080", ACCESS_GRANTED},
        {"[0:0:0::1]:8080", ACCESS_GRANTED},
        {"[::ffff:127.0.0.1]:8080", ACCESS_GRANTED},
        {"192.0.2.1:8080", ACCESS_GRANTED}, /* where it came in */
        {"gateway.example:8080", ACCESS_GRANTED},
        {"unit1:8080", ACCESS_GRANTED},
        {"Unit1:8080", ACCESS_GRANTED},
        {"proxy:80", ACCESS_GRANTED},
        {"proxy", ACCESS_GRANTED},
        {"[2001:db8::99]:8080", ACCESS_GRANTED},
        {"proxy:8080", ACCESS_HOST},
        {"localhost", ACCESS_HOST},
        {"localhost:80", ACCESS_HOST},
        {"localhost:8081", ACCESS_HOST},
        {"127.0.0.1", ACCESS_HOST},
        {"unit1", ACCESS_HOST},
        {"unit1.evil.example:8080", ACCESS_HOST},
        {"evil.example:8080", ACCESS_HOST},
        {"localhost.:8080", ACCESS_HOST},
        {"xlocalhost:8080", ACCESS_HOST},
        {"127.0.0.2:8080", ACCESS_HOST},
        {"127.1:8080", ACCESS_HOST},
        {"0x7f000001:8080", ACCESS_HOST},
        {"2130706433:8080", ACCESS_HOST},
        {"0.0.0.0:8080", ACCESS_HOST},
        {"[::]:8080", ACCESS_HOST},
        {"[::ffff:0.0.0.0]:8080", ACCESS_HOST},
        {"192.0.2.2:8080", ACCESS_HOST},
        {"[::2]:8080", ACCESS_HOST},
        {"", ACCESS_NO_HOST},
        {" ", ACCESS_NO_HOST},
        {":8080", ACCESS_NO_HOST},
        {"localhost:8080 ", ACCESS_NO_HOST},
        {"localhost:8080, evil.example", ACCESS_NO_HOST},
        {"localhost:8080/", ACCESS_NO_HOST},
        {"evil@localhost:8080", ACCESS_NO_HOST},
        {"http://localhost:8080", ACCESS_NO_HOST},
        {"::1:8080", ACCESS_NO_HOST},
        {"[::1%25lo]:8080", ACCESS_NO_HOST},
        {"localhost:08080x", ACCESS_NO_HOST},
        {"localhost:73616", ACCESS_NO_HOST}, /* 8080 + 65536 */
        {"local%68ost:8080", ACCESS_NO_HOST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct access_request request = plain();

        request.local = address("192.0.2.1");
        request.host.value = rows[i].host;
        if (check(&request) != rows[i].verdict)
            fail_msg("Host: %s", rows[i].host);
        request.changes = false;
        assert_int_equal(check(&request), rows[i].verdict);
    }
}

static void a_host_without_port_is_port_80(void **state)
{
    struct access_request request = plain();

    (void)state;
    request.local_port = 80;
    request.host.value = "localhost";
    assert_int_equal(check(&request), ACCESS_GRANTED);
    request.host.value = "127.0.0.1:80";
    assert_int_equal(check(&request), ACCESS_GRANTED);
    request.host.value = "unit1";
    assert_int_equal(check(&request), ACCESS_GRANTED);
    request.host.value = "localhost:8080";
    assert_int_equal(check(&request), ACCESS_HOST);
}

static void a_host_is_needed_once(void **state)
{
    struct access_request request = plain();

    (void)state;
    request.host.count = 2;
    assert_int_equal(check(&request), ACCESS_NO_HOST);
    request.host = (struct access_header){.count = 0};
    assert_int_equal(check(&request), ACCESS_NO_HOST);
    request.http_1_0 = true;
    assert_int_equal(check(&request), ACCESS_GRANTED);
    request.host = (struct access_header){"evil.example:8080", 1};
    assert_int_equal(check(&request), ACCESS_HOST);
    request.host.count = 2;
    assert_int_equal(check(&request), ACCESS_NO_HOST);
}

static void what_host_says(void **state)
{
    static const struct {
        const char *option, *host;
        enum access_verdict verdict;
    } rows[] = {
        {"localhost", "localhost:8080", ACCESS_GRANTED},
        {"192.0.2.50", "192.0.2.50:8080", ACCESS_GRANTED},
        {"2001:db8::50", "[2001:db8::50]:8080", ACCESS_GRANTED},
        {"Unit.example", "unit.example:8080", ACCESS_GRANTED},
        {"0.0.0.0", "0.0.0.0:8080", ACCESS_HOST},
        {"::", "[::]:8080", ACCESS_HOST},
        {"no host", "localhost:8080", ACCESS_GRANTED},
        {"no host", "x:8080", ACCESS_HOST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct access_request request = plain();

        access_init(&access_, &config, rows[i].option);
        request.host.value = rows[i].host;
        assert_int_equal(check(&request), rows[i].verdict);
    }
}

static void absolute_uris(void **state)
{
    static const struct {
        const char *target;
        enum access_verdict verdict;
    } rows[] = {
        {"http://127.0.0.1:8080/dcdc/set", ACCESS_GRANTED},
        {"HTTP://localhost:8080/dcdc/set", ACCESS_GRANTED},
        {"http://localhost:8080?x", ACCESS_GRANTED},
        {"http://proxy/dcdc/set", ACCESS_GRANTED},
        {"http://localhost/dcdc/set", ACCESS_HOST},
        {"http://evil.example:8080/dcdc/set", ACCESS_HOST},
        {"https://localhost/dcdc/set", ACCESS_HOST},
        {"http://localhost:8080@evil.example/", ACCESS_NO_HOST},
        {"http:///dcdc/set", ACCESS_NO_HOST},
        {"http://", ACCESS_NO_HOST},
        {"ftp://evil.example/", ACCESS_GRANTED}, /* a path that there is not */
        {"*", ACCESS_GRANTED},
        {"", ACCESS_GRANTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct access_request request = plain();

        request.target = rows[i].target;
        if (check(&request) != rows[i].verdict)
            fail_msg("%s", rows[i].target);
        request.host.value = "evil.example:8080";
        assert_int_not_equal(check(&request), ACCESS_GRANTED);
    }
}

static void origins(void **state)
{
    static const struct {
        const char *origin;
        enum access_verdict verdict;
    } rows[] = {
        {"http://127.0.0.1:8080", ACCESS_GRANTED},
        {"http://localhost:8080", ACCESS_ORIGIN}, /* another one: Host says 127.0.0.1 */
        {"http://127.0.0.1", ACCESS_ORIGIN},
        {"http://127.0.0.1:8081", ACCESS_ORIGIN},
        {"https://127.0.0.1:8080", ACCESS_ORIGIN},
        {"http://127.0.0.1:8080/", ACCESS_ORIGIN},
        {"http://127.0.0.1:8080 ", ACCESS_ORIGIN},
        {"http://evil.example", ACCESS_ORIGIN},
        {"http://127.0.0.1:8080.evil.example", ACCESS_ORIGIN},
        {"http://127.0.0.1:8080@evil.example", ACCESS_ORIGIN},
        {"null", ACCESS_ORIGIN},
        {"", ACCESS_ORIGIN},
        {"file://", ACCESS_ORIGIN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct access_request request = plain();

        request.origin = (struct access_header){rows[i].origin, 1};
        if (check(&request) != rows[i].verdict)
            fail_msg("Origin: %s", rows[i].origin);
        request.changes = false;
        assert_int_equal(check(&request), rows[i].verdict);
        request.origin.count = 2;
        assert_int_equal(check(&request), ACCESS_ORIGIN);
    }
}

static void an_origin_without_host_is_foreign(void **state)
{
    struct access_request request = plain();

    (void)state;
    request.http_1_0 = true;
    request.host = (struct access_header){.count = 0};
    request.origin = (struct access_header){"http://127.0.0.1:8080", 1};
    assert_int_equal(check(&request), ACCESS_ORIGIN);
}

static void an_origin_is_that_of_the_uri(void **state)
{
    struct access_request request = plain();

    (void)state;
    request.target = "http://localhost:8080/dcdc/set";
    request.origin = (struct access_header){"http://localhost:8080", 1};
    assert_int_equal(check(&request), ACCESS_GRANTED);
    request.origin.value = "http://127.0.0.1:8080";
    assert_int_equal(check(&request), ACCESS_ORIGIN);
}

static void fetch_sites(void **state)
{
    static const struct {
        const char *site;
        bool granted;
    } rows[] = {
        {"none", true},        {"same-origin", true},       {"same-site", false},
        {"cross-site", false}, {"Same-Origin", false},      {"", false},
        {"unknown", false},    {"none, cross-site", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct access_request request = plain();

        request.fetch_site = (struct access_header){rows[i].site, 1};
        assert_int_equal(check(&request), rows[i].granted ? ACCESS_GRANTED : ACCESS_SITE);
        request.fetch_site.count = 2;
        assert_int_equal(check(&request), ACCESS_SITE);
        request.changes = false;
        assert_int_equal(check(&request), ACCESS_GRANTED);
    }
}

static void referers(void **state)
{
    static const struct {
        const char *referer;
        bool granted;
    } rows[] = {
        {"http://127.0.0.1:8080/", true},
        {"http://127.0.0.1:8080", true},
        {"http://127.0.0.1:8080/a?b#c", true},
        {"http://127.0.0.1:8080?b", true},
        {"http://evil.example/127.0.0.1:8080", false},
        {"http://127.0.0.1:8080.evil.example/", false},
        {"https://127.0.0.1:8080/", false},
        {"about:blank", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct access_request request = plain();

        request.referer = (struct access_header){rows[i].referer, 1};
        assert_int_equal(check(&request), rows[i].granted ? ACCESS_GRANTED : ACCESS_SITE);
        request.referer.count = 2;
        assert_int_equal(check(&request), ACCESS_SITE);
        request.changes = false;
        assert_int_equal(check(&request), ACCESS_GRANTED);
    }
}

static void read_only(void **state)
{
    struct access_request request = plain();

    (void)state;
    config.read_only = true;
    assert_int_equal(check(&request), ACCESS_READ_ONLY);
    request.changes = false;
    assert_int_equal(check(&request), ACCESS_GRANTED);
}

/* The text says who or what it was. */
static void reasons_name_what_is_wrong(void **state)
{
    struct access_request request = plain();
    struct failure failure;

    (void)state;
    request.peer = address("203.0.113.9");
    access_check(&access_, &request, &failure);
    assert_string_equal(failure.text, "203.0.113.9 may not ask: it is not in gateway.allow");
    request.peer = address("::ffff:192.0.2.8");
    access_check(&access_, &request, &failure);
    assert_string_equal(failure.text, "192.0.2.8 may not change anything: it is not in "
                                      "gateway.allow_control");
    request = plain();
    request.host.value = "evil.example:8080";
    access_check(&access_, &request, &failure);
    assert_string_equal(failure.text, "Host: evil.example:8080 is not a name of this service: see "
                                      "gateway.names");
    request = plain();
    request.fetch_site = (struct access_header){"cross-site", 1};
    access_check(&access_, &request, &failure);
    assert_string_equal(failure.text, "Sec-Fetch-Site: cross-site: another site's pages may not "
                                      "change anything");
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verdicts_have_names),
        TEST(peers),
        TEST(nobody_at_all),
        TEST(hosts),
        TEST(a_host_without_port_is_port_80),
        TEST(a_host_is_needed_once),
        TEST(what_host_says),
        TEST(absolute_uris),
        TEST(origins),
        TEST(an_origin_without_host_is_foreign),
        TEST(an_origin_is_that_of_the_uri),
        TEST(fetch_sites),
        TEST(referers),
        TEST(read_only),
        TEST(reasons_name_what_is_wrong),
    };

    return cmocka_run_group_tests_name("gatewayd_access", tests, NULL, NULL);
}
