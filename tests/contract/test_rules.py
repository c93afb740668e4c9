"""The house rules of rules and scripts, asked of the parsed workflow."""

import ast
import os
import re
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

import pytest
import yaml

from grnformer.core.fingerprint import fingerprint, fingerprint_program, modules_used
from grnformer.core.methods import module_of, names
from grnformer.settings.read import config_schema
from grnformer.workflow.originals import PACKAGES

ROOT = Path(__file__).parents[2]
RULES = ROOT / "workflow" / "rules"
SCRIPTS = ROOT / "workflow" / "scripts"
ORIGINALS = ROOT / "workflow" / "originals"
STAGES = [
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
]
BACKBONES = "grnformer.model.backbones"
WITHOUT_INPUT = {"fetch_resource"}
BY_DIGEST = {
    "fetch_resource"
}  # whatever the code, the output has the SHA-256 of the registry
LONGEST_RULE = 60  # lines
LONGEST_COMMON = 150


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def wildcards(path: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(path) if name}


def test_a_rule_has_all_that_a_job_needs(jobs) -> None:
    needed = (
        "message",
        "log",
        "benchmark",
        "params",
        "resources",
        "conda_env",
        "threads",
    )
    lacking = [
        (str(job), name)
        for job in jobs
        for name in needed
        if not getattr(job.written, name)
    ]
    lacking += [
        (str(job), "input")
        for job in jobs
        if not job.rule.input and job.name not in WITHOUT_INPUT
    ]
    assert lacking == []


def test_memory_and_time_grow_when_a_job_is_retried(jobs) -> None:
    """A retry with the memory that was not enough fails again."""
    for job in jobs:
        assert {"mem_mb", "runtime"} <= set(job.resources), str(job)
        for name in ("mem_mb", "runtime"):
            amounts = [job.resources[name](None, attempt) for attempt in (1, 2)]
            assert 0 < amounts[0] < amounts[1], f"{job} {name}"


def test_a_rule_does_not_retry(jobs) -> None:
    """Retries belong into the profile: on Slurm a rule's retries run in one allocation."""
    assert [str(job) for job in jobs if job.written.retries] == []


def test_a_rule_runs_the_program_of_its_name(jobs) -> None:
    """Only originals, which run in environments without the package, are called by a command line."""
    for job in jobs:
        written = job.written
        others = (
            written.wrapper,
            written.notebook,
            written.template_engine,
            job.rule.is_run,
        )
        assert not any(others), str(job)
        if job.is_original:
            assert written.shellcmd.strip().startswith(
                "{params.python:q} {params.program:q} "
            ), str(job)
            assert "--log {log:q}" in written.shellcmd, str(job)
            assert Path(job.rule.params.program) == job.program
            assert Path(written.conda_env).stem in job.rule.params.python, str(job)
        else:
            assert job.program == SCRIPTS / job.stage / f"{script_name(job)}.py"
        assert job.program.is_file()


def script_name(job) -> str:
    """The rule's name; parts of a scattered job run the script of the whole, and so does a model from elsewhere."""
    return job.name.removesuffix("_part").removesuffix("_by_bundle")


#: rule -> place in the config of the method that its script loads by name
LOADED = {
    "fit_topics": "topics.method",
    "infer_tf_gene": "grn.tf_gene.method",
    "infer_tf_gene_part": "grn.tf_gene.method",
    "link_regions": "grn.region_gene.accessibility",
    "build_cistromes": "grn.cistromes.method",
    "score_cell_activity": "grn.cell.method",
}


def test_a_rule_carries_the_fingerprint_of_its_program(jobs, config) -> None:
    """With the methods that a script loads by name, which are not among the modules that it imports."""
    for job in jobs:
        if job.name in BY_DIGEST:
            continue
        found = job.rule.params.code
        found = (
            found(SimpleNamespace(dataset="snareseq", graph="hybrid", arm="hybrid"))
            if callable(found)
            else found
        )
        assert found == expected_code(job, config), str(job)


def expected_code(job, config) -> str:
    if job.is_original:
        return fingerprint_program(job.program)
    loaded = []
    if place := LOADED.get(job.name):
        loaded = [module_of(PACKAGES[place], reduce(getitem, place.split("."), config))]
    elif job.name in ("build_graph", "join_bundles"):
        loaded = [module_of("grnformer.graph.modes", "hybrid")]
    elif job.name == "embed_anndata_by_bundle":
        # which of them is known to the bundle only
        loaded = [module_of(BACKBONES, name) for name in names(BACKBONES)]
    elif BACKBONES in modules_used(job.program):
        loaded = [module_of(BACKBONES, config["pretrain"]["backbone"])]
    return fingerprint(job.program, *loaded)


