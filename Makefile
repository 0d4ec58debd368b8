# One venv, made once; every target brings what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2
ARGS ?=

.PHONY: demo run test check data bench clean screenshots

demo: $(VENV)/.run
	@$(BIN)/verifier demo $(ARGS)

run: $(VENV)/.run
	@$(BIN)/verifier $(or $(ARGS),doctor)

test: $(VENV)/.dev
	@tools/need-debian redis-server nsd chromium curl nodejs php-cli systemd swaks libnet-ssleay-perl netcat-openbsd
	@tools/unpack-debian postfix exim4-daemon-light opensmtpd postgrey
	@command -v npm >/dev/null || tools/need-debian npm
	@$(BIN)/python -m tools.npm_files axe-core
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

data: $(VENV)/.dev
	@$(BIN)/python tools/build_data.py $(ARGS)

bench: $(VENV)/.dev
	@tools/need-debian nsd wrk
	@$(BIN)/python bench/clean_offline.py
	@$(BIN)/python bench/dns.py
	@$(BIN)/python bench/clean_world.py
	@$(BIN)/python bench/engine.py
	@$(BIN)/python bench/http.py
	@$(BIN)/python -m bench.beside --stages syntax,disposable
	@$(BIN)/python -m bench.lists_service
	@$(BIN)/python -m bench.lists_fair
	@tools/need-debian curl
	@$(BIN)/python -m bench.lists_http
	@$(BIN)/python -m bench.policy
	@$(BIN)/python -m bench.relay
	@tools/unpack-debian postfix
	@$(BIN)/python -m bench.gate_postfix
	@tools/need-debian chromium
	@$(BIN)/python -m bench.list_page

screenshots: $(VENV)/.dev
	@tools/need-debian chromium fonts-dejavu-core
	@$(BIN)/python -m tools.screenshots

# What `venv` makes last: one that was interrupted has a python already, and is made again.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tools/need-debian python3-venv
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/pip
	@echo "Installing verifier into $(VENV) ..." >&2
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Installing the development tools into $(VENV) ..." >&2
	@$(PIP) install -c constraints.txt -e '.[dev,data,bench]'
	@touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
