# A newcomer needs two of these: `make run` and `make test`. `make help` lists the rest.

PYTHON ?= python3
WORKERS ?= 2
ARGS ?=
ARCH ?= x86_64 aarch64

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check

# The environment is made anew when the interpreter, the lock or the place of the checkout changes;
# the project is installed again when what describes it changes. The hashes are in the names of two
# files, so a second start asks for nothing but whether they exist, and needs no network.
INTERPRETER := $(shell $(PYTHON) -ISc 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
DESCRIBED_BY := pyproject.toml $(wildcard hatch_build.py maps/package.json maps/package-lock.json)
LOCK_KEY := $(shell { echo '$(INTERPRETER) $(CURDIR)'; cat requirements.lock; } | sha256sum | cut -c 1-16)
PROJECT_KEY := $(shell cat $(DESCRIBED_BY) | sha256sum | cut -c 1-16)
LOCKED := $(VENV)/locked-$(LOCK_KEY)
READY := $(VENV)/ready-$(PROJECT_KEY)

.DELETE_ON_ERROR:
.PHONY: help run install test soak check format bench bundle lock clean

help:
	@echo 'make run      install, build the demo county on the first start, serve it on this machine'
	@echo 'make test     every test; installs PostGIS, Chromium and Chinese fonts where it may'
	@echo 'make check    ruff, mypy --strict, import-linter'
	@echo 'make format   let ruff rewrite what make check would refuse'
	@echo 'make soak     the long proofs, within an hour (SOAK_KILLS=4 for a short one)'
	@echo 'make bench    ours beside the peers, kept in bench/RESULTS.md'
	@echo 'make bundle   dist/gridsvc-VERSION.tar, which installs with no network (ARCH="x86_64 aarch64")'
	@echo 'make lock     pin every dependency again (make lock ARGS=--upgrade for newer ones)'
	@echo 'make clean    remove what these commands made; your data in var/ stays'

run: $(READY)
	@$(BIN)/gridsvc run

install: $(READY)

test: $(READY)
	@$(BIN)/python -m tests.provision
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

soak: $(READY)
	@$(BIN)/python -m tests.provision
	@$(BIN)/python -m pytest -m soak -n $(WORKERS) --dist loadfile --timeout 1800 --session-timeout 3600 $(ARGS)

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)
	@$(BIN)/python -m tests.provision
	@$(BIN)/python -m bench $(ARGS)

bundle: $(READY)
	@$(BIN)/python docs/deploy/bundle.py $(addprefix --arch ,$(ARCH))

lock: $(READY)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --all-extras $(ARGS) --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist \
		maps/static/vendor
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(LOCKED): | requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo '需要 Python 3.11 或更高版本；可用 make PYTHON=/路径/python3.11 指定。'; \
		echo 'Python 3.11 or newer is needed. Name one with make PYTHON=/path/to/python3.11'; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo '缺少 Python 虚拟环境组件，请先执行：apt-get install python3-venv'; \
		echo 'The venv module is missing. Install it first: apt-get install python3-venv'; exit 1; } >&2
	@echo '首次安装，约需几分钟 / Installing into $(VENV): a few minutes, the first time only'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(READY): $(LOCKED)
	@$(PIP) --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/ready-*
	@touch $@
