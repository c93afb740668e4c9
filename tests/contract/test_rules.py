"""The house rules of rules and scripts."""

import ast
import os
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from grnformer.core.fingerprint import modules_used
from grnformer.core.methods import names
from grnformer.settings.read import config_schema

ROOT = Path(__file__).parents[2]
RULES = ROOT / "workflow" / "rules"
SCRIPTS = ROOT / "workflow" / "scripts"
STAGES = ["prep", "topics", "grn", "fuse", "pretrain", "bench", "report"]
NEEDED = ["message", "input", "output", "log", "benchmark", "params", "resources", "conda", "threads"]
ORIGINALS = ROOT / "workflow" / "originals"


def is_original(job) -> bool:
    """Whether the rule runs an original tool, by a program in an environment of its own."""
    return "interpreter(" in job.directives["params"]


def script_of(job) -> Path:
    return ORIGINALS / f"{job.name}.py" if is_original(job) else SCRIPTS / job.stage / f"{job.name}.py"


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def wildcards(text: str) -> set[str]:
    return set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", text))


def test_rules_are_found(rules) -> None:
    """The reader of rules works: every `rule` line of the workflow is one of the rules tested here."""
    written = re.findall(
        r"^(?:rule|checkpoint) (\w+):", "".join(p.read_text() for p in RULES.glob("*.smk")), re.MULTILINE
    )
    assert sorted(rule.name for rule in rules) == sorted(written)
    assert len(set(written)) == len(written)


def test_a_rule_has_all_that_a_job_needs(job) -> None:
    exempt = {"input", "threads"} if job.name == "fetch_resource" else set()
    needed = [*NEEDED, "shell" if is_original(job) else "script"]
    missing = [name for name in needed if name not in job.directives and name not in exempt]
    assert not missing, f"{job} lacks {missing}"


def test_a_rule_states_memory_and_time(job) -> None:
    assert {"mem_mb", "runtime"} <= job.names("resources")


def test_a_rule_carries_the_fingerprint_of_its_script(job) -> None:
    own = f'code=program_code("{job.name}")' if is_original(job) else f'code=code("{job.stage}/{job.name}"'
    assert own in job.directives["params"]


def test_a_rule_names_the_backbone_that_its_script_loads(scripted) -> None:
    """Loaded by name, it is not among the modules that the script imports."""
    loads = "grnformer.model.backbones" in modules_used(script_of(scripted))
    assert (f'code=code("{scripted.stage}/{scripted.name}", BACKBONE)' in scripted.directives["params"]) == loads


LOADED = {
    "fit_topics": "topics.method",
    "infer_tf_gene": "grn.tf_gene.method",
    "link_regions": "grn.region_gene.accessibility",
    "build_cistromes": "grn.cistromes.method",
    "score_cell_activity": "grn.cell.method",
}  #: rule -> place in the config of the method that its script loads by name


def test_a_rule_names_the_method_that_its_script_loads(scripted) -> None:
    at = f', at="{LOADED[scripted.name]}")' if scripted.name in LOADED else ")"
    ends = (at, ", BACKBONE)")
    assert any(f'code=code("{scripted.stage}/{scripted.name}"{end}' in scripted.directives["params"] for end in ends)


def test_the_config_takes_the_backbones_that_there_are() -> None:
    schema = config_schema()["properties"]["pretrain"]
    assert sorted(schema["properties"]["backbone"]["enum"]) == list(names("grnformer.model.backbones"))


def test_the_config_takes_the_cistrome_methods_that_there_are() -> None:
    grn = config_schema()["properties"]["grn"]
    method = grn["properties"]["cistromes"]["properties"]["method"]
    assert sorted(method["enum"]) == list(names("grnformer.grn.cistromes"))


def test_a_rule_runs_the_script_of_its_name(job) -> None:
    if is_original(job):
        environment = Path(job.directives["conda"].strip().strip('"')).stem
        assert f'python=interpreter("{environment}")' in job.directives["params"]
        assert f'program=program("{job.name}")' in job.directives["params"]
        assert job.directives["shell"].strip().startswith('"{params.python:q} {params.program:q} ')
        assert "--log {log:q}" in job.directives["shell"]
    else:
        assert job.directives["script"].strip() == f'"../scripts/{job.stage}/{job.name}.py"'
    assert script_of(job).is_file()


def test_programs_of_originals_do_without_the_package() -> None:
    """Their environments have neither grnformer nor what that needs."""
    for path in ORIGINALS.glob("*.py"):
        assert not re.search(r"^\s*(import|from) grnformer", path.read_text(), re.MULTILINE), path.name


def test_log_and_benchmark_are_named_after_the_rule_and_told_apart(job) -> None:
    """Jobs of one rule that run at once must not share a log."""
    varied = wildcards(" ".join(job.outputs))
    for directive, suffix in (("log", "log"), ("benchmark", "tsv")):
        path = job.directives[directive].strip().strip(",").strip('"')
        assert re.fullmatch(rf"results/(.*/)?{directive}/{job.stage}/{job.name}(\..+)?\.{suffix}", path), path
        assert wildcards(path) == varied, f"{path} and the output have different wildcards"


def test_outputs_lie_below_the_stage(job) -> None:
    for path in job.outputs:
        assert re.match(rf"(results/(\{{dataset\}}/)?{job.stage}/|resources/)", path), path


