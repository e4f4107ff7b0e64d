# The Biased Ruler. `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# Python keeps what it has compiled, even where a container asks it not to: each kernel imports 2,000 modules.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
PROFILE ?= quick
BATCH ?= $(PROFILE)
PORT ?= 8000
LEFT ?= 300

# An active conda environment of the book is used as it is; else make keeps its own in .venv.
ifeq ($(CONDA_DEFAULT_ENV),biased-ruler)
BIN := $(CONDA_PREFIX)/bin
READY :=
else
BIN := .venv/bin
READY := .venv/.ready
endif
PY := $(BIN)/python
WORKFLOW := $(PY) -m helpers.book.workflow

.PHONY: help book pdf student book-student test test-all test-slow test-browser faults mutants bench lint lab study new audit sweep status record restamp rejudge check-data real-labels check-review review-db review-claims review serve lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'
	@echo
	@echo "  Variables: STUDY=01_label_audit PROFILE=quick|tiny|laptop|paper PARAMS=\"SOURCE=real DATA_ROOT=...\""
	@echo "             SWEEP=skin_repeats CLUSTER=slurm INSTANCE=default LABEL=real DATA_ROOT=... PORT=8000 PYTHON=python3.11 TORCH=cpu"

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v[:2] < (3, 14) and f"Python 3.11 to 3.13 is needed, {sys.executable} is {v[0]}.{v[1]}. Name another: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
ifeq ($(TORCH),cpu)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip install --python $(PY) --torch-backend=cpu "$$(grep '^torch==' requirements.lock)"
endif
# Not compiled: Python compiles a module when it is first imported, and most are never imported.
	$(BIN)/pip install --quiet --no-compile -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
	@touch $@

book: $(READY) ## run every study that changed, build the book, say where it is
	@$(WORKFLOW) snakemake book $(if $(wildcard _build/html/index.html),,first_page) --quiet host rules progress --config profile=$(PROFILE)
	@$(WORKFLOW) check $(PROFILE)
	@echo "The book is at file://$(CURDIR)/_build/html/index.html"

pdf: $(READY) ## the whole book as one PDF (needs chromium)
	@$(PY) book/_ext/pdf.py
	@$(WORKFLOW) snakemake pdf --quiet host rules --config profile=$(PROFILE)
	@echo "The book is at $(CURDIR)/_build/the-biased-ruler.pdf"

student: $(READY) ## a course copy without solutions, in _build/student
	@$(WORKFLOW) student

book-student: $(READY) ## the book without solutions, from the same runs, in _build/student-book
	@$(WORKFLOW) snakemake student_book --quiet host rules --config profile=$(PROFILE)
	@echo "The students' book is at file://$(CURDIR)/_build/student-book/_build/html/index.html"

# One thread a process: two that both take every core wait for each other.
test: $(READY) ## the whole test suite, without slow tests, browser tests and benchmarks
	OMP_NUM_THREADS=1 $(PY) -m tests.tiny runs
	@OMP_NUM_THREADS=1 $(PY) -m tests.tiny book & \
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -p no:nbval && wait $$!

test-all: test ## the whole test suite, and the slow tests; keeps the commit at which they passed
	OMP_NUM_THREADS=1 $(PY) -m tests.slow all

test-slow: $(READY) ## slow tests of what changed since test-all passed, as many as fit: [LEFT=300]
	OMP_NUM_THREADS=1 $(PY) -m tests.slow changed --seconds $(LEFT)

test-browser: $(READY) ## pages and notebooks in headless Chromium (needs chromium)
	OMP_NUM_THREADS=1 $(PY) -m pytest tests/browser -p no:nbval -n 2 --dist loadscope

faults: $(READY) ## plant each fault of tests/faults, and see that the tests catch it: [FAULT="NAME ..."]
	@$(PY) -m tests.faults.run $(FAULT)

# Apart from .venv, whose versions it would change.
mutants: $(READY) ## change the code that measures in 300 small ways, and count how many the tests see (ten minutes)
	@test -d _build/mutmut || $(PY) -m pip install --quiet --target _build/mutmut mutmut==3.8.1
	OMP_NUM_THREADS=1 $(PY) tests/mutants/sample.py

bench: $(READY) ## speed as ratios against named peers
	$(PY) -m pytest tests/benchmarks -s

lint: $(READY) ## code and notebook style
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/nbstripout --verify --keep-id notebooks/*.ipynb notebooks/assignment/source/*/*.ipynb

lab: $(READY) ## JupyterLab, opened on the first study
	$(BIN)/jupyter lab notebooks/00_calibration.ipynb

