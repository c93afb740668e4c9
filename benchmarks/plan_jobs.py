"""The jobs that the workflow plans, of every scenario: written as text, and compared with those of another checkout.

``python benchmarks/plan_jobs.py [CHECKOUT] --out DIR`` writes one file a scenario or built-in case: for each job its
rule, wildcards, outputs and inputs. Everything is planned by a dry run in an empty folder; data that a scenario needs
are empty files. ``python benchmarks/plan_jobs.py --compare DIR_A DIR_B [--rename FILE]`` prints what differs and exits
with 1 if anything does.

A rename is ``OLD=NEW``, or a file of them, one a line, ``#`` for comments. OLD is a regular expression, replaced in the
paths of DIR_A. With the prefix ``rule:`` it is the whole name of a rule, with ``wildcard:`` a wildcard, written as
name:value. Without NEW, the whole paths, wildcards and jobs that OLD matches are left out, of DIR_B as well:
``rule:token_cache=`` leaves out the jobs of a rule.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

TARGETS = (
    "all",
    "prep",
    "topics",
    "grn",
    "fuse",
    "pretrain",
    "embed",
    "attention",
    "perturb",
    "bench",
    "report",
)
NO_SCENARIO = ("config.yaml", "resources.yaml")
ENVIRONMENTS = ("pyscenic", "pycistopic")


@dataclass(frozen=True)
class Case:
    """What is laid over the default config: a scenario's file, then settings; a sample sheet; options of snakemake."""

    scenario: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    sheet: tuple[dict[str, str], ...] = ()
    options: tuple[str, ...] = ()


def sample(dataset: str, name: str = "s1", **columns: str) -> dict[str, str]:
    """A row of a sample sheet whose counts are in files."""
    row = {
        "dataset": dataset,
        "sample": name,
        "donor": "d1",
        "genome": "hg38",
        "fragments": "",
    }
    files = {
        column: f"data/{dataset}_{name}_{column}.h5ad" for column in ("rna", "atac")
    }
    return row | files | {"annotation": "obs:cell_type"} | columns


MOTIF_TFS = "data/motifs.tbl"
SCAN = {"fasta": "data/genome.fa", "motifs": "data/all.meme"}
METHODS: dict[str, dict[str, Any]] = {
    "prior": {"method": "prior"},
    "cistarget": {
        "method": "cistarget",
        "cistarget": {"rankings": "data/a.regions_vs_motifs.rankings.feather"},
    },
    "motif_scan": {"method": "motif_scan", "motif_scan": SCAN},
    "dem": {"method": "dem", "motif_scan": SCAN},
    "dem_scores": {
        "method": "dem",
        "dem": {"scores": "data/a.regions_vs_motifs.scores.feather"},
    },
    "cistarget_genes": {
        "method": "cistarget_genes",
        "cistarget_genes": {
            "rankings": [
                "data/a.genes_vs_motifs.rankings.feather",
                "data/b.genes_vs_motifs.feather",
            ]
        },
    },
    "pyscenic_ctx": {
        "method": "pyscenic_ctx",
        "cistarget_genes": {"rankings": ["data/a.genes_vs_motifs.rankings.feather"]},
    },
}
FRAGMENTS = {"atac": "", "fragments": "data/fragments.tsv.gz"}


def cistromes(method: str) -> dict[str, Any]:
    """Settings that take a method of cistromes with its files."""
    given = METHODS[method]
    return {
        "cistromes": given
        if method == "prior"
        else given | {"motifs_to_tfs": MOTIF_TFS}
    }


