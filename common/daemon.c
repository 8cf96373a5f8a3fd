/* SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/config_json.h"
#include "common/log.h"
#include "common/notify.h"

#define CONFIG_NAME      "dcdc_batt_comm.yml"
#define CONFIG_INSTALLED "/etc/dcdc_batt_comm/" CONFIG_NAME
#define RUN_DIR_DEFAULT  "/run/dcdc_batt_comm"

static const struct timeval sums_interval = {.tv_sec = 10};

struct settings {
    bool check_config;
    bool print_config;
    bool debug;
    bool help;
    bool version;
};

enum option_id {
    OPTION_CONFIG = 1,
    OPTION_RUN_DIR,
    OPTION_CHECK_CONFIG,
    OPTION_PRINT_CONFIG,
    OPTION_DEBUG,
    OPTION_HOST,
    OPTION_PORT,
    OPTION_GOODBYE,
    OPTION_VERSION,
    OPTION_HELP
};

static const struct option_row {
    const char *name;
    const char *argument; /* NULL: takes none */
    enum option_id id;
    bool web; /* only where daemon->web */
    const char *help;
} option_rows[] = {
    {"config", "FILE", OPTION_CONFIG, false,
     "configuration file (" CONFIG_NAME " here, else " CONFIG_INSTALLED ")"},
    {"run-dir", "DIR", OPTION_RUN_DIR, false,
     "where the sockets are ($RUNTIME_DIRECTORY, else " RUN_DIR_DEFAULT ")"},
    {"host", "HOST", OPTION_HOST, true, "listen address (localhost)"},
    {"port", "PORT", OPTION_PORT, true, "listen port, 0 for a free one (8080)"},
    {"goodbye", NULL, OPTION_GOODBYE, true, "let /essx/goodbye end this program"},
    {"check-config", NULL, OPTION_CHECK_CONFIG, false, "check the configuration file and exit"},
    {"print-config", NULL, OPTION_PRINT_CONFIG, false,
     "print the configuration with all defaults, as JSON, and exit"},
    {"debug", NULL, OPTION_DEBUG, false, "log more"},
    {"version", NULL, OPTION_VERSION, false, "print the version and exit"},
    {"help", NULL, OPTION_HELP, false, "print this and exit"},
};

enum { OPTION_COUNT = sizeof option_rows / sizeof option_rows[0] };

static void print_help(const struct daemon *daemon)
{
    printf("%s: %s\n\nusage: %s [OPTION]...\n", daemon->name, daemon->summary, daemon->name);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        char text[32];

        if (row->web && !daemon->web)
            continue;
        snprintf(text, sizeof text, "--%s%s%s", row->name, row->argument != NULL ? " " : "",
                 row->argument != NULL ? row->argument : "");
        printf("  %-16s  %s\n", text, row->help);
    }
}

static void make_options(const struct daemon *daemon, struct option options[OPTION_COUNT + 1])
{
    size_t count = 0;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];

        if (row->web && !daemon->web)
            continue;
        options[count].name = row->name;
        options[count].has_arg = row->argument != NULL ? required_argument : no_argument;
        options[count].flag = NULL;
        options[count].val = (int)row->id;
        count++;
    }
    memset(&options[count], 0, sizeof options[count]);
}

static bool parse_port(const char *text, int *port)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > 65535) {
        fprintf(stderr, "--port must be 0 to 65535, not \"%s\"\n", text);
        return false;
    }
    *port = (int)value;
    return true;
}

/* False after printing what is wrong with the option. */
static bool apply_option(struct daemon *daemon, struct settings *settings, int id)
{
    switch (id) {
    case OPTION_CONFIG:
        daemon->config_path = optarg;
        return true;
    case OPTION_RUN_DIR:
        daemon->run_dir = optarg;
        return true;
    case OPTION_HOST:
        daemon->host = optarg;
        return true;
    case OPTION_PORT:
        return parse_port(optarg, &daemon->port);
    case OPTION_GOODBYE:
        daemon->goodbye = true;
        return true;
    case OPTION_CHECK_CONFIG:
        settings->check_config = true;
        return true;
    case OPTION_PRINT_CONFIG:
        settings->print_config = true;
        return true;
    case OPTION_DEBUG:
        settings->debug = true;
        return true;
    case OPTION_VERSION:
        settings->version = true;
        return true;
    case OPTION_HELP:
        settings->help = true;
        return true;
    default: /* getopt has printed it */
        return false;
    }
}

/* False after printing what is wrong. */
static bool parse_options(struct daemon *daemon, struct settings *settings, int argc, char **argv)
{
    struct option options[OPTION_COUNT + 1];
    bool good = true;
    int id;

    make_options(daemon, options);
    while (good && (id = getopt_long(argc, argv, "", options, NULL)) != -1)
        good = apply_option(daemon, settings, id);
    if (good && optind < argc) {
        fprintf(stderr, "%s: unexpected argument \"%s\"\n", daemon->name, argv[optind]);
        good = false;
    }
    if (!good)
        fprintf(stderr, "Try \"%s --help\".\n", daemon->name);
    return good;
}

/* systemd.exec(5): RUNTIME_DIRECTORY is a list with colons between. */
static const char *default_run_dir(void)
{
    static char first[4096];
    const char *list = getenv("RUNTIME_DIRECTORY");
    size_t length = list != NULL ? strcspn(list, ":") : 0;

    if (length == 0 || length >= sizeof first)
        return RUN_DIR_DEFAULT;
    memcpy(first, list, length);
    first[length] = '\0';
    return first;
}

