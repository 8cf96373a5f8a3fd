/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, networks, and HOST:PORT. */
#include "common/authority.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct in6_addr address(const char *text)
{
    struct in6_addr result;

    assert_true(address_parse(text, &result));
    return result;
}

static void addresses_are_printed_as_they_are_known(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:DB8:0::1", "2001:db8::1"},
        {"::", "::"},
    };
    char text[INET6_ADDRSTRLEN];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct in6_addr parsed = address(rows[i].in);

        assert_string_equal(address_print(&parsed, text), rows[i].out);
    }
}

static void what_is_no_address(void **state)
{
    static const char *const rows[] = {"",          "localhost",  "127.1",      "1.2.3.4.5",
                                       "1.2.3.256", "0x7f.0.0.1", "2130706433", "[::1]",
                                       "::1%lo",    "1.2.3.4 ",   ":::",        "1.2.3.4/32"};
    struct in6_addr result;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_false(address_parse(rows[i], &result));
}

/* A peer is the same on a socket of IPv4 and on one of both families. */
static void sockets_addresses(void **state)
{
    struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000207), .sin_port = htons(4382)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_addr = address("::ffff:192.0.2.7"),
                              .sin6_port = htons(65535)};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct in6_addr a, b;

    (void)state;
    assert_true(address_of_socket((struct sockaddr *)&v4, &a));
    assert_true(address_of_socket((struct sockaddr *)&v6, &b));
    assert_memory_equal(&a, &b, sizeof a);
    assert_false(address_of_socket(&other, &a));
    assert_false(address_of_socket(NULL, &a));
    assert_int_equal(port_of_socket((struct sockaddr *)&v4), 4382);
    assert_int_equal(port_of_socket((struct sockaddr *)&v6), 65535);
    assert_int_equal(port_of_socket(&other), 0);
}

static void networks_contain(void **state)
{
    static const struct {
        const char *network, *address;
        bool contains;
    } rows[] = {
        {"127.0.0.0/8", "127.0.0.1", true},
        {"127.0.0.0/8", "127.255.255.255", true},
        {"127.0.0.0/8", "128.0.0.0", false},
        {"127.0.0.0/8", "::ffff:127.9.9.9", true},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.4/31", "192.0.2.5", true},
        {"192.0.2.4/31", "192.0.2.6", false},
        {"192.0.2.4", "192.0.2.4", true},
        {"192.0.2.4/32", "192.0.2.5", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "::1", false},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "::1", true},
        {"::/0", "127.0.0.1", false},
        {"::1", "::1", true},
        {"::1", "::2", false},
        {"::1/128", "0.0.0.1", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"fe80::/10", "febf::1", true},
        {"fe80::/10", "fec0::1", false},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"::ffff:10.0.0.0/104", "11.1.2.3", false},
        {"::ffff:0:0/96", "198.51.100.1", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct in6_addr peer = address(rows[i].address);
        struct network network;

        assert_null(network_parse(rows[i].network, &network));
        if (network_contains(&network, &peer) != rows[i].contains)
            fail_msg("%s in %s", rows[i].address, rows[i].network);
    }
}

/* Each prefix length of both families, against counting bits. */
static void every_prefix(void **state)
{
    (void)state;
    for (int v4 = 0; v4 < 2; v4++)
        for (int bits = 0; bits <= (v4 ? 32 : 128); bits++)
            for (int flipped = 0; flipped < (v4 ? 32 : 128); flipped++) {
                struct in6_addr peer = address(v4 ? "0.0.0.0" : "::");
                int at = flipped + (v4 ? 96 : 0);
                struct network network;
                char text[32];

                snprintf(text, sizeof text, "%s/%d", v4 ? "0.0.0.0" : "::", bits);
                assert_null(network_parse(text, &network));
                peer.s6_addr[at / 8] ^= (uint8_t)(0x80 >> at % 8);
                assert_int_equal(network_contains(&network, &peer), flipped >= bits);
            }
}