def built_in() -> dict[str, Case]:
    """Cases that no scenario has."""
    two = (sample("first"), sample("first", "s2"), sample("second"))
    no_models = {"pretrain": {"datasets": []}}
    originals = {
        "tf_gene": {"method": "arboreto_genie3"},
        "cell": {"method": "pyscenic_aucell"},
    }
    corpus = {"datasets": ["first", "second"], "files": {"rest": "data/rest.h5ad"}}
    seeds = {"seeds": [2, 3], "min_frequency": 0.5}
    cases = {
        f"cistromes_{name}": Case(settings={"grn": cistromes(name)} | no_models)
        for name in METHODS
    }
    return cases | {
        "datasets": Case(
            sheet=two,
            settings={
                "datasets": {
                    "second": {
                        "topics": {"n_topics": [5], "method": "pycistopic"},
                        "grn": {"tf_gene": {"method": "coexpression"}}
                        | cistromes("motif_scan"),
                    }
                },
                "pretrain": {"datasets": ["first"]},
                "bench": {"compare": [["first", "second"]]},
            },
        ),
        "stability_seeds": Case(settings={"grn": {"stability": seeds}}),
        "stability_motifs": Case(
            settings={"grn": {"stability": seeds} | cistromes("motif_scan")}
            | no_models,
            options=("--set-scatter", "targets=3"),
        ),
        "scattered": Case(options=("--set-scatter", "targets=3")),
        "corpus_beside_datasets": Case(
            sheet=two,
            settings={
                "pretrain": {"datasets": None, "corpora": {"both": corpus}},
                "embed": {"inputs": {"query": "data/query.h5ad"}},
            },
        ),
        "embed_inputs": Case(
            settings={
                "embed": {
                    "inputs": {"query": "data/query.h5ad", "other": "data/o.zarr"}
                }
            }
        ),
        "topics_by_pycistopic": Case(
            settings={"topics": {"method": "pycistopic"}} | no_models
        ),
        "originals_everywhere": Case(
            settings={
                "topics": {"method": "pycistopic"},
                "grn": originals | cistromes("pyscenic_ctx"),
            }
            | no_models,
            options=("--set-scatter", "targets=3"),
        ),
        "fragments_annotated": Case(
            sheet=(sample("cells", **FRAGMENTS), sample("cells", "s2", **FRAGMENTS))
        ),
        "fragments_unannotated": Case(
            sheet=(sample("cells", **FRAGMENTS | {"annotation": ""}),),
            settings=no_models,
        ),
        "published": Case(
            settings={
                "pretrain": {
                    "backbone": "geneformer",
                    "checkpoint": "data/published",
                    "medians": "data/medians.pkl",
                }
            }
        ),
        "published_names": Case(
            settings={
                "fuse": {"vocabulary": "data/genes.json", "aliases": "data/aliases.tsv"}
            }
        ),
        "without_attention_and_drugs": Case(
            settings={
                "attention": {"arms": []},
                "bench": {"drug_response": {"splits": []}},
            }
        ),
    }


def scenarios(checkout: Path) -> dict[str, Case]:
    """The default config and every scenario file of a checkout, with what its data must be."""
    files = [
        *(checkout / "config").glob("*.yaml"),
        *(checkout / "config" / "scenarios").glob("*.yaml"),
    ]
    cases = {"default": Case()}
    for path in sorted(file for file in files if file.name not in NO_SCENARIO):
        sheet = (sample("first"), sample("second")) if path.stem == "corpus" else ()
        cases[f"scenario_{path.stem}"] = Case(scenario=path, sheet=sheet)
    return cases


def strings(part: Any) -> Iterator[str]:
    """All strings in nested settings."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for value in part.values() if isinstance(part, dict) else part:
            yield from strings(value)


def prepare(case: Case, folder: Path) -> list[str]:
    """Fill a working directory with what a case needs; return the options that lay the case over the config."""
    settings = dict(case.settings)
    if case.sheet:
        lines = [
            "\t".join(case.sheet[0]),
            *("\t".join(row.values()) for row in case.sheet),
        ]
        (folder / "samples.tsv").write_text("\n".join(lines) + "\n")
        settings["samples"] = "samples.tsv"
    (folder / "case.yaml").write_text(yaml.safe_dump(settings))

    given = yaml.safe_load(case.scenario.read_text()) if case.scenario else {}
    named = [
        *strings(given),
        *strings(settings),
        *(value for row in case.sheet for value in row.values()),
    ]
    paths = [f".envs/{name}/bin/python" for name in ENVIRONMENTS]
    for path in paths + [name for name in named if name.startswith("data/")]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()

    over = [str(case.scenario)] if case.scenario else []
    return ["--configfile", *over, str(folder / "case.yaml"), *case.options]


def copy_checkout(checkout: Path, target: Path) -> None:
    """Copy what git tracks or would add: fetched resources, which no job would make, stay behind."""
    command = [
        "git",
        "-C",
        str(checkout),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        # files removed but not yet committed are listed, and .venv may be a link to a folder
        if (checkout / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkout / name, target / name)


def plan(case: Case, checkout: Path) -> str:
    """The jobs of a case as text; raises RuntimeError with snakemake's output if it does not get to a plan."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder).resolve()
        # the plan lies beside the working directory, which is empty but for the case's data
        (work / "run").mkdir()
        options = prepare(case, work / "run")
        arguments = [
            "--snakefile",
            str(checkout / "Snakefile"),
            "--directory",
            str(work / "run"),
            "--cores",
            "2",
        ]
        arguments += [
            "--dry-run",
            "--forceall",
            "--quiet",
            "all",
            *options,
            "--",
            *TARGETS,
        ]
        variables = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("SNAKEMAKE")
        }
        variables |= {
            "PYTHONPATH": str(checkout),
            "PYTHONSAFEPATH": "1",
            "XDG_CACHE_HOME": str(work / "cache"),
        }
        done = subprocess.run(
            [
                sys.executable,
                str(Path(__file__).resolve()),
                "--list",
                str(work / "jobs.json"),
                *arguments,
            ],
            cwd=work / "run",
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stdout[-4000:])
        text = (work / "jobs.json").read_text()
    for path, name in ((f"{work / 'run'}/", ""), (f"{checkout}/", "<checkout>/")):
        text = text.replace(path, name)
    return write_jobs(Job(**job) for job in json.loads(text))


