# stoep: one entry for people and for CI. Everything a run makes goes to build/.

PYTHON ?= python3
FOR ?=
EXAMPLES ?= 20000
BUILD := build
VENV := $(BUILD)/venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install
PYTEST := $(BIN)/python -m pytest
# Two processes share the tests: tests/conftest.py says how.
SHARED := -n 2 --no-loadscope-reorder
QUICK := -m "not slow"
STUBS := micropython-esp32-stubs>=1.28,<2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run field check test proof wire power-cuts full-disk kills load-day attackers attack serial-line rough-day follow-me night fog quality bench fill-forecast load lint generate hardware deb test-deb clean mosquitto
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
# Debian puts mosquitto where a user's PATH does not look.
export PATH := $(PATH):/usr/sbin

# An environment knows its own place: in a tree that was moved or copied it is made anew.
ifneq ($(shell cat $(VENV)/.base 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/.base
endif

help: ## show this list
	@echo "stoep: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "PYTHON=... names the interpreter (3.11 or later), FOR=SECONDS ends 'make run' by itself"

run: $(VENV)/.twin ## the street, live in the terminal [FOR=SECONDS]
	@exec $(BIN)/stoep twin --bins 3 --speed 240 --dir $(BUILD)/twin $(if $(FOR),--for $(FOR))

field: $(VENV)/.field ## the technician's tool and its virtual boards: build/venv/bin/stoep node
	@$(BIN)/stoep node --help

check: lint ## what to run before each commit: lint and the quick tests, under 3 minutes
	@echo "== quick tests of every room"
	@$(PYTEST) -q $(SHARED) $(QUICK)

test: mosquitto lint ## everything, with real brokers and whole streets
	@echo "== all tests: wire, firmware in the real interpreter, gateway, twin, whole streets, the wheel"
	@$(PYTEST) -q $(SHARED) --durations=10

proof: wire power-cuts full-disk kills load-day attackers load fill-forecast attack serial-line rough-day follow-me night fog quality test-deb ## the long campaigns one after the other, about five hours

wire: $(VENV)/.dev ## search both sides of the wire for what they read differently [EXAMPLES=20000]
	@echo "== the wire: $(EXAMPLES) examples for each search"
	@STOEP_EXAMPLES=$(EXAMPLES) $(PYTEST) -q tests/wire

power-cuts: $(VENV)/.dev mosquitto ## cut the power of node, gateway and registry at every write, an hour
	@$(BIN)/python tests/faults/power_cuts.py

full-disk: $(VENV)/.dev ## fill a small disk under the gateway at every step of its growth (root), about two minutes
	@unshare -m $(BIN)/python tests/faults/gateway_full.py
kills: $(VENV)/.dev mosquitto ## kill the gateway a thousand times under load, a quarter of an hour
	@$(BIN)/python tests/faults/load_kills.py

load-day: $(VENV)/.dev mosquitto ## a day of 200 nodes in fast motion, and the city's windows against an oracle, nine minutes
	@$(BIN)/python tests/faults/load_day.py

attackers: $(VENV)/.dev mosquitto ## flood the bridge and the local broker, misbehave as the city's, three minutes
	@$(BIN)/python tests/faults/load_attackers.py

attack: $(VENV)/.dev ## replay, forge, flood and restart a street, about two minutes
	@$(BIN)/python tests/faults/attack.py

serial-line: $(VENV)/.dev ## noise, floods, resets and 0x03 on the bridge's serial line, about four minutes
	@$(BIN)/python tests/faults/serial_line.py

rough-day: $(VENV)/.dev ## 24 hours of brown-outs, dead sensors and a gateway away for six, three minutes
	@$(BIN)/stoep twin --scenario rough-day --loss 0.1 --dir $(BUILD)/rough-day --summary $(BUILD)/rough-day.json

follow-me: $(VENV)/.dev ## light for twenty people and more, and for ten while something is wrong, forty minutes
	@$(BIN)/stoep twin --scenario follow-me --loss 0.1 --dir $(BUILD)/follow-me --summary $(BUILD)/follow-me.json

night: $(VENV)/.dev ## the windiest night of thirty, branches and a cat before the lamps, a quarter of an hour
	@$(BIN)/stoep twin --scenario night --loss 0.1 --dir $(BUILD)/night --summary $(BUILD)/night.json

fog: $(VENV)/.dev ## how wrong dust sensors are in fog, raw and calibrated, in six streets, about two minutes
	@$(BIN)/python tests/bench/fog.py

quality: $(VENV)/.dev ## a street's sensors fail for thirty days, and which of it the gateway's flags find, half an hour
	@$(BIN)/python tests/faults/quality.py --days 30 --seeds 112 113

bench: $(VENV)/.dev ## how long a node waits for its reply, about five minutes
	@$(BIN)/python tests/bench/reply.py

fill-forecast: $(VENV)/.dev ## when 20 bins are full and were emptied, told over 30 virtual days, three streets, a quarter of an hour
	@$(BIN)/python tests/bench/fill_forecast.py

load: $(VENV)/.dev mosquitto ## what 500 nodes a minute cost in bytes, memory and processor, seventeen minutes
	@$(BIN)/python tests/bench/load.py

lint: $(VENV)/.dev $(BUILD)/typings/.stamp ## ruff, mypy twice, import arrows, generated files
	@echo "== generated files"
	@$(BIN)/python -m stoep_field.generate --check
	@$(BIN)/python -m stoep_field.hardware --check
	@echo "== ruff"
	@$(BIN)/ruff check
	@echo "== mypy: gateway, field, twin"
	@$(BIN)/mypy
	@echo "== mypy: firmware against the ESP32's stubs"
	@$(BIN)/mypy --config-file firmware/mypy.ini
	@echo "== import arrows"
	@$(BIN)/lint-imports --no-logo --cache-dir $(BUILD)/cache/import-linter

generate: $(VENV)/.base ## write the firmware's tables from wire/channels.toml and hardware/*.toml
	@PYTHONPATH=firmware $(BIN)/python -m stoep_field.generate

hardware: $(VENV)/.drawings ## draw hardware/<kind>/ from hardware/<kind>.toml: pins, parts, wiring, power, guide (needs graphviz)
	@$(BIN)/python -m stoep_field.hardware

deb: $(VENV)/.dev ## the Debian packages for the Pi, arm64 and amd64, into build/deb
	@.ci/deb dpkg-deb
	@$(BIN)/python gateway/debian/package.py

test-deb: deb mosquitto ## install, serve, kill, hang, upgrade, cut the power, purge: on a Debian that boots (root), half an hour
	@.ci/deb debootstrap lintian
	@.ci/deb qemu-aarch64-static || echo "== without qemu: what is compiled for arm64 is looked at, not run"
	@$(BIN)/python tests/deb/deb_machine.py
	@unshare --mount --net --propagation private $(BIN)/python tests/deb/deb_check.py
	@unshare --mount --net --propagation private $(BIN)/python tests/deb/deb_check.py --suite trixie --only install serve kill upgrade remove
	@unshare --mount --net --propagation private $(BIN)/python tests/deb/deb_readonly.py
	@$(BIN)/python tests/deb/deb_other.py

clean: ## remove everything a run has made
	rm -rf $(BUILD) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find firmware gateway tests -name __pycache__ -type d -prune -exec rm -rf {} +

mosquitto: ## the broker that `make test` needs; installed when root or in CI
	@.ci/mosquitto

$(VENV)/.base:
	@.ci/python "$(PYTHON)"
	@echo "== a Python environment in $(VENV)"
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV)
	@echo "$(CURDIR)" > $@

$(VENV)/.twin: $(VENV)/.base pyproject.toml hatch_build.py
	@echo "== installing the gateway and the virtual street (once, about half a minute)"
	@$(PIP) --editable '.[twin]'
	@touch $@

$(VENV)/.dev: $(VENV)/.base pyproject.toml hatch_build.py
	@echo "== installing the development tools (once, about a minute)"
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/.twin $(VENV)/.field $@

$(VENV)/.field: $(VENV)/.base pyproject.toml hatch_build.py
	@echo "== installing the technician's tool and the virtual boards (once, about half a minute)"
	@$(PIP) --editable '.[field,twin]'
	@touch $@

$(VENV)/.drawings: $(VENV)/.base pyproject.toml hatch_build.py
	@echo "== installing the drawing tools (once, about half a minute)"
	@$(PIP) --editable '.[drawings]'
	@touch $@

$(BUILD)/typings/.stamp: $(VENV)/.base Makefile
	@echo "== fetching MicroPython's type stubs"
	@rm -rf $(BUILD)/typings
	@$(PIP) --target $(BUILD)/typings --no-warn-conflicts '$(STUBS)'
	@touch $@