# Variables of the command line as NAME=value, each one word as typed: blanks, quotes, $$ and | stay.
given = $(foreach name,$(1),$(if $(filter command,$(origin $(name))),'$(name)=$(subst ','\'',$(value $(name)))'))
# A table of images, and its columns.
TABLE := IMAGES FILE SLICE MASK SECOND_MASK PATIENT SITE SPLIT GROUPS COMPARE TARGETS

study: $(READY) ## one study: STUDY=... [PROFILE=...] [PARAMS="NAME=value ..."] [IMAGES=my.csv PATIENT=... GROUPS=... TARGETS=...]
	@test -n "$(STUDY)" || { echo "Name a study: make study STUDY=01_label_audit" >&2; exit 2; }
	@$(WORKFLOW) study $(STUDY) $(PROFILE) $(PARAMS) $(call given,$(TABLE) DATA_ROOT)

new: $(READY) ## a study of your own from the template: STUDY=08_my_question
	@test -n "$(STUDY)" || { echo "Name it: make new STUDY=08_my_question" >&2; exit 2; }
	@$(WORKFLOW) new $(STUDY)

# What the study of one's own scores takes.
OWN := SCORES SCORE SECOND SECOND_IS GROUPS BINS NAMES SOURCE_COLUMN CASE PATIENT EXPERT PREDICTED MASK_VALUE EMPTY \
	BETTER SUCCESS SPAN MODEL TRUTH POSITIVE PROBABILITY THRESHOLD SPLIT CHOOSE_ON WEIGHT DATA_ROOT
audit: $(READY) ## your own scores, as a report: SCORES=my.csv SCORE=dice GROUPS=sex,age_group [SOURCE_COLUMN=...] [SECOND=...]
	@$(WORKFLOW) audit $(call given,$(OWN)) $(PARAMS)

sweep: $(READY) ## a grid of runs, notebooks/sweeps/<SWEEP>.yaml: SWEEP=... [CLUSTER=slurm]
	@test -n "$(SWEEP)" || { echo "Name a sweep: make sweep SWEEP=skin_repeats" >&2; exit 2; }
	@$(WORKFLOW) sweep $(SWEEP) $(if $(CLUSTER),--cluster $(CLUSTER))
	@echo "The runs are in runs/$(SWEEP)/; 'make record SWEEP=$(SWEEP)' keeps their table in the book."

status: $(READY) ## what is done, running, failed and why, stale and why: [PROFILE=...]
	@$(WORKFLOW) status $(PROFILE)

record: $(READY) ## keep a run or a sweep in the book: STUDY=... [BATCH=...] [INSTANCE=...] [LABEL=...], or SWEEP=...
	@test -n "$(STUDY)$(SWEEP)" || { echo "Name a study or a sweep: make record STUDY=01_label_audit" >&2; exit 2; }
	@$(if $(SWEEP),$(WORKFLOW) record-sweep $(SWEEP),$(WORKFLOW) record $(STUDY) $(BATCH) $(or $(INSTANCE),default) $(or $(LABEL),$(BATCH)))

restamp: $(READY) ## prove that a change of code changed no recorded number: [STUDY=...] [DATA_ROOT=...]
	@$(WORKFLOW) restamp $(STUDY) $(if $(DATA_ROOT),--data-root "$(DATA_ROOT)")

rejudge: $(READY) ## judge recorded claims again by the rule of today, from their values: [STUDY=...]
	@$(WORKFLOW) rejudge $(STUDY)

check-data: $(READY) ## what is in your images or a data set, and what to look at: IMAGES=my.csv [PATIENT=... GROUPS=...], or DATA_ROOT=...
	@$(PY) -m helpers.datasets $(call given,IMAGES $(filter-out IMAGES,$(TABLE)) DATA_ROOT)

real-labels: $(READY) ## real labels of chest X-rays, without a form: one download (29 MB) into data/nih_labels: [WHEEL=file]
	@$(PY) -m helpers.datasets.nih_labels $(call given,WHEEL)

check-review: $(READY) ## the rules of the living review, book/review/*.csv: [FOLDER=...]
	@$(PY) -m helpers.datasets.review check $(call given,FOLDER)

review-db: $(READY) ## the living review as one SQLite file, _build/review.sqlite: [FOLDER=...]
	@$(PY) -m helpers.datasets.review db $(call given,FOLDER)

review-claims: $(READY) ## enter the claims that differ on real data into the living review
	@$(WORKFLOW) review-claims

review: $(READY) ## who could have known, of your data sets: DATA_ROOT=folder of saved OpenAlex pages [PARAMS=...]
	@test -n "$(DATA_ROOT)" || { echo "Name a folder: make review DATA_ROOT=..." >&2; exit 2; }
	@$(WORKFLOW) study 10_living_review $(PROFILE) SOURCE=real $(PARAMS) $(call given,DATA_ROOT)

serve: $(READY) ## the built book at http://localhost:8000
	$(PY) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

lock: ## new exact versions from pyproject.toml, tried in a fresh environment
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet torch==2.13.0 && .venv-lock/bin/pip install --quiet ".[dev]"
	.venv-lock/bin/pip freeze --exclude biased-ruler --exclude pip --exclude setuptools | sed -E 's/\+cpu$$//; /^(nvidia-|cuda-|triton)/d' > requirements.lock
	rm -rf .venv-lock

clean: ## remove what was built; keeps .venv, data and runs by hand
	rm -rf _build book/studies .snakemake runs/quick runs/tiny runs/.scratch runs/.failed data/simulated/.mama-mia-*