def test_a_rule_has_neither_lambda_nor_run_nor_shell(job) -> None:
    """Only originals, which run in environments without the package, are called by a command line."""
    assert not {"run", "script" if is_original(job) else "shell"} & set(job.directives)
    assert "lambda" not in "".join(job.directives.values())


def test_a_rule_does_not_retry(job) -> None:
    """Retries belong into the profile: on Slurm a rule's retries run in one allocation."""
    assert "retries" not in job.directives


def test_a_script_is_short_and_only_reads_calls_and_writes(scripted) -> None:
    path = script_of(scripted)
    tree = syntax(path)
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) <= 25, f"{path.name} has {len(lines)} lines"
    assert ast.get_docstring(tree)
    forbidden = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try)
    assert not [node for node in ast.walk(tree) if isinstance(node, forbidden)]
    assert not re.search(r"argparse|sys\.path|from __future__", path.read_text())


def test_a_script_is_one_job_with_its_imports_inside(scripted) -> None:
    _, first, body = syntax(script_of(scripted)).body
    assert ast.unparse(first) == "from grnformer.core.job import job"
    assert isinstance(body, ast.With)
    assert ast.unparse(body.items[0].context_expr) == "job(snakemake)"


def test_a_script_uses_only_what_its_rule_declares(scripted) -> None:
    """A misspelt snakemake.input.name fails here, not after an hour's work."""
    text = script_of(scripted).read_text()
    for directive in ("input", "output", "params"):
        named = set(re.findall(rf"snakemake\.{directive}\.(\w+)", text)) - {"get", "items", "keys", "values"}
        declared = scripted.names(directive)
        if "unpack(" not in scripted.directives.get(directive, ""):
            assert named <= declared, f"{scripted} uses {directive} {sorted(named - declared)}, has {sorted(declared)}"
    known = wildcards(" ".join(scripted.outputs))
    assert set(re.findall(r"snakemake\.wildcards\.(\w+)", text)) <= known


def test_every_script_has_its_rule(jobs) -> None:
    assert sorted(SCRIPTS.rglob("*.py")) == sorted(script_of(job) for job in jobs if not is_original(job))
    assert {*ORIGINALS.glob("run_*.py")} == {script_of(job) for job in jobs if is_original(job)}


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_a_local_target_of_its_name(stage: str) -> None:
    text = (RULES / f"{stage}.smk").read_text()
    assert re.search(rf"^rule {stage}:$", text, re.MULTILINE)
    local = re.search(r"^localrules:\n((?:    .*\n)+)", text, re.MULTILINE)
    assert local is not None
    assert stage in re.findall(r"\w+", local.group(1))


def test_the_snakefile_is_a_list_of_includes() -> None:
    lines = (ROOT / "Snakefile").read_text().splitlines()
    assert len(lines) < 40
    included = [line.split('"')[1] for line in lines if line.startswith("include:")]
    assert sorted(included) == sorted(f"workflow/rules/{path.name}" for path in RULES.glob("*.smk"))


def test_helpers_stand_in_common_only() -> None:
    for path in RULES.glob("*.smk"):
        if path.name != "common.smk":
            assert not re.search(r"^\s*def |\blambda\b", path.read_text(), re.MULTILINE), path.name


def test_the_environment_of_every_rule_exists(job) -> None:
    path = (RULES / job.directives["conda"].strip().strip('"')).resolve()
    assert path.parent == ROOT / "envs"
    assert path.is_file()


def test_memory_and_time_grow_when_a_job_is_retried(job) -> None:
    """A retry with the memory that was not enough fails again."""
    amounts = re.findall(r"(mem_mb|runtime)=(\w+)\(", job.directives["resources"])
    assert sorted(amounts) == [("mem_mb", "growing"), ("runtime", "growing")]


def test_the_profile_taken_unnamed_does_not_undo_the_cluster_profile(monkeypatch) -> None:
    """Snakemake lets profiles/default win over a profile that is named; cores would cap the cluster's threads."""
    from snakemake.cli import parse_args

    def parsed(*arguments: str):
        monkeypatch.setattr("sys.argv", ["snakemake", *arguments])
        return parse_args(list(arguments))[1]

    monkeypatch.chdir(ROOT)
    slurm = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    named = parsed("--profile", "slurm", "-n")
    assert named.cores is None
    for key in ("jobs", "retries", "keep-going", "rerun-incomplete", "latency-wait"):
        assert getattr(named, key.replace("-", "_")) == slurm[key]
    assert parsed("prep").cores == len(os.sched_getaffinity(0))


def test_the_conda_environment_has_the_pins_of_the_lock_file() -> None:
    """Snakemake copies an environment file elsewhere, so that it cannot point to another file."""
    lock = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    environment = yaml.safe_load((ROOT / "envs" / "core.yaml").read_text())
    assert environment["dependencies"][-1]["pip"] == lock


def test_the_environment_of_fragments_is_the_core_with_its_extra() -> None:
    """But for one pin: SnapATAC2 asks for an older pyfaidx."""
    lock, extra = (
        [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
        for name in ("requirements.lock", "envs/fragments.txt")
    )
    pins = yaml.safe_load((ROOT / "envs" / "fragments.yaml").read_text())["dependencies"][-1]["pip"]
    expected = ["pyfaidx==0.8.1.4" if pin.startswith("pyfaidx==") else pin for pin in lock]
    assert pins == expected + extra
