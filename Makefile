# Entente: one file builds, tests and checks everything.
#
#   make            the daemon and the command, in build/
#   make demo       three nations on this machine, and who holds what
#   make test       every test
#   make test-wire  the tests of one folder under tests/
#   make crash      long random histories; relays that are killed and lose power
#   make bench      the figures of docs/PERFORMANCE.md (ONLY=feed: one group)
#   make sanitize   the tests under address and undefined-behaviour checking
#   make fuzz       every decoder of foreign bytes, FUZZ_SECONDS (5) each
#   make cover      the lines that the tests run, by folder
#   make lint       layout, layers, static analysis
#   make format     clang-format on every file
#   make clean      drop build/
#   make help       this list
#
# What is missing on a Debian machine is installed by dependencies.sh.

.DEFAULT_GOAL := all
SHELL     := /bin/bash
BUILD     ?= build
CC        := gcc
WARNINGS  := -Wall -Wextra -Werror -Wshadow -Wpointer-arith \
	     -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	     -Wno-unused-parameter -Wvla
HARDEN    := -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	     -fstack-clash-protection -fcf-protection=full -fPIE
OPTIMIZE  ?= -O2 -g $(HARDEN)
CFLAGS    += -std=gnu2x $(WARNINGS) $(OPTIMIZE) -I. -I/usr/include/libxml2 \
	     -MMD -MP -pthread
LDFLAGS   += -pie -Wl,-z,relro,-z,now,-z,noexecstack -pthread

# ---- modules: one static library each, in the order of the layers ----

DIR_base       := proto/base
DIR_crypto     := proto/crypto
DIR_label      := proto/label
DIR_document   := proto/document
DIR_exchange   := proto/exchange
DIR_wire       := proto/wire
DIR_storage    := storage
DIR_federation := federation
DIR_core       := relay/guard/core relay/guard/core/ops relay/guard/core/admin \
		  relay/parser
DIR_relay      := relay relay/front relay/guard relay/store
DIR_client     := client
DIR_support    := tests/support
MODULES := base crypto label document exchange wire storage federation core \
	   relay client support

# Whole programs: their main is in no library.
MAINS := relay/main.c relay/guard/main.c relay/front/main.c relay/store/main.c \
	 client/entente.c