static void set_defaults(struct daemon *daemon)
{
    daemon->config_path = access(CONFIG_NAME, F_OK) == 0 ? CONFIG_NAME : CONFIG_INSTALLED;
    daemon->run_dir = default_run_dir();
    daemon->host = "localhost";
    daemon->port = 8080;
    daemon->goodbye = false;
}

static void on_libevent_log(int severity, const char *text)
{
    if (severity >= EVENT_LOG_WARN)
        log_warning("libevent", "%s", text);
    else
        log_debug("libevent", "%s", text);
}

static void on_libevent_fatal(int error)
{
    log_error("libevent", "cannot go on (%d)", error);
    exit(EXIT_FAILURE);
}

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
        base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    return base;
}

static void print_config(const struct config *config)
{
    struct json_object *json = config_json(config);

    puts(json_object_to_json_string_ext(json,
                                        JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(json);
}

static int check_config(const char *path, bool print)
{
    struct failure failure;
    struct config *config = config_load(path, &failure);

    if (config == NULL) {
        fprintf(stderr, "%s\n", failure.text);
        return EXIT_CONFIG;
    }
    if (print)
        print_config(config);
    else
        printf("%s: ok\n", path);
    free(config);
    return EXIT_SUCCESS;
}

/* The first signal asks, the second one does not. */
static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct daemon *daemon = arg;
    void (*stop)(void *) = daemon->stop;

    (void)what;
    log_info("main", "stopping%s: SIG%s", stop != NULL ? "" : " at once",
             sigabbrev_np((int)number));
    daemon->stop = NULL;
    notify_send("STOPPING=1");
    if (stop != NULL)
        stop(daemon->app);
    else
        event_base_loopbreak(daemon->base);
}

/* From here on a signal is kept until daemon_run: no socket is there before that is so. */
static bool catch_signals(struct daemon *daemon)
{
    static const int numbers[] = {SIGTERM, SIGINT};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        daemon->signals[i] = evsignal_new(daemon->base, numbers[i], on_signal, daemon);
        if (daemon->signals[i] == NULL || event_add(daemon->signals[i], NULL) != 0)
            return false;
    }
    return true;
}

/* Loads the configuration and makes the event base; the exit status when it cannot, else 0. */
static int prepare(struct daemon *daemon)
{
    struct failure failure;

    signal(SIGPIPE, SIG_IGN);
    event_set_log_callback(on_libevent_log);
    event_set_fatal_callback(on_libevent_fatal);
    daemon->config = config_load(daemon->config_path, &failure);
    if (daemon->config == NULL) {
        log_error("config", "%s", failure.text);
        return EXIT_CONFIG;
    }
    daemon->base = make_base();
    if (daemon->base == NULL || !catch_signals(daemon)) {
        log_error("main", "cannot make an event loop: %s", strerror(errno));
        daemon_release(daemon);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

bool daemon_init(struct daemon *daemon, int argc, char **argv, int *exit_status)
{
    struct settings settings = {0};

    set_defaults(daemon);
    *exit_status = EXIT_USAGE;
    if (!parse_options(daemon, &settings, argc, argv))
        return false;
    *exit_status = EXIT_SUCCESS;
    if (settings.help) {
        print_help(daemon);
        return false;
    }
    if (settings.version) {
        printf("%s %s\n", daemon->name, VERSION);
        return false;
    }
    log_init(daemon->name, settings.debug);
    if (settings.check_config || settings.print_config) {
        *exit_status = check_config(daemon->config_path, settings.print_config);
        return false;
    }
    *exit_status = prepare(daemon);
    return *exit_status == EXIT_SUCCESS;
}

const char *daemon_socket(const struct daemon *daemon, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.sock", daemon->run_dir, name);
    return path;
}

/* What was held back of the log is written when its time comes. */
static void on_sums(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    log_sum_up(clock_us());
    audit_sum_up(clock_us());
}

int daemon_run(struct daemon *daemon, void (*stop)(void *app), void *app)
{
    daemon->stop = stop;
    daemon->app = app;
    daemon->watchdog = watchdog_new(daemon->base, daemon->alive, app);
    daemon->sums = event_new(daemon->base, -1, EV_PERSIST, on_sums, NULL);
    if (daemon->sums != NULL)
        event_add(daemon->sums, &sums_interval);
    notify_send("READY=1");
    if (event_base_dispatch(daemon->base) == 0)
        return EXIT_SUCCESS;
    log_error("main", "the event loop failed: %s", strerror(errno));
    return EXIT_FAILURE;
}

void daemon_release(struct daemon *daemon)
{
    for (size_t i = 0; i < sizeof daemon->signals / sizeof daemon->signals[0]; i++) {
        if (daemon->signals[i] != NULL)
            event_free(daemon->signals[i]);
        daemon->signals[i] = NULL;
    }
    watchdog_free(daemon->watchdog);
    daemon->watchdog = NULL;
    if (daemon->sums != NULL)
        event_free(daemon->sums);
    daemon->sums = NULL;
    log_sum_up(INT64_MAX);
    audit_sum_up(INT64_MAX);
    if (daemon->base != NULL)
        event_base_free(daemon->base);
    daemon->base = NULL;
    free(daemon->config);
    daemon->config = NULL;
}