def list_jobs(path: Path, arguments: list[str]) -> None:
    """Run snakemake in this process; write its jobs, as JSON."""
    from snakemake.cli import args_to_api, parse_args
    from snakemake.workflow import Workflow

    build, graphs = Workflow._build_dag, []

    def build_and_keep(workflow: Workflow) -> None:
        build(workflow)
        graphs.append(workflow.dag)

    Workflow._build_dag = build_and_keep
    parser, parsed = parse_args(arguments)
    if not args_to_api(parsed, parser):
        sys.exit(1)
    jobs = [
        {
            "rule": job.rule.name,
            "wildcards": [
                f"{key}:{value}" for key, value in (job.wildcards_dict or {}).items()
            ],
            "outputs": [str(file) for file in job.output],
            "inputs": [str(file) for file in job.input],
        }
        for job in graphs[-1].jobs
    ]
    path.write_text(json.dumps(jobs))


@dataclass(frozen=True)
class Job:
    """One job of a plan."""

    rule: str
    wildcards: list[str]
    outputs: list[str]
    inputs: list[str]

    @property
    def identity(self) -> str:
        """What it makes; of a target, its name."""
        return " ".join(self.outputs) or " ".join([self.rule, *self.wildcards])


def write_jobs(jobs: Iterator[Job]) -> str:
    """Jobs as text, sorted."""
    texts = []
    for job in jobs:
        lines = [f"rule {job.rule}"]
        for name in ("wildcards", "outputs", "inputs"):
            lines += [f"  {name} {value}" for value in sorted(set(getattr(job, name)))]
        texts.append("\n".join(lines) + "\n")
    return "\n".join(sorted(texts))


def read_jobs(text: str) -> list[Job]:
    """Jobs from their text."""
    jobs = []
    for block in text.split("\n\n"):
        head, *lines = block.strip().splitlines()
        parts: dict[str, list[str]] = {"wildcards": [], "outputs": [], "inputs": []}
        for line in lines:
            name, value = line.strip().split(" ", 1)
            parts[name].append(value)
        jobs.append(Job(head.removeprefix("rule "), **parts))
    return jobs


def read_renames(given: list[str]) -> list[tuple[str, str, str]]:
    """(rule, wildcard or path; old; new) of each rename that is given or stands in a given file."""
    lines: list[str] = []
    for entry in given:
        lines += (
            Path(entry).read_text().splitlines() if Path(entry).is_file() else [entry]
        )
    renames: list[tuple[str, str, str]] = []
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        what, rest = re.match(r"(?:(rule|wildcard|path):)?(.*)", line).groups()
        old, equals, new = rest.partition("=")
        if not equals:
            raise SystemExit(f"a rename is OLD=NEW, not {line!r}")
        renames.append((what or "path", old, new))
    return renames


def rename(jobs: list[Job], renames: list[tuple[str, str, str]]) -> list[Job]:
    """Jobs by their new names, without what has none."""

    def changed(what: str, names: list[str]) -> list[str]:
        for kind, old, new in renames:
            if kind == what:
                whole = rf"\A(?:{old})\Z" if what == "rule" or not new else old
                names = [re.sub(whole, new, name) for name in names]
        return sorted({name for name in names if name})

    renamed = []
    for job in jobs:
        rule = changed("rule", [job.rule])
        outputs = changed("path", job.outputs)
        if rule and (outputs or not job.outputs):
            renamed.append(
                Job(
                    rule[0],
                    changed("wildcard", job.wildcards),
                    outputs,
                    changed("path", job.inputs),
                )
            )
    return renamed