define module
SRC_$(1) := $$(filter-out $$(MAINS),$$(sort $$(foreach d,$$(DIR_$(1)),$$(wildcard $$(d)/*.c))))
OBJ_$(1) := $$(SRC_$(1):%.c=$$(BUILD)/%.o)
$$(BUILD)/lib$(1).a: $$(OBJ_$(1))
	@rm -f $$@; $$(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module,$(m))))

# What a thing links: our libraries from the top layer down, then theirs.
SYS_base       := -ljansson
SYS_crypto     := -lcrypto
SYS_label      := -lxml2
SYS_wire       := -lnghttp2 -lssl
SYS_storage    := -llmdb
SYS_relay      := -luv -lyaml -lseccomp
SYS_client     := -lqrencode
NEEDS_base       := base
NEEDS_crypto     := crypto base
NEEDS_label      := label crypto base
NEEDS_document   := document crypto base
NEEDS_exchange   := exchange document label crypto base
NEEDS_wire       := wire crypto base
NEEDS_storage    := storage document label crypto base
NEEDS_histories  := $(NEEDS_storage)
NEEDS_guard      := client core relay federation exchange storage document label \
		    crypto base
NEEDS_federation := $(NEEDS_guard)
NEEDS_relay      := relay core federation exchange wire storage document \
		    label crypto base
NEEDS_client     := client exchange wire document label crypto base
NEEDS_daemon     := client relay core federation exchange wire storage \
		    document label crypto base
NEEDS_crash      := $(NEEDS_daemon)
NEEDS_faults     := $(NEEDS_guard)
NEEDS_bench      := $(NEEDS_daemon)
NEEDS_fuzz       := exchange wire storage document label crypto base

libs = $(patsubst %,$(BUILD)/lib%.a,$(1))
sys  = $(foreach m,$(1),$(SYS_$(m))) -lcrypto -lpthread

# ---- the programs ----

DAEMON := $(BUILD)/entented $(BUILD)/entented-guard $(BUILD)/entented-front \
	  $(BUILD)/entented-store

.DEFAULT_GOAL := all
all: $(DAEMON) $(BUILD)/entente

# The supervisor, and beside it the programs of its children: the front maps
# no LMDB and no libxml2, the guard no nghttp2 and no libssl.
NEEDS_supervisor := relay crypto base
NEEDS_front      := relay wire exchange document label crypto base
NEEDS_guardmain  := relay core federation exchange storage document label \
		    crypto base
SYS_supervisor   := -lyaml
SYS_front        := -luv -lseccomp -lnghttp2 -lssl
NEEDS_store      := $(NEEDS_guardmain)
SYS_guardmain    := -luv -lseccomp -llmdb -lxml2
SYS_store        := -lyaml $(SYS_guardmain)

program = $(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
	$(SYS_$(1)) -ljansson -lcrypto -lpthread

$(BUILD)/entented: $(BUILD)/relay/main.o $(call libs,$(NEEDS_supervisor))
	$(call program,supervisor)
$(BUILD)/entented-front: $(BUILD)/relay/front/main.o $(call libs,$(NEEDS_front))
	$(call program,front)
$(BUILD)/entented-guard: $(BUILD)/relay/guard/main.o $(call libs,$(NEEDS_guardmain))
	$(call program,guardmain)
# What is done with a store while no relay runs.
$(BUILD)/entented-store: $(BUILD)/relay/store/main.o $(call libs,$(NEEDS_store))
	$(call program,store)

$(BUILD)/entente: $(BUILD)/client/entente.o $(call libs,$(NEEDS_client))
	$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(call libs,$(NEEDS_client)) \
		-Wl,--end-group $(call sys,$(NEEDS_client))

$(BUILD)/%.o: %.c | deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

# The policy inside the command is made of these.
$(BUILD)/client/policy_default.o: $(wildcard docs/policy/*.spif.xml)

# ---- dependencies: checked once for each version of the script ----

DEPS_SUM   := $(shell cksum < dependencies.sh | cut -d' ' -f1)
deps_stamp  = build/.dependencies-$(1)-$(DEPS_SUM)
.PHONY: deps
deps: $(call deps_stamp,build)
$(call deps_stamp,%): dependencies.sh
	@./dependencies.sh $*
	@mkdir -p build && touch $@
# One after another, since apt locks.
$(call deps_stamp,demo) $(call deps_stamp,test) $(call deps_stamp,lint) \
$(call deps_stamp,fuzz): $(call deps_stamp,build)

# ---- tests: tests/<folder>/test_<module>.c, one program each ----

# Sources that are part of programs of their own.
OTHER_daemon := tests/daemon/slow_disk.c tests/daemon/failing_disk.c

TEST_DIRS := base crypto label document exchange wire storage histories \
	     federation guard relay client faults daemon
define testdir
TESTS_$(1) := $$(patsubst %.c,$$(BUILD)/%,$$(wildcard tests/$(1)/test_*.c))
HELP_$(1)  := $$(patsubst %.c,$$(BUILD)/%.o,$$(filter-out tests/$(1)/test_% $$(OTHER_$(1)),$$(wildcard tests/$(1)/*.c)))
$$(BUILD)/tests/$(1)/test_%: $$(BUILD)/tests/$(1)/test_%.o $$(HELP_$(1)) $$(call libs,support $$(NEEDS_$(1)))
	$$(CC) $$(LDFLAGS) $$(WRAPS_$(1)) -o $$@ $$(filter %.o,$$^) -Wl,--start-group \
		$$(filter %.a,$$^) -Wl,--end-group -lcmocka $$(call sys,$$(NEEDS_$(1)))
.PHONY: test-$(1)
test-$(1): $$(TESTS_$(1))
	@tests/run.sh $$(TESTS_$(1))
endef
$(foreach d,$(TEST_DIRS),$(eval $(call testdir,$(d))))

# Histories switch off rules of the store: its objects stand before the
# library's, compiled once more with the switches (storage/faults.h).
FAULTY := $(patsubst %,$(BUILD)/faults/storage/%.o,cursor document_apply feed \
	  feed_merge feed_expire ledger resolve_version shelf view)
$(BUILD)/faults/%.o: %.c | deps
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DENTENTE_FAULTS -c -o $@ $<
$(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/histories/*.c)): CFLAGS += -DENTENTE_FAULTS
$(TESTS_histories): $(FAULTY)

# Federation is tested in the world of whole guards.
$(TESTS_federation): $(BUILD)/tests/guard/world.o

# Every call that can fail is made to: tests/faults/fault.h.
comma        := ,
WRAPS_faults := $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc strdup \
	$(addprefix mdb_,env_create env_open env_copy2 env_info env_stat \
		reader_check txn_begin txn_renew txn_commit dbi_open get put \
		del cursor_open cursor_get cursor_put cursor_del))
$(TESTS_faults): $(patsubst %,$(BUILD)/tests/guard/%.o,world forge)

# The daemon's processes are tested with a guard whose core is scripted.
$(BUILD)/tests/relay/echo-guard: $(BUILD)/relay/guard/main.o \
		$(BUILD)/tests/relay/echo_core.o $(call libs,relay exchange crypto base)
	$(call program,guardmain)
$(TESTS_relay): | $(BUILD)/entented $(BUILD)/entented-front \
		$(BUILD)/tests/relay/echo-guard
# Whole daemons are the real ones; some of their clients are slow on purpose.
$(TESTS_daemon): $(BUILD)/tests/relay/client.o
$(TESTS_daemon): | $(DAEMON) $(BUILD)/entente $(BUILD)/tests/daemon/slow-guard \
		$(BUILD)/tests/daemon/failing-guard
# The real guard on a disk that is slow.
$(BUILD)/tests/daemon/slow-guard: $(BUILD)/relay/guard/main.o \
		$(BUILD)/tests/daemon/slow_disk.o $(call libs,$(NEEDS_guardmain))
	$(call program,guardmain) -rdynamic -Wl,--wrap=core_read
# On one that fails while the relay's folder says so.
$(BUILD)/tests/daemon/failing-guard: $(BUILD)/relay/guard/main.o \
		$(BUILD)/tests/daemon/failing_disk.o $(call libs,$(NEEDS_guardmain))
	$(call program,guardmain) -rdynamic -Wl,--wrap=core_open
# So are those that the command is tested with.
$(TESTS_client): | $(DAEMON)
# An app has the library's header and no other, of nobody's.
$(BUILD)/tests/client/app/app.o: tests/client/app/app.c client/entente.h
	@mkdir -p $(@D)
	$(CC) -std=c11 $(OPTIMIZE) -Wall -Wextra -Werror -ffreestanding -nostdinc \
		-isystem $(shell $(CC) -print-file-name=include) -I. \
		-U_FORTIFY_SOURCE -c -o $@ $<
$(BUILD)/tests/client/test_interface: $(BUILD)/tests/client/app/app.o
ALL_TESTS := $(foreach d,$(TEST_DIRS),$(TESTS_$(d)))

.PHONY: all test
test: all $(ALL_TESTS) | $(call deps_stamp,test)
	@tests/check_layers.sh
	@tests/check_vectors.sh
	@tests/run.sh $(ALL_TESTS)

# ---- the demo: three nations, and who holds what ----

# With your own: make demo POLICY=spif.xml FILES=folder [CLEARANCES=folder]
.PHONY: demo
demo: all | $(call deps_stamp,demo)
	@PYTHONDONTWRITEBYTECODE=1 BUILD=$(BUILD) python3 tests/demo/demo.py \
		$(if $(POLICY),--policy "$(POLICY)") \
		$(if $(FILES),--files "$(FILES)") \
		$(if $(CLEARANCES),--clearances "$(CLEARANCES)")

# ---- figures: one program, and the daemon that it starts ----

BENCH_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/*.c)) \
	     $(BUILD)/tests/guard/world.o
$(BUILD)/tests/bench/bench: $(BENCH_OBJ) $(call libs,support $(NEEDS_bench))
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
		$(filter %.a,$^) -Wl,--end-group $(call sys,$(NEEDS_bench))
.PHONY: bench
bench: $(BUILD)/tests/bench/bench $(DAEMON)
	@$< $(BUILD) $(ONLY)

# ---- crashes: a list of steps, one after the other ----

# Kills of guard, front and supervisor, and power cuts, with whole daemons.
CRASH_ROUNDS ?= 200
POWER_ROUNDS ?= 20
CRASH_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/crash/*.c)) \
	     $(BUILD)/tests/daemon/nation_daemon.o $(BUILD)/tests/daemon/pad.o
$(BUILD)/tests/crash/crash: $(CRASH_OBJ) $(call libs,support $(NEEDS_crash))
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
		$(filter %.a,$^) -Wl,--end-group $(call sys,$(NEEDS_crash))
CRASH_STEPS := crash-histories crash-kill crash-power crash-faults
.PHONY: crash $(CRASH_STEPS)
crash:
	@for step in $(CRASH_STEPS); do \
		$(MAKE) --no-print-directory $$step || exit 1; done
crash-histories: $(BUILD)/tests/histories/test_histories
	@tests/histories/crash.sh $< $(SEED)
crash-kill: $(BUILD)/tests/crash/crash $(DAEMON) $(BUILD)/entente
	@$< $(CRASH_ROUNDS) $(SEED)
crash-power: $(BUILD)/tests/crash/crash $(DAEMON) $(BUILD)/entente
	@$< power $(POWER_ROUNDS) $(SEED)
# Every call that can fail, where `make test` takes a sample.
crash-faults: $(TESTS_faults)
	@FAULTS_ALL=1 TEST_TIMEOUT=3600 tests/run.sh $^

# ---- other checks: each builds in a folder of its own under build/ ----

.PHONY: sanitize lint format fuzz fuzz-run cover cover-run help clean

# Clang's and gcc's checks of memory and undefined behaviour. What a checker
# adds to a process does not fit the confinement of a role, so whole daemons
# are left to `make test`.
SANITIZE_DIRS  := $(filter-out daemon,$(TEST_DIRS))
SANITIZE_TESTS := $(foreach d,$(SANITIZE_DIRS),$(TESTS_$(d)))
SANITIZE_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
sanitize: | $(call deps_stamp,test)
	@$(MAKE) --no-print-directory BUILD=build/sanitize \
		OPTIMIZE="-O1 -g -DENTENTE_SANITIZE $(SANITIZE_FLAGS) \
			-fno-omit-frame-pointer -fPIE" \
		LDFLAGS="-pie -fsanitize=address,undefined -pthread" \
		sanitize-run
.PHONY: sanitize-run
sanitize-run: $(SANITIZE_TESTS)
	@tests/run.sh $^

# One target per decoder of foreign bytes, each for FUZZ_SECONDS.
FUZZ_TARGETS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_RELAY   := $(patsubst %,$(BUILD)/relay/%.o,address channel config route \
		parser/parser)
FUZZ_FLAGS   := address,undefined
fuzz: | $(call deps_stamp,fuzz)
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang \
		OPTIMIZE="-O1 -g -fsanitize=fuzzer-no-link,$(FUZZ_FLAGS) \
			-fno-sanitize-recover=all -fno-omit-frame-pointer" \
		LDFLAGS="-fsanitize=fuzzer,$(FUZZ_FLAGS) -pthread" fuzz-run
fuzz-run: $(FUZZ_TARGETS)
	@tests/fuzz/run.sh $^
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o \
		$(BUILD)/tests/fuzz/fuzz.o $(FUZZ_RELAY) $(call libs,$(NEEDS_fuzz))
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
		$(filter %.a,$^) -Wl,--end-group $(call sys,$(NEEDS_fuzz)) -lyaml

# Lines that the tests run, by folder. Without optimisation gcc takes results
# for uninitialised that a callee writes whenever it does not fail.
cover: | $(call deps_stamp,test)
	@$(MAKE) --no-print-directory BUILD=build/cover OPTIMIZE="-O0 -g \
			--coverage -fPIC -Wno-maybe-uninitialized" \
		LDFLAGS="-pie --coverage -pthread" cover-run
cover-run: $(SANITIZE_TESTS)
	@find $(BUILD) -name '*.gcda' -delete
	@tests/run.sh $^
	@tests/cover.sh $(BUILD)

# Layout, layers, static analysis.
lint: | $(call deps_stamp,lint)
	@tests/lint.sh

format: | $(call deps_stamp,lint)
	@git ls-files '*.c' '*.h' | xargs clang-format -i

help:
	@sed -n 's/^#   \(make[^#]*\)$$/\1/p' Makefile

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.SECONDARY:
