# Two commands: `make demo` sets up and runs the whole workflow on real data, `make test` sets up and runs the tests.
# All that is installed goes into .venv. Cores: `make demo CORES=8`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= all
PYCISTOPIC ?= git+https://github.com/aertslab/pycisTopic@787ce422a37f5975b0ebb9e7b19eeaed44847501
PROMOTERS := epd_promoters_hg38_300bp.fa dorothea_jaspar.tsv dorothea_hocomoco.tsv
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --no-binary=connection_pool
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help env env-fragments env-pyscenic env-pycistopic env-alternatives env-readers env-docs bench-data bench-grn bench-aucell bench-adapter bench-mapping bench-eregulons bench-grn-accuracy bench-knowledge bench-edge-effects bench-region-gene bench-pooled-links bench-growth bench-scale bench-speed bench-topics bench-topic-selection bench-sampled-topics bench-cistarget bench-control bench-embedding rna-corpus bench-train bench-precision bench-gpu bench-grid results results-page try-inputs demo test test-all faults lint format settings outputs docs lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-17s %s\n", $$1, $$2}'

env: .venv/.complete ## make the environment (.venv)

env-fragments: .venv/.fragments ## add SnapATAC2 and MACS3 to .venv, for samples given as fragments (needs a C compiler)

env-pyscenic: .envs/pyscenic/.complete ## make the environment of pySCENIC and arboreto: methods of their own, references of tests and benchmarks

env-pycistopic: .envs/pycistopic/.complete ## make the environment of pycisTopic (a minute; PYCISTOPIC=folder takes a checkout of it)

env-alternatives: .envs/alternatives/.complete ## make the environment of XGBoost and rustscenic, for benchmarks

env-readers: .envs/readers/.complete ## make the environment of decoupler, loompy and pyBigWig, which read exports in tests

env-docs: .envs/docs/.complete ## make the environment of sphinx, which builds the site

demo: env ## run the whole workflow on the demo data and say where the report is; SCENARIO=quick trains shortly
	@networks=; if $(BIN)/python -m grnformer.cli fetch $(PROMOTERS) >/dev/null; then networks=config/scenarios/promoters.yaml; \
	else echo "Networks rest on known targets: the files of config/scenarios/promoters.yaml are not at hand (see above)."; fi; \
	set -x; $(BIN)/python -m grnformer.core.measure snakemake --cores $(CORES) \
	  $(if $(SCENARIO),--configfile config/scenarios/$(SCENARIO).yaml $$networks,$${networks:+--configfile $$networks})
	@echo "The report: $(CURDIR)/results/report/index.html"

test: env ## run the tests but the slow ones, by as many workers as there are cores, four at most
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 -m "not slow"

test-all: env ## run all tests, with those against original tools, on a real Slurm, of the workflow's variants
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4

bench-grn: env env-pyscenic env-alternatives resources/motif_tfs.tsv.gz ## TF-gene networks against arboreto, XGBoost, rustscenic
	$(BIN)/python benchmarks/bench_grn.py

bench-aucell: env env-pyscenic env-alternatives ## AUCell against pySCENIC and rustscenic
	$(BIN)/python benchmarks/bench_aucell.py

bench-adapter: env ## a training step with graphs and adapter against the backbone alone
	$(BIN)/python benchmarks/bench_adapter.py

bench-mapping: env ## reference mapping by the index against comparing every cell
	$(BIN)/python benchmarks/bench_mapping.py

bench-eregulons: env ## eRegulons of the simulated network by different settings, against what was planted
	$(BIN)/python benchmarks/bench_eregulons.py

bench-region-gene: env ## region-gene links against SCENIC+'s recipe with scikit-learn
	$(BIN)/python benchmarks/bench_region_gene.py

bench-pooled-links: env ## links of cells pooled by like topics against links of all cells; cost at 10^5 cells (needs the mirror)
	$(BIN)/python -m grnformer.cli fetch tss_mm10.bed
	$(BIN)/python benchmarks/bench_pooled_links.py

bench-data: env ## cells a second and memory of the data side of pretraining, to 10^6 cells
	$(BIN)/python benchmarks/bench_data.py

bench-growth: env ## growth of time and memory with the number of cells
	$(BIN)/python benchmarks/bench_growth.py

bench-scale: env ## the run at scale: 100,000 simulated cells x 50,000 regions to graphs (hours); SCALE="--cells 10000": a part of it
	$(BIN)/python benchmarks/bench_scale.py $(SCALE)

