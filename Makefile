# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
RUN    := $(VENV)/bin
SPREAD ?= -n 2 --dist worksteal

.PHONY: demo test stories lint bench soak lock clean

$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/ready
	$(RUN)/mailbot demo

lint: $(VENV)/ready
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy

# Unit tests and stories (no network, no servers) beside the linters, then what this machine has. The
# contracts wait for servers a good part of their time: three of them share two processors. Live
# stories are timed.
test: $(VENV)/ready
	$(MAKE) --no-print-directory --jobs 2 lint stories
	$(RUN)/pytest $(SPREAD) -n 3 -rs tests/contract
	$(RUN)/pytest $(SPREAD) -rs tests/live

stories: $(VENV)/ready
	$(RUN)/pytest $(SPREAD) tests/unit tests/fuzz tests/stories

# Every figure of README, measured anew on this machine.
bench: $(VENV)/ready
	$(RUN)/python -m tests.bench

# Slow proofs: many kills, long fuzzing.
soak: $(VENV)/ready
	MAILBOT_SOAK=1 $(RUN)/pytest -rs tests/fuzz tests/stories tests/live -k "kill or fuzz"
	MAILBOT_SOAK=1 $(RUN)/pytest $(SPREAD) tests/unit/test_decisions.py
	MAILBOT_SOAK=1 $(RUN)/pytest $(SPREAD) -rs tests/contract/test_graph_faults.py tests/contract/test_ews_faults.py \
	    tests/contract/test_sql_source.py tests/contract/test_discover.py tests/contract/test_store_contract.py

# The lock file names no registry host: pip's own configuration says where packages come from.
lock: $(VENV)/ready
	$(RUN)/python -m pip install --quiet pip-tools
	$(RUN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --extra dev --extra mssql \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header \
	    --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info var