@pytest.mark.parametrize(
    ("package", "section", "place"),
    [
        (BACKBONES, "pretrain", "backbone"),
        ("grnformer.grn.cistromes", "grn", "cistromes.properties.method"),
    ],
)
def test_the_config_takes_the_methods_that_there_are(
    package: str, section: str, place: str
) -> None:
    schema = config_schema()["properties"][section]
    known = reduce(getitem, place.split("."), schema["properties"])["enum"]
    assert sorted(known) == list(names(package))


def test_programs_of_originals_do_without_the_package() -> None:
    """Their environments have neither grnformer nor what that needs."""
    for path in ORIGINALS.glob("*.py"):
        assert not re.search(
            r"^\s*(import|from) grnformer", path.read_text(), re.MULTILINE
        ), path.name


def test_log_and_benchmark_are_named_after_the_rule(jobs) -> None:
    """In folders of their kind, as outputs are in the stage's; Snakemake itself demands the same wildcards in all."""
    for job in jobs:
        (log,), benchmark = job.written.log.paths, job.written.benchmark.paths
        for path, kind, suffix in (
            (log, "logs", "log"),
            (benchmark, "benchmarks", "tsv"),
        ):
            where = rf"<{kind}>/({{dataset}}/)?({job.stage}|{{run}})/{script_name(job)}(\..+)?\.{suffix}"
            assert re.fullmatch(where, path), f"{job}: {path}"


def test_outputs_lie_below_the_stage(jobs) -> None:
    for job in jobs:
        folder = rf"({job.stage}|{{run}})" if job.stage == "grn" else job.stage
        for path in job.outputs:
            assert re.match(rf"(results/({{dataset}}/)?{folder}/|resources/)", path), (
                path
            )


def test_a_script_is_short_and_only_reads_calls_and_writes(scripted) -> None:
    forbidden = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Lambda,
        ast.Try,
    )
    for path in sorted({job.program for job in scripted}):
        statements = [
            node for node in ast.walk(syntax(path)) if isinstance(node, ast.stmt)
        ]
        assert len(statements) <= 25, f"{path.name} has {len(statements)} statements"
        assert ast.get_docstring(syntax(path)), path.name
        assert not [
            node for node in ast.walk(syntax(path)) if isinstance(node, forbidden)
        ], path.name
        assert not re.search(r"argparse|sys\.path|from __future__", path.read_text()), (
            path.name
        )


def test_a_script_is_one_job_with_its_imports_inside(scripted) -> None:
    for path in sorted({job.program for job in scripted}):
        _, first, body = syntax(path).body
        assert ast.unparse(first) == "from grnformer.core.job import job", path.name
        assert isinstance(body, ast.With), path.name
        assert ast.unparse(body.items[0].context_expr) == "job(snakemake)", path.name


def test_a_script_uses_only_what_its_rule_declares(scripted) -> None:
    """A misspelt snakemake.input.name fails here, not after an hour's work."""
    for job in scripted:
        text = job.program.read_text()
        for directive in ("input", "output", "params"):
            named = set(re.findall(rf"snakemake\.{directive}\.(\w+)", text)) - {
                "get",
                "items",
                "keys",
                "values",
            }
            items = getattr(job.rule, directive)
            if not any(is_unpacked(item) for item in items):
                assert named <= set(items.keys()), (
                    f"{job} uses {directive} {sorted(named - set(items.keys()))}"
                )
        used = set(re.findall(r"snakemake\.wildcards\.(\w+)", text))
        assert used <= set().union(*map(wildcards, job.outputs)), str(job)


def is_unpacked(item) -> bool:
    return "unpack" in getattr(item, "flags", {})


def test_every_script_has_its_rule(jobs) -> None:
    scripts = {job.program for job in jobs if not job.is_original}
    assert sorted(SCRIPTS.rglob("*.py")) == sorted(scripts)
    assert {*ORIGINALS.glob("run_*.py")} == {
        job.program for job in jobs if job.is_original
    }


def test_the_environment_of_every_rule_exists(jobs) -> None:
    for job in jobs:
        path = (Path(str(job.rule.basedir)) / job.rule.conda_env).resolve()
        assert path.parent == ROOT / "envs", str(job)
        assert path.is_file(), str(job)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_a_local_target_of_its_name(workflow, stage: str) -> None:
    rule = workflow.get_rule(stage)
    assert not rule.output
    assert stage in workflow._localrules


def test_the_report_reads_what_every_stage_gives_it(workflow) -> None:
    given = set(workflow.get_rule("collect_costs").input)
    assert given < set(workflow.get_rule("render_report").input)
    stages = {
        path.split("/")[2] for path in given if path.startswith("results/snareseq/")
    }
    assert stages == {"prep", "topics", "grn", "fuse", "pretrain", "attention", "bench"}


