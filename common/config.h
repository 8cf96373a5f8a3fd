/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file (specification 5.1.3) as one checked structure, read by all three
 * daemons. Every error names its place: "FILE:LINE: key.path: reason".
 */
#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/authority.h"
#include "common/decimal.h"
#include "common/reason.h"

/* A number that the API echoes: its value, and the text as written in the file (52 stays 52). */
struct config_number {
    struct decimal value;
    char text[DECIMAL_TEXT_MAX + 1]; /* valid JSON */
};

enum config_parity { CONFIG_PARITY_NONE = 'N', CONFIG_PARITY_EVEN = 'E', CONFIG_PARITY_ODD = 'O' };

/* Who switches an RS485 line to sending and back. */
enum config_direction {
    CONFIG_DIRECTION_NONE,  /* nobody here: the adapter does */
    CONFIG_DIRECTION_PIN,   /* we, by dir_pin */
    CONFIG_DIRECTION_KERNEL /* the serial driver, by RTS */
};

/* A serial port. Without padding: two are compared as memory. */
struct config_port {
    char path[256];
    char dir_pin[64]; /* default P8_9 (specification 5.4.1); "" but for a pin */
    enum config_direction direction;
    unsigned baud;
    enum config_parity parity;
    unsigned stop_bits;          /* 1 or 2 */
    int64_t rts_delay_before_us; /* kernel: from RTS to the first byte; whole ms, default 0 */
    int64_t rts_delay_after_us;  /* kernel: from the last byte to RTS; whole ms, default 0 */
};

/* ess_system.dcdc_dev */
struct config_dcdc_dev {
    char name[64];
    struct config_port port;
    uint8_t address1; /* converter; default 0 */
    uint8_t address2; /* driver; default 1 */
};

/* dcdc.<name>.config: the setup values that remote_ioctl_set writes; ranges of the wire facts. */
struct config_setup {
    struct config_number cib;                /* A */
    struct config_number ubv, obv, ugv, ogv; /* V */
    struct config_number cvb, dlb, cdb, ddb; /* V */
    struct config_number drb;
    uint16_t bcf;
};

/* dcdc.<name> of the converter that dcdc_dev names */
struct config_dcdc {
    unsigned dcdc_error_retries;        /* number_of_dcdc_error_retry, default 0 */
    unsigned timeout_retries;           /* number_of_timeout_retry, default 0 */
    int64_t wait_for_retry_us;          /* wait_for_retry or wait_retry, s; default 0.1 s */
    int64_t reply_timeout_us;           /* reply_timeout, s; default 0.1 s */
    int64_t command_interval_us;        /* command_interval, s; default 0.062 s */
    int64_t battery_check_interval_us;  /* battery_check_interval, s; default 10 s */
    int64_t supervisor_timeout_us;      /* supervisor_timeout, s; default 0: no such guard */
    int64_t voltage_reference_delay_us; /* voltage_reference_delay, s; default 10 s */
    bool wait_on_exit;                  /* on_exit: keep (default) or wait */
    bool address_check;                 /* address_check; default yes */
    struct config_setup setup;
};

/* ess_system.battery_dev, or battery_dev at the top level */
struct config_battery_dev {
    bool present; /* false: class 'None', a unit without a battery; the rest is then unused */
    char name[64];
    struct config_port port;
    uint8_t unit;             /* Modbus address, 1..247 */
    uint16_t adr_rsoc;        /* register number, 30001..39999 */
    uint16_t adr_status;      /* register number, 30001..39999 */
    int64_t timeout_us;       /* kwparams.timeout, s; default 3 s */
    int64_t poll_interval_us; /* poll_interval, s; default 1 s */
    int64_t max_age_us;       /* max_age, s; default 5 s */
};

/* battery.<name>.config of the battery that battery_dev names */
struct config_battery {
    struct config_number battery_voltage; /* V */
    struct config_number battery_current; /* A */
    bool force_dcdc_waiting;
};

enum { CONFIG_NETWORKS_MAX = 32, CONFIG_NAMES_MAX = 8 };

struct config_networks {
    unsigned count;
    struct network each[CONFIG_NETWORKS_MAX];
};

struct config_names {
    unsigned count;
    struct authority each[CONFIG_NAMES_MAX];
};

/* gateway: the web side; all of it has defaults. read_only is dcdcd's too */
struct config_gateway {
    struct config_networks allow;         /* who may ask; default: loopback */
    struct config_networks allow_control; /* who may change and ask; default: loopback */
    struct config_names names;            /* further names of the service; default: none */
    bool read_only;                       /* nobody changes anything; default: no */
    unsigned max_connections;             /* default 512 */
    unsigned max_connections_per_address; /* default 256 */
    unsigned max_target_size;             /* path and query, bytes; default 4096 */
    unsigned max_headers_size;            /* request line and headers, bytes; default 8192 */
    unsigned max_body_size;               /* bytes; default 4096 */
    int64_t request_timeout_us;           /* request_timeout, s; default 5 s */
    int64_t idle_timeout_us;              /* idle_timeout, s; default 60 s */
};

struct config {
    struct config_dcdc_dev dcdc_dev;
    struct config_dcdc dcdc;
    struct config_battery_dev battery_dev;
    struct config_battery battery;
    struct config_gateway gateway;
};

/*
 * Reads and checks the file. Returns a structure that the caller frees with free(), or NULL with
 * *failure filled (REASON_CONFIG). Nothing is logged; nothing but the file is touched.
 */
struct config *config_load(const char *path, struct failure *failure);

enum { CONFIG_SIZE_MAX = 64 * 1024 }; /* of a file, in bytes */

/* The same for a text in memory, which needs no NUL; name stands for FILE in the errors. */
struct config *config_parse(const char *text, size_t size, const char *name,
                            struct failure *failure);

#endif