bench-speed: env env-pyscenic env-alternatives resources/motif_tfs.tsv.gz ## all benchmarks of speed and growth in one go (an hour on a quiet machine)
	$(BIN)/python -m grnformer.cli fetch tss_mm10.bed
	$(BIN)/python benchmarks/bench_speed.py

bench-topics: env ## topic models against lda, and against pycisTopic where env-pycistopic is made
	$(BIN)/python benchmarks/bench_topics.py

bench-sampled-topics: env ## topics fitted to some of many cells against topics of all
	$(BIN)/python benchmarks/bench_sampled_topics.py

bench-topic-selection: env ## rules of choosing a topic count, on planted programmes
	$(BIN)/python benchmarks/bench_topic_selection.py

bench-grn-accuracy: env ## networks from motifs on promoters against ChIP-seq and the baseline: the search
	snakemake --configfile config/scenarios/promoters.yaml --cores $(CORES) -- results/snareseq/bench/grn_accuracy/summary.tsv
	$(BIN)/python -m grnformer.cli fetch $(PROMOTERS) epd_promoters_hg38.txt li.csv
	$(BIN)/python benchmarks/bench_grn_accuracy.py

bench-edge-effects: env ## do knock-downs of TFs move the genes that networks give them, against each gene's rate
	snakemake --configfile config/scenarios/promoters.yaml --cores $(CORES) -- results/snareseq/grn/cell_type
	$(BIN)/python -m grnformer.cli fetch $(PROMOTERS) perturbqa_k562_de.csv perturbqa_rpe1_de.csv
	$(BIN)/python benchmarks/bench_edge_effects.py

bench-knowledge: env ## co-expression of genes that pathways, complexes and interactions link, against rewired links
	$(BIN)/python -m grnformer.cli fetch reactome_pathways.gmt corum_complexes.txt regulatory_prior.parquet li.csv li_labels.csv \
	  k562_rna_cluster1.csv.gz k562_rna_cluster2.csv.gz
	$(BIN)/python benchmarks/bench_knowledge.py

bench-cistarget: env env-pyscenic ## motif enrichment against ctxcore
	$(BIN)/python benchmarks/bench_cistarget.py

bench-control: env ## pretraining with the true network of simulated cells against rewired, random and no networks
	$(BIN)/python benchmarks/bench_control.py

bench-embedding: env ## what the demo's embeddings hold, by what is read, against principal components (needs the mirror)
	snakemake --cores $(CORES) -- results/snareseq/pretrain/none/seed1/model.safetensors \
	  results/snareseq/pretrain/hybrid/seed1/model.safetensors results/bench/drug_response/split/line.parquet \
	  results/bench/drug_response/expression.h5ad
	$(BIN)/python benchmarks/bench_embedding.py

rna-corpus: env ## files of RNA for config/scenarios/rna_corpus.yaml, without the lines that benchmarks test
	$(BIN)/python -m grnformer.cli fetch li.csv li_labels.csv pollen.csv pollen_labels.csv
	$(BIN)/python benchmarks/make_rna_corpus.py

bench-train: env ## a training step against the same model with nn.TransformerEncoder on padded batches
	$(BIN)/python benchmarks/bench_train.py

bench-precision: env ## training steps on a CPU: compiled or not, bfloat16 or float32
	$(BIN)/python benchmarks/bench_precision.py

try-inputs: env ## give malformed and unusual inputs to their readers, and write docs/inputs-tried.md
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/try_inputs.py

bench-gpu: env ## training on a GPU: losses of a CPU, speed of each backbone (needs CUDA; 8 minutes)
	$(BIN)/python benchmarks/bench_gpu.py

bench-grid: env ## every backbone x graph layer x graph mode x edge perturbation, trained for a few steps
	$(BIN)/python benchmarks/bench_grid.py

results: env ## run the demo, then the slow benchmarks and the ablations (hours), copy their tables, write docs/results.md
	snakemake --cores $(CORES)
	$(BIN)/python benchmarks/make_results.py --from results --of demo
	snakemake --cores $(CORES) --configfile config/scenarios/benchmarks.yaml
	$(BIN)/python benchmarks/make_results.py --from results --of benchmarks
	snakemake --cores $(CORES) --configfile config/scenarios/ablation_small.yaml
	$(BIN)/python benchmarks/make_results.py --from results --of ablations