static void what_is_no_network(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "not an IPv4 or IPv6 address"},
        {"/8", "not an IPv4 or IPv6 address"},
        {"unit1", "not an IPv4 or IPv6 address"},
        {"10.0.0/8", "not an IPv4 or IPv6 address"},
        {"[::1]", "not an IPv4 or IPv6 address"},
        {"10.0.0.0/255.0.0.0", "its prefix is not 0 to 32"},
        {"10.0.0.0/", "its prefix is not 0 to 32"},
        {"10.0.0.0/33", "its prefix is not 0 to 32"},
        {"10.0.0.0/-1", "its prefix is not 0 to 32"},
        {"10.0.0.0/+8", "its prefix is not 0 to 32"},
        {"10.0.0.0/08", "its prefix is not 0 to 32"},
        {"10.0.0.0/ 8", "its prefix is not 0 to 32"},
        {"10.0.0.0/8 ", "its prefix is not 0 to 32"},
        {"10.0.0.0/4294967304", "its prefix is not 0 to 32"},
        {"::/129", "its prefix is not 0 to 128"},
        {"::/", "its prefix is not 0 to 128"},
        {"10.0.0.1/8", "it has bits beyond its prefix"},
        {"192.0.2.129/25", "it has bits beyond its prefix"},
        {"::1/127", "it has bits beyond its prefix"},
        {"::ffff:0:0/95", "it has bits beyond its prefix"},
        {"1234567890123456789012345678901234567890123456789012345678901234/8",
         "not an IPv4 or IPv6 address"},
    };
    struct network network;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = network_parse(rows[i].text, &network);

        assert_non_null(why);
        assert_string_equal(why, rows[i].why);
    }
}

static void authorities(void **state)
{
    static const struct {
        const char *text;
        const char *host; /* a name, or an address as it is printed */
        bool is_address;
        uint16_t port;
    } rows[] = {
        {"localhost", "localhost", false, 0},
        {"LocalHost:8080", "localhost", false, 8080},
        {"localhost:", "localhost", false, 0},
        {"a:1", "a", false, 1},
        {"a:65535", "a", false, 65535},
        {"unit-1.example_net", "unit-1.example_net", false, 0},
        {"localhost.", "localhost.", false, 0},
        {"127.1", "127.1", false, 0},
        {"127.0.0.1", "127.0.0.1", true, 0},
        {"127.0.0.1:80", "127.0.0.1", true, 80},
        {"[::1]", "::1", true, 0},
        {"[::1]:8080", "::1", true, 8080},
        {"[::ffff:192.0.2.7]:1", "192.0.2.7", true, 1},
        {"[2001:DB8::1]:", "2001:db8::1", true, 0},
    };
    char text[INET6_ADDRSTRLEN];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct authority parsed;

        assert_null(authority_parse(rows[i].text, strlen(rows[i].text), &parsed));
        assert_int_equal(parsed.is_address, rows[i].is_address);
        assert_string_equal(parsed.is_address ? address_print(&parsed.address, text) : parsed.name,
                            rows[i].host);
        assert_int_equal(parsed.port, rows[i].port);
    }
}

static void what_is_no_authority(void **state)
{
    static const char *const rows[] = {
        "",         ":",      ":80",      "a:0",    "a:65536",  "a:080808",  "a:99999", "a:-1",
        "a:+1",     "a: 1",   "a:1 ",     "a:1:2",  "a b",      " a",        "a/",      "a?",
        "a#",       "user@a", "a%2e",     "a,b",    "*",        "::1",       "::1:80",  "[]",
        "[::1",     "::1]",   "[::1]80",  "[::1]]", "[::1%lo]", "[1.2.3.4]", "[::1]:0", "[a]",
        "\xc3\xa9", "a\t",    "http://a", "a\\b",   "[[::1]]",  "[::1]:80x", "a;b",     "a:8080a",
    };
    struct authority parsed;
    char longest[AUTHORITY_NAME_SIZE + 1];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (authority_parse(rows[i], strlen(rows[i]), &parsed) == NULL)
            fail_msg("accepted: '%s'", rows[i]);
    assert_non_null(authority_parse("a\0b", 3, &parsed));
    assert_non_null(authority_parse("a:1\0", 4, &parsed));
    memset(longest, 'a', sizeof longest);
    assert_null(authority_parse(longest, AUTHORITY_NAME_SIZE - 1, &parsed));
    assert_non_null(authority_parse(longest, AUTHORITY_NAME_SIZE, &parsed));
}

static void hosts_are_compared_without_their_ports(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"Unit1:80", "unit1", true},       {"unit1", "unit2", false},
        {"unit1", "unit1.", false},        {"127.0.0.1", "[::ffff:127.0.0.1]:9", true},
        {"127.0.0.1", "127.0.0.2", false}, {"[::1]", "[0:0::1]", true},
        {"[::1]", "localhost", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct authority a, b;

        assert_null(authority_parse(rows[i].a, strlen(rows[i].a), &a));
        assert_null(authority_parse(rows[i].b, strlen(rows[i].b), &b));
        assert_int_equal(authority_same_host(&a, &b), rows[i].same);
        assert_int_equal(authority_same_host(&b, &a), rows[i].same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_printed_as_they_are_known),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(sockets_addresses),
        cmocka_unit_test(networks_contain),
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(what_is_no_network),
        cmocka_unit_test(authorities),
        cmocka_unit_test(what_is_no_authority),
        cmocka_unit_test(hosts_are_compared_without_their_ports),
    };

    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