def differences(old: list[Job], new: list[Job]) -> list[str]:
    """One line for each job that only one plan has, and for each part of a job that differs."""
    before, after = ({job.identity: job for job in jobs} for jobs in (old, new))
    lines = [
        f"only in A: {before[key].rule}: {key}"
        for key in sorted(before.keys() - after.keys())
    ]
    lines += [
        f"only in B: {after[key].rule}: {key}"
        for key in sorted(after.keys() - before.keys())
    ]
    for key in sorted(before.keys() & after.keys()):
        one, other = before[key], after[key]
        if one.rule != other.rule:
            lines.append(
                f"another rule makes {key}: {one.rule} in A, {other.rule} in B"
            )
        for name in ("wildcards", "inputs"):
            lost, added = (
                set(getattr(a, name)) - set(getattr(b, name))
                for a, b in ((one, other), (other, one))
            )
            lines += [
                f"{one.rule}: {key}: {name} only in A: {value}"
                for value in sorted(lost)
            ]
            lines += [
                f"{one.rule}: {key}: {name} only in B: {value}"
                for value in sorted(added)
            ]
    return lines


def compare(first: Path, second: Path, renames: list[tuple[str, str, str]]) -> int:
    """Print what differs between two folders of plans; return the number of lines."""
    names = [{path.name for path in folder.glob("*.txt")} for folder in (first, second)]
    lines = [
        f"{name}: only in {folder}"
        for name, folder in _unpaired(names, (first, second))
    ]
    left_out = [entry for entry in renames if not entry[2]]
    for name in sorted(names[0] & names[1]):
        old = rename(read_jobs((first / name).read_text()), renames)
        new = rename(read_jobs((second / name).read_text()), left_out)
        lines += [
            f"{name.removesuffix('.txt')}: {line}" for line in differences(old, new)
        ]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return len(lines)


def _unpaired(
    names: list[set[str]], folders: tuple[Path, Path]
) -> Iterator[tuple[str, Path]]:
    for here, there, folder in ((*names, folders[0]), (*names[::-1], folders[1])):
        for name in sorted(here - there):
            yield name, folder


def plan_all(checkout: Path, out: Path, only: list[str], workers: int) -> int:
    """Write the plan of every case whose name is asked for; return the number of those that failed."""
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copy = Path(folder).resolve()
        copy_checkout(checkout, copy)
        cases = scenarios(copy) | built_in()
        if unknown := sorted(set(only) - set(cases)):
            raise SystemExit(f"no case {unknown[0]!r}; there are {', '.join(cases)}")
        plans = {
            name: pool.submit(plan, case, copy)
            for name, case in cases.items()
            if not only or name in only
        }
        for name, made in plans.items():
            try:
                text = made.result()
            except RuntimeError as error:
                failed += 1
                sys.stdout.write(f"{name}: no plan\n{error}\n")
                continue
            (out / f"{name}.txt").write_text(text)
            sys.stdout.write(f"{name}: {len(read_jobs(text))} jobs\n")
            sys.stdout.flush()
    return failed


def main() -> None:
    """Plan a checkout, or compare two folders of plans."""
    if sys.argv[1:2] == ["--list"]:
        list_jobs(Path(sys.argv[2]), sys.argv[3:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "checkout", nargs="?", type=Path, default=Path(__file__).parents[1]
    )
    parser.add_argument("--out", type=Path, help="folder for the plans")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="CASE", help="these cases, not all"
    )
    parser.add_argument("--workers", type=int, default=1, help="plans made at a time")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("DIR_A", "DIR_B"))
    parser.add_argument("--rename", action="append", default=[], metavar="OLD=NEW|FILE")
    given = parser.parse_args()
    if given.compare:
        sys.exit(1 if compare(*given.compare, read_renames(given.rename)) else 0)
    if given.out is None:
        parser.error("--out or --compare is needed")
    sys.exit(
        1
        if plan_all(given.checkout.resolve(), given.out, given.only, given.workers)
        else 0
    )


if __name__ == "__main__":
    main()