results-page: env ## write docs/results.md, and the tables in README and docs, from benchmarks/results
	$(BIN)/python benchmarks/make_results.py

faults: env ## run the tests of what goes wrong and write docs/faults.md from them (as root, with Slurm)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m fault --junit-xml .pytest_cache/faults.xml
	$(BIN)/python benchmarks/list_faults.py .pytest_cache/faults.xml > docs/faults.md

lint: env ## run the linters
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint

format: env ## format the code
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

settings: env ## write the schema, the defaults and the documentation of the settings from grnformer/settings
	$(BIN)/python -m grnformer.settings

outputs: env ## write docs/outputs.md from the contracts of the files
	$(BIN)/python -m grnformer.api

docs: env-docs ## build the site with its tutorials executed, docs/_build/html (a few minutes); EXECUTE=off leaves them out
	PYTHONPATH=$(CURDIR) GRNFORMER_DOCS_EXECUTE=$(EXECUTE) .envs/docs/bin/python -m sphinx -W --keep-going -b html -c docs . docs/_build/html
	@echo "The site: $(CURDIR)/docs/_build/html/docs/index.html"

lock: env ## write requirements.lock and envs/core.yaml from what is installed
	( sed -n '/^#/p' requirements.lock; \
	  $(BIN)/python -m pip freeze --all --exclude-editable | sed 's/+cpu//' | grep -vE '^pip==' \
	  | grep -vixFf envs/fragments.txt ) > requirements.lock.new
	mv requirements.lock.new requirements.lock
	( sed '/- pip:$$/q' envs/core.yaml; sed '/^#/d; s/^/      - /' requirements.lock ) > envs/core.yaml.new
	mv envs/core.yaml.new envs/core.yaml
	( sed '/- pip:$$/q' envs/fragments.yaml; sed '/^#/d; s/^pyfaidx==.*/pyfaidx==0.8.1.4/; s/^/      - /' requirements.lock; \
	  sed '/^#/d; s/^/      - /' envs/fragments.txt ) > envs/fragments.yaml.new
	mv envs/fragments.yaml.new envs/fragments.yaml

clean: ## remove results and fetched resources, keep the environment
	rm -rf results resources .snakemake

# torch goes first, by itself: it brings the build that fits the machine (CUDA where PyPI has it).
.venv/.complete: requirements.lock pyproject.toml
	@echo "Making the environment in .venv (a few minutes, once) ..."
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed, found " + sys.version.split()[0] + "; name one: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(PIP) --constraint requirements.lock torch
	$(PIP) --no-deps --requirement requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

.venv/.fragments: .venv/.complete envs/fragments.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement envs/fragments.txt
	touch $@

.envs/pyscenic/.complete: envs/pyscenic.txt
	rm -rf .envs/pyscenic
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed; name one: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .envs/pyscenic
	.envs/pyscenic/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement envs/pyscenic.txt
	touch $@

# pycisTopic itself is not on PyPI; what its peak calling and plots alone need is left out.
.envs/pycistopic/.complete: envs/pycistopic.txt
	rm -rf .envs/pycistopic
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed; name one: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .envs/pycistopic
	.envs/pycistopic/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement envs/pycistopic.txt
	.envs/pycistopic/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "$(PYCISTOPIC)"
	touch $@

.envs/alternatives/.complete: envs/alternatives.txt
	rm -rf .envs/alternatives
	$(PYTHON) -m venv .envs/alternatives
	.envs/alternatives/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --no-deps --requirement envs/alternatives.txt
	touch $@

# loompy has no wheel; it is Python only
.envs/readers/.complete: envs/readers.txt
	rm -rf .envs/readers
	$(PYTHON) -m venv .envs/readers
	.envs/readers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement envs/readers.txt
	touch $@

# it sees the packages of .venv behind its own: the kernel of tutorials runs the package and the workflow
.envs/docs/.complete: envs/docs.txt .venv/.complete
	rm -rf .envs/docs
	$(PYTHON) -m venv .envs/docs
	.envs/docs/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --no-deps --requirement envs/docs.txt
	echo "import site; site.addsitedir('$(CURDIR)/.venv/lib/python3.11/site-packages')" > .envs/docs/lib/python3.11/site-packages/zz_core.pth
	touch $@

resources/motif_tfs.tsv.gz: | env
	$(BIN)/python -m grnformer.cli fetch motif_tfs.tsv.gz
