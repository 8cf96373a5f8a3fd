# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. Build output goes to $(BUILD).

VERSION := 2.0.0

prefix      ?= /usr/local
exec_prefix ?= $(prefix)
bindir      ?= $(exec_prefix)/bin
sbindir     ?= $(exec_prefix)/sbin
sysconfdir  ?= /etc
datarootdir ?= $(prefix)/share
docdir      ?= $(datarootdir)/doc/dcdc_batt_comm
mandir      ?= $(datarootdir)/man
# Where scripts/doctor looks from sbindir.
doctordir    = $(prefix)/share/dcdc_batt_comm/doctor
libdir      ?= $(prefix)/lib
unitdir     ?= $(libdir)/systemd/system
udevdir     ?= $(libdir)/udev/rules.d
BUILD       ?= build

CFLAGS     ?= -O2 -g
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
PYTHON     ?= /usr/bin/python3

# For developers: WERROR=1, SANITIZE=address,undefined.
WERROR   ?=
SANITIZE ?=
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wformat=2 -Wvla

DAEMONS  := dcdcd battd gatewayd
SIMS     := eza2500-sim battery-sim
PROGRAMS := $(addprefix $(BUILD)/,$(DAEMONS) $(SIMS))
PACKAGES := libevent_core libevent_extra yaml-0.1 json-c libmodbus libgpiod

ifneq ($(filter-out clean help format check-format deb uninstall,$(or $(MAKECMDGOALS),all)),)
PKG_CFLAGS    := $(shell $(PKG_CONFIG) --cflags $(PACKAGES)) \
                 $(shell $(PKG_CONFIG) --atleast-version=2 libgpiod || echo -DGPIOD_V1)
# Of the library that -DGPIOD_V1 says is there.
FAKES         := $(addprefix $(BUILD)/fake/,serial.so broken_port.so \
                 libgpiod.so.$(if $(filter -DGPIOD_V1,$(PKG_CFLAGS)),2,3))
LIBS_core     := $(shell $(PKG_CONFIG) --libs libevent_core yaml-0.1 json-c)
LIBS_dcdcd    := $(shell $(PKG_CONFIG) --libs libgpiod)
LIBS_battd    := $(shell $(PKG_CONFIG) --libs libmodbus libgpiod) -pthread
LIBS_gatewayd := $(shell $(PKG_CONFIG) --libs libevent_extra)
endif

# V=1 shows the commands.
V ?=
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' '$(1)' '$@')

SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
                  -fno-omit-frame-pointer)
ALL_CFLAGS  = -std=c11 -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DVERSION='"$(VERSION)"' $(WARNINGS) \
              $(if $(WERROR),-Werror) $(SANITIZE_FLAGS) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(SANITIZE_FLAGS) $(CFLAGS) -Wl,--as-needed $(LDFLAGS)