def test_the_snakefiles_are_lists_of_includes() -> None:
    lines = (ROOT / "workflow" / "Snakefile").read_text().splitlines()
    assert len(lines) < 50
    included = [line.split('"')[1] for line in lines if line.startswith("include:")]
    assert sorted(included) == sorted(
        f"rules/{path.name}" for path in RULES.glob("*.smk")
    )
    assert len((ROOT / "Snakefile").read_text().splitlines()) < 10


def test_rules_are_short_without_lambdas_or_copies() -> None:
    rules = {
        f"{path.stem}.{name}": body.rstrip().count("\n")
        for path in RULES.rglob("*.smk")
        for name, body in re.findall(
            r"^(?:use )?rule (\w+)(.*(?:\n(?:    .*)?)*)",
            path.read_text(),
            re.MULTILINE,
        )
    }
    assert len(rules) > 50
    assert {
        name: length for name, length in rules.items() if length > LONGEST_RULE
    } == {}
    assert not [
        path.name for path in RULES.rglob("*.smk") if "lambda" in path.read_text()
    ]


def test_helpers_are_few_and_each_serves_several_files() -> None:
    """What one file uses is a lookup in it, or a tested function of grnformer.workflow."""
    texts = {path.name: path.read_text() for path in RULES.rglob("*.smk")}
    common = texts.pop("common.smk")
    assert len(common.splitlines()) <= LONGEST_COMMON
    assert not [
        name
        for name, text in texts.items()
        if re.search(r"^\s*def ", text, re.MULTILINE)
    ]
    helpers = re.findall(r"^def (\w+)", common, re.MULTILINE)
    words = [set(re.findall(r"\w+", text)) for text in texts.values()]
    users = {helper: sum(helper in file for file in words) for helper in helpers}
    users = {
        helper: number + (common.count(f"{helper}(") > 1)
        for helper, number in users.items()
    }
    assert 5 < len(helpers) <= 10
    assert {name: number for name, number in users.items() if number < 2} == {}


def test_the_profile_taken_unnamed_does_not_undo_the_cluster_profile(
    monkeypatch,
) -> None:
    """Snakemake lets profiles/default win over a profile that is named; cores would cap the cluster's threads."""
    from snakemake.cli import parse_args

    def parsed(*arguments: str):
        monkeypatch.setattr("sys.argv", ["snakemake", *arguments])
        return parse_args(list(arguments))[1]

    monkeypatch.chdir(ROOT)
    slurm = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    named = parsed("--profile", "slurm", "-n")
    for key in (
        "cores",
        "jobs",
        "retries",
        "keep-going",
        "rerun-incomplete",
        "latency-wait",
    ):
        assert getattr(named, key.replace("-", "_")) == slurm[key]
    assert parsed("prep").cores == len(os.sched_getaffinity(0))


def test_the_commented_lines_of_the_cluster_profile_are_options(
    monkeypatch, tmp_path
) -> None:
    """Account, partition, QOS, GPUs and longest time: uncommented, Snakemake takes them."""
    from snakemake.cli import parse_args

    text = (ROOT / "profiles" / "slurm" / "config.yaml").read_text()
    # an option or a key is lower case and ends in a colon; the rest are remarks
    option = re.compile(r"^( *)# ( *[a-z][a-z_-]*:)", re.MULTILINE)
    uncommented, number = option.subn(r"\1\2", text)
    assert number == 8
    (tmp_path / "config.yaml").write_text(uncommented)

    monkeypatch.chdir(tmp_path)
    arguments = ["--profile", str(tmp_path), "-n"]
    monkeypatch.setattr("sys.argv", ["snakemake", *arguments])
    given = parse_args(arguments)[1]
    assert (given.cores, given.slurm_qos) == (4, "normal")
    defaults = " ".join(given.default_resources.args)
    assert "slurm_account=my_account" in defaults
    assert "slurm_partition=cpu" in defaults
    assert {"gpu", "slurm_partition", "runtime"} == set(
        given.set_resources["pretrain_model"]
    )


def test_the_conda_environment_has_the_pins_of_the_lock_file() -> None:
    """Snakemake copies an environment file elsewhere, so that it cannot point to another file."""
    lock = [
        line
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if not line.startswith("#")
    ]
    environment = yaml.safe_load((ROOT / "envs" / "core.yaml").read_text())
    assert environment["dependencies"][-1]["pip"] == lock


def test_the_environment_of_fragments_is_the_core_with_its_extra() -> None:
    """But for one pin: SnapATAC2 asks for an older pyfaidx."""
    lock, extra = (
        [
            line
            for line in (ROOT / name).read_text().splitlines()
            if not line.startswith("#")
        ]
        for name in ("requirements.lock", "envs/fragments.txt")
    )
    pins = yaml.safe_load((ROOT / "envs" / "fragments.yaml").read_text())[
        "dependencies"
    ][-1]["pip"]
    expected = [
        "pyfaidx==0.8.1.4" if pin.startswith("pyfaidx==") else pin for pin in lock
    ]
    assert pins == expected + extra
