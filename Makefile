# SPDX-License-Identifier: GPL-2.0
# One make for everything: each directory with rules of its own gives a Makefile.inc.
#
#   make            the programs: criu/criu, compel/compel
#   make demo       installs what is needed, builds, dumps a running program into memory and restores it, three ways
#   make test       installs what the tests need, builds, runs everything
#   make test-vm    the tests on other kernels, in virtual machines: four hours or so
#   make check      the tests that need no root, under a minute
#   make fuzz       random operations on restored memory, for half an hour or less; SEED=N chooses others
#   make lint       format, layers, shell and Python style
#   make bench      measurements with ratios: Documentation/performance.md, .json and .svg
#   make install    DESTDIR, PREFIX
#
# CC=clang, DEBUG=1 and SANITIZE=1 (ASan and UBSan) choose how; BUILD where. With another BUILD than build the programs
# stand there, too: $(BUILD)/criu/criu, $(BUILD)/compel/compel.

VERSION := 4.2
PREFIX  ?= /usr/local
BUILD   ?= $(if $(SANITIZE),build-asan,build)
CC      ?= gcc
PYTHON  ?= /usr/bin/python3
Q       := $(if $(V),,@)
export PATH := /usr/sbin:/usr/bin:/sbin:/bin:$(PATH)

WARNINGS := -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
OPTIMIZE := $(if $(DEBUG)$(SANITIZE),-O1,-O2)
CFLAGS   ?=
CFLAGS   += -std=gnu11 $(OPTIMIZE) -g $(WARNINGS) -D_GNU_SOURCE -fno-strict-aliasing -MMD -MP
CPPFLAGS += -Icriu -I$(BUILD)/images -Icompel/include -I$(BUILD)/pie -I$(BUILD)/compel/include
LDLIBS   := -lprotobuf-c -lpmem -lcap -lpthread
ifdef SANITIZE
CFLAGS   += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DCRIU_SANITIZE
# Static: only then is there one log_path for both.
LDFLAGS  += -fsanitize=address,undefined $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan)
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# What later rules depend on by name.
CRIU_SRC  := $(filter-out criu/pie/% criu/main.c,$(shell find criu -name '*.c' | LC_ALL=C sort))
CRIU_OBJ  := $(CRIU_SRC:%.c=$(BUILD)/%.o)
CRIU_LIB  := $(BUILD)/criu/libengine.a
CRIU_BIN  := $(if $(filter-out build,$(BUILD)),$(BUILD)/criu/criu,criu/criu)
UNIT_SRC  := $(shell find test/unit -name 'test_*.c' 2>/dev/null | LC_ALL=C sort)
UNIT_BIN  := $(UNIT_SRC:%.c=$(BUILD)/%)

include images/Makefile.inc
include compel/Makefile.inc
include criu/pie/Makefile.inc
include test/zdtm/Makefile.inc
include test/fam/vm/Makefile.inc
include test/fam/fuzz/Makefile.inc

.PHONY: all check fuzz lint test test-vm demo bench install clean unit
all: $(CRIU_BIN) $(COMPEL_BIN) $(IMAGES_PY)

# Generated headers stand before anything that may include them.
GENERATED := $(IMAGES_GENERATED) $(PIE_BLOBS)
$(CRIU_OBJ) $(BUILD)/criu/main.o $(UNIT_BIN): | $(GENERATED)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(Q),@echo '  CC      $<')
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(CRIU_LIB): $(CRIU_OBJ)
	$(if $(Q),@echo '  AR      $@')
	$(Q)rm -f $@ && ar rcs $@ $^

$(CRIU_BIN): $(BUILD)/criu/main.o $(CRIU_LIB) $(IMAGES_LIB) $(COMPEL_LIB)
	$(if $(Q),@echo '  LD      $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/test/unit/%: test/unit/%.c $(CRIU_LIB) $(IMAGES_LIB) $(COMPEL_LIB)
	@mkdir -p $(@D)
	$(if $(Q),@echo '  UNIT    $<')
	$(Q)$(CC) $(CPPFLAGS) -Itest/unit $(CFLAGS) $(LDFLAGS) -o $@ $< $(CRIU_LIB) $(IMAGES_LIB) $(COMPEL_LIB) $(LDLIBS) -lcmocka

unit: $(UNIT_BIN)

check: all unit
	$(Q)$(PYTHON) test/suite.py check

lint:
	$(Q)scripts/lint

test:
	$(Q)scripts/install-deps --test --vm
	$(Q)$(MAKE) -j2 all unit zdtm
	$(Q)$(PYTHON) test/suite.py all

test-vm:
	$(Q)scripts/install-deps --test --vm
	$(Q)$(MAKE) -j2 all unit zdtm
	$(Q)$(PYTHON) test/vm/vm.py run

fuzz: all zdtm
	$(Q)$(PYTHON) test/fam/fuzz/fuzz.py --mode lazy --episodes 3000 --seed $(or $(SEED),10000)
	$(Q)$(PYTHON) test/fam/fuzz/fuzz.py --mode copy --episodes 200 --seed $(or $(SEED),10000)

demo:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) -j2 all
	$(Q)scripts/demo

bench: all
	$(Q)$(PYTHON) test/bench/run.py --doc Documentation

include scripts/install.mk

clean:
	rm -rf $(BUILD) $(CRIU_BIN) $(COMPEL_BIN) lib/py/pycriu/images/*_pb2.py
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