# Everything but a program's main lies in one archive a folder, so that tests link what they need.
objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
COMMON_LIB := $(BUILD)/libcommon.a
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
SOURCES    := $(wildcard $(addsuffix /*.c,common $(DAEMONS) tests/sim tests/fake tests/unit tests/bench \
              tests/fuzz))
HEADERS    := $(wildcard $(addsuffix /*.h,common $(DAEMONS) tests/sim tests/unit tests/bench tests/fuzz))
OBJECTS    := $(call objs,$(SOURCES))

.DEFAULT_GOAL := all
.PHONY: all bench-flood bench-stop model help test test-kill test-replug unit e2e bench \
        lint format check-format install install-simulators uninstall deb clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS) $(FAKES) ## build the daemons and the simulators (default)

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

# Rebuild when compiler or flags change, not only when a file does.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo "$(CC) $(subst ",\",$(ALL_CFLAGS) $(ALL_LDFLAGS))" | cmp -s - $@ || \
	    echo "$(CC) $(subst ",\",$(ALL_CFLAGS) $(ALL_LDFLAGS))" >$@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/lib%.a:
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The assembler takes it in, so the compiler does not tell.
$(BUILD)/obj/gatewayd/openapi.o: gatewayd/openapi.json

$(COMMON_LIB): $(call objs,$(wildcard common/*.c))
$(BUILD)/libsim.a: $(call objs,$(filter-out %_main.c,$(wildcard tests/sim/*.c)))

define daemon_rules
$$(BUILD)/lib$(1).a: $$(call objs,$$(filter-out %/main.c,$$(wildcard $(1)/*.c)))
$$(BUILD)/$(1): $$(BUILD)/obj/$(1)/main.o $$(BUILD)/lib$(1).a $$(COMMON_LIB)
	$$(call say,LD)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS_$(1)) $$(LIBS_core)
endef
$(foreach d,$(DAEMONS),$(eval $(call daemon_rules,$(d))))

$(BUILD)/eza2500-sim: $(BUILD)/obj/tests/sim/eza2500_main.o $(BUILD)/libsim.a $(COMMON_LIB)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_core) -lm

$(BUILD)/battery-sim: $(BUILD)/obj/tests/sim/battery_main.o $(BUILD)/libsim.a $(COMMON_LIB)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_battd) $(LIBS_core) -lm

$(BUILD)/fake/libgpiod.so.%: tests/fake/gpiod.c common/clock.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared $(ALL_LDFLAGS) -Wl,-soname,$(@F) -o $@ $<

$(BUILD)/fake/%.so: tests/fake/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared $(ALL_LDFLAGS) -o $@ $<

$(BUILD)/bare-evhttp: $(BUILD)/obj/tests/bench/bare_evhttp.o
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_gatewayd) $(LIBS_core)

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libdcdcd.a $(BUILD)/libbattd.a \
                 $(BUILD)/libgatewayd.a $(BUILD)/libsim.a $(COMMON_LIB)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_gatewayd) $(LIBS_battd) $(LIBS_dcdcd) $(LIBS_core) \
	    -lcmocka -lm

unit: $(UNIT_TESTS) ## build and run the unit tests
	@set -e; for test in $(UNIT_TESTS); do $$test; done

e2e: all ## run the end-to-end tests on what was built
	DCDC_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -p no:cacheprovider tests/e2e

bench: all $(BUILD)/bare-evhttp ## measure speed and memory against their limits
	@scripts/install-packages --bench
	@DCDC_BUILD=$(abspath $(BUILD)) $(PYTHON) tests/bench/bench.py

bench-stop: all ## measure how long a stop waits behind readers
	@DCDC_BUILD=$(abspath $(BUILD)) $(PYTHON) tests/bench/stop_latency.py

bench-flood: all ## flood the web side, a minute each way, and measure the supervisor's poll
	FLOOD_SECONDS=60 DCDC_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -s -p no:cacheprovider \
	    tests/e2e/test_flood.py

# With sanitizers: make test-kill BUILD=build/asan SANITIZE=address,undefined.
E2E_SHOWN = DCDC_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -s -p no:cacheprovider

test-kill: all ## kill the daemons 200 times under load
	@DCDC_KILLS=200 $(E2E_SHOWN) tests/e2e/test_processes.py -k killed_at_random

test-replug: all ## unplug each port 100 times; CPU while it is away
	@$(E2E_SHOWN) tests/e2e/test_replug.py -k 'many_times or busy_loop'

model: $(BUILD)/unit/test_guard_model ## explore the guards' model for two minutes
	GUARD_MODEL_DEPTH=6 GUARD_MODEL_CLOSE_DEPTH=5 $(BUILD)/unit/test_guard_model

test: unit e2e ## build and run all tests

.PHONY: test-debian13 test-arm test-gpio test-systemd
test-systemd: ## install the packages in a virtual machine and run the units there
	@scripts/test-systemd

test-gpio: ## run the daemons on an emulated board and watch their direction pins
	@BUILD=$(BUILD) scripts/test-gpio

# E2E: names of tests/e2e, or (Debian 13) all; without it a few.
test-arm: ## build for arm64, armhf and s390x; test that under qemu
	@BUILD=$(BUILD) E2E="$(E2E)" scripts/test-arm

test-debian13: ## build and test on Debian 13, in a tree made by debootstrap
	@scripts/test-debian13 $(E2E)

# One clang-tidy a file: in one process for all, its va_list checker mixes them up.
LINT_SOURCES := $(filter-out tests/unit/% tests/bench/%,$(SOURCES))
$(BUILD)/lint/%.ok: %.c .clang-tidy $(HEADERS)
	@mkdir -p $(@D)
	$(call say,TIDY)
	$(Q)clang-tidy --quiet $< -- -std=c11 -I. -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(PKG_CFLAGS) \
	    2>$@.log || { cat $@.log; false; }
	@touch $@

$(BUILD)/lint/cppcheck.ok: $(LINT_SOURCES) $(HEADERS)
	@mkdir -p $(@D)
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
	    -I. -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(LINT_SOURCES)
	@touch $@

lint: $(patsubst %.c,$(BUILD)/lint/%.ok,$(LINT_SOURCES)) $(BUILD)/lint/cppcheck.ok ## clang-tidy and cppcheck

format: ## format the sources
	clang-format -i $(filter-out %/golden_vectors.h,$(SOURCES) $(HEADERS))

check-format: ## check the sources' format
	clang-format --dry-run -Werror $(filter-out %/golden_vectors.h,$(SOURCES) $(HEADERS))

# Fuzzing: libFuzzer with sanitizers, in a build of its own. FUZZ_TIME: seconds for each target;
# FUZZ_RUNS: inputs instead. What is found is kept in $(BUILD)/fuzz/findings, inputs that reach
# new code in $(BUILD)/fuzz/corpus: the next run begins with them and with tests/fuzz/corpus.
FUZZ_TIME    ?= 60
FUZZ_RUNS    ?=
FUZZ_TARGETS ?= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_MAKE     = $(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang CFLAGS='-O2 -g' \
                SANITIZE=fuzzer-no-link,address,undefined

# The longest input, where it is not 512 bytes.
fuzz_config_max_len   := 4096
fuzz_jsonrpc_max_len  := 1024
fuzz_eza_link_max_len := 192

.PHONY: fuzz fuzz-brief fuzz-long fuzz-here
fuzz: ## fuzz each parser for FUZZ_TIME seconds (60) or FUZZ_RUNS inputs
	@+$(FUZZ_MAKE) fuzz-here

fuzz-brief: ## fuzz each parser for 3 seconds
	@+$(FUZZ_MAKE) FUZZ_TIME=3 FUZZ_RUNS= fuzz-here

fuzz-long: ## fuzz each parser with 10,000,000 inputs
	@+$(FUZZ_MAKE) FUZZ_RUNS=10000000 fuzz-here

$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/libdcdcd.a $(BUILD)/libbattd.a \
                 $(BUILD)/libgatewayd.a $(COMMON_LIB)
	$(call say,LD)
	$(Q)$(CC) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $^ $(LIBS_dcdcd) $(LIBS_core)

# In the build for fuzzing: all targets, also when one finds something.
fuzz-here: $(addprefix $(BUILD)/,$(FUZZ_TARGETS))
	@mkdir -p $(BUILD)/findings; failed=; $(foreach t,$(FUZZ_TARGETS),mkdir -p $(BUILD)/corpus/$t; \
	if $(BUILD)/$t -max_len=$(or $($t_max_len),512) -timeout=60 -rss_limit_mb=1024 -verbosity=0 \
	    $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$(FUZZ_TIME)) -print_final_stats=1 \
	    -artifact_prefix=$(BUILD)/findings/$t- $(BUILD)/corpus/$t tests/fuzz/corpus/$t \
	    >$(BUILD)/$t.log 2>&1; \
	then echo "  $t: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(BUILD)/$t.log) inputs"; \
	else tail -n 60 $(BUILD)/$t.log; failed="$$failed $t"; fi;) \
	if [ -n "$$failed" ]; then echo "findings in$$failed: see $(BUILD)/findings"; exit 1; fi

UNITS := $(addsuffix .service,$(DAEMONS)) dcdc-batt-comm.target
SYSTEM_FILES := $(addsuffix /dcdc-batt-comm.conf,$(addprefix $(libdir)/,sysusers.d tmpfiles.d modules-load.d))

install: $(addprefix $(BUILD)/,$(DAEMONS)) ## install daemons, units, man pages and example configuration
	$(INSTALL) -d $(addprefix $(DESTDIR),$(sbindir) $(sysconfdir)/dcdc_batt_comm $(docdir) $(unitdir) \
	    $(udevdir) $(dir $(SYSTEM_FILES)) $(doctordir) $(mandir)/man5 $(mandir)/man8 \
	    $(addprefix $(docdir)/,doc etc/prometheus))
	$(INSTALL) -m 755 $^ $(DESTDIR)$(sbindir)
	$(INSTALL) -m 755 scripts/doctor $(DESTDIR)$(sbindir)/dcdc-doctor
	$(INSTALL) -m 644 $(wildcard scripts/dcdc_doctor/*.py) $(DESTDIR)$(doctordir)
	$(INSTALL) -m 644 README.md CHANGES.md LICENSE $(DESTDIR)$(docdir)
	$(INSTALL) -m 644 doc/*.md $(DESTDIR)$(docdir)/doc
	$(INSTALL) -m 644 etc/dcdc_batt_comm.yml $(DESTDIR)$(docdir)/etc
	$(INSTALL) -m 644 etc/prometheus/*.yml $(DESTDIR)$(docdir)/etc/prometheus
	$(INSTALL) -m 644 doc/man/*.5 $(DESTDIR)$(mandir)/man5
	$(INSTALL) -m 644 doc/man/*.8 $(DESTDIR)$(mandir)/man8
	test -e $(DESTDIR)$(sysconfdir)/dcdc_batt_comm/dcdc_batt_comm.yml || \
	    $(INSTALL) -m 644 etc/dcdc_batt_comm.yml $(DESTDIR)$(sysconfdir)/dcdc_batt_comm
	for daemon in $(DAEMONS); do \
	    sed -e 's#@sbindir@#$(sbindir)#; s#@sysconfdir@#$(sysconfdir)#; s#@docdir@#$(docdir)#' \
	        etc/systemd/$$daemon.service.in >$(DESTDIR)$(unitdir)/$$daemon.service; done
	chmod 644 $(DESTDIR)$(unitdir)/*.service
	$(INSTALL) -m 644 etc/systemd/dcdc-batt-comm.target $(DESTDIR)$(unitdir)
	$(INSTALL) -m 644 etc/udev/60-dcdc-batt-comm.rules $(DESTDIR)$(udevdir)
	for kind in sysusers.d tmpfiles.d modules-load.d; do \
	    $(INSTALL) -m 644 etc/$$kind/dcdc-batt-comm.conf $(DESTDIR)$(libdir)/$$kind; done

install-simulators: $(addprefix $(BUILD)/,$(SIMS)) ## install the simulators
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(mandir)/man1
	$(INSTALL) -m 755 $^ $(DESTDIR)$(bindir)
	$(INSTALL) -m 644 doc/man/*.1 $(DESTDIR)$(mandir)/man1

uninstall: ## remove what install and install-simulators put, but the configuration
	rm -f $(addprefix $(DESTDIR),$(addprefix $(sbindir)/,$(DAEMONS) dcdc-doctor) $(addprefix $(bindir)/,$(SIMS)) \
	    $(addprefix $(unitdir)/,$(UNITS)) $(udevdir)/60-dcdc-batt-comm.rules $(SYSTEM_FILES) \
	    $(foreach page,$(notdir $(wildcard doc/man/*)),$(mandir)/man$(subst .,,$(suffix $(page)))/$(page)))
	rm -rf $(DESTDIR)$(docdir) $(DESTDIR)$(doctordir)

# dpkg-buildpackage wants debian/ at the top of the tree it builds in, so it gets a tree of its own.
# The packages come to lie in $(BUILD)/deb. ARCH: arm64 or armhf, cross-built with the libraries of
# scripts/cross-tree. DEB_FLAGS: more of dpkg-buildpackage's options.
DEB_FLAGS ?=
ARCH      ?=
DEB_CROSS  = $(if $(ARCH),-a$(ARCH) -Pcross -d)
deb: ## build the Debian packages into $(BUILD)/deb
	rm -rf $(BUILD)/deb
	mkdir -p $(BUILD)/deb/tree
	cp -r Makefile README.md CHANGES.md LICENSE .clang-tidy $(DAEMONS) common doc etc scripts tests \
	    $(BUILD)/deb/tree
	cp -r etc/debian $(BUILD)/deb/tree/debian
	printf 'dcdc-batt-comm ($(VERSION)) unstable; urgency=medium\n\n  * See CHANGES.md.\n\n%s\n' \
	    " -- dcdc_batt_comm maintainers <maintainers@dcdc-batt-comm.invalid>  $$(date -R $(if $(SOURCE_DATE_EPOCH),-d @$(SOURCE_DATE_EPOCH)))" \
	    >$(BUILD)/deb/tree/debian/changelog
	$(if $(ARCH),scripts/install-packages --boards)
	$(if $(ARCH),scripts/cross-tree --debian $(ARCH) $(BUILD)/deb/tree/debian)
	cd $(BUILD)/deb/tree && env -u MAKEFLAGS -u MAKELEVEL -u BUILD \
	    dpkg-buildpackage -b -us -uc $(DEB_CROSS) $(DEB_FLAGS)

clean: ## remove what was built
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d)
