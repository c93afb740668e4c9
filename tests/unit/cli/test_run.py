"""The command run: Snakemake's command line, its lines read, single settings; and doctor."""

import sys
from pathlib import Path

import pytest

from grnformer.cli import doctor
from grnformer.cli.config import config_files, read_settings
from grnformer.cli.main import main
from grnformer.cli.progress import Progress, in_words
from grnformer.cli.run import follow, snakemake_command
from grnformer.core.errors import InputError
from grnformer.core.place import ROOT

LINES = """Building DAG of jobs...
job               count
--------------  -------
prepare_tss           1
fit_topics            2
prep                  1
total                 4

[Sat Nov 28 15:12:43 2026]
Job 2: Reading transcription start sites for a
Reason: Missing output files
[Sat Nov 28 15:12:44 2026]
Finished jobid: 2 (Rule: prepare_tss)
1 of 4 steps (25%) done
Error in rule fit_topics:
    jobid: 3
    log: results/logs/a/topics/fit_topics.10.log
something else
Found: no cell
"""


def test_progress_is_read_from_what_snakemake_prints() -> None:
    now = [0.0]
    progress = Progress({"prepare_tss": 10, "fit_topics": 20}, clock=lambda: now[0])
    shown = []
    for line in LINES.splitlines(keepends=True):
        now[0] += 1
        shown.append(progress.read(line))
    # targets that only name files are no jobs
    assert progress.by_stage() == [("prep", 1, 1), ("topics", 0, 2)]
    assert [line for line in shown if line] == [
        "Error in rule fit_topics:",
        "    jobid: 3",
        "    log: results/logs/a/topics/fit_topics.10.log",
        "Found: no cell",
    ]
    # 10 of 50 minutes of work are done, since line 10, where the first job began
    assert progress.seconds_left() == pytest.approx((len(shown) - 10) * 40 / 10)


def test_a_time_left_is_said_only_when_something_is_known() -> None:
    progress = Progress()
    assert progress.seconds_left() is None
    assert [in_words(s) for s in (None, 3, 61, 600, 9000)] == [
        "",
        "about 10 s left",
        "about 60 s left",
        "about 10 min left",
        "about 2.5 h left",
    ]


def test_single_settings_have_dots_between_levels() -> None:
    given = ["prep.cells.min_umis=500", "prep.preset=null", "topics.n_topics=[5, 10]"]
    assert read_settings(given) == {
        "prep": {"cells": {"min_umis": 500}, "preset": None},
        "topics": {"n_topics": [5, 10]},
    }
    for wrong in ("prep", "=5", "prep..cells=3"):
        with pytest.raises(InputError, match="--set"):
            read_settings([wrong])


def test_configs_are_files_or_scenarios(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("")
    scenario = ROOT / "config" / "scenarios" / "models.yaml"
    assert config_files([str(mine), "models"]) == [mine, scenario]
    with pytest.raises(InputError, match=r"--config prep.seed=3") as caught:
        config_files(["prep.seed=3"])
    assert "--set prep.seed=3" in caught.value.remedy
    with pytest.raises(InputError, match=r"no file moddels") as caught:
        config_files(["moddels"])
    assert "models, motifs_scan, mouse" in caught.value.expected


def test_the_command_line_is_snakemakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the checkout has a folder slurm, which would be taken
    monkeypatch.chdir(tmp_path)
    command = snakemake_command(
        ["grn"], [], {"prep": {"seed": 3}}, "", "slurm", Path(), ["--dry-run"]
    )
    text = " ".join(command[3:])
    assert text == (
        f'--snakefile {ROOT}/Snakefile --config prep={{"seed": 3}} --profile {ROOT}/profiles/slurm --dry-run -- grn'
    )
    local = snakemake_command([], [], {}, "2", "", tmp_path, [])
    assert local[5:] == ["--cores", "2", "--directory", str(tmp_path)]


def test_run_ends_with_the_page_of_the_folder_that_it_ran_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (".", "elsewhere"):
        page = tmp_path / folder / "results" / "report" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("")
    ends = [sys.executable, "-c", ""]
    assert follow(ends, Progress(), Path("elsewhere")) == 0
    shown = capsys.readouterr().out
    assert shown == f"The page: {tmp_path}/elsewhere/results/report/index.html\n"


def test_what_is_wrong_ends_run_with_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "gnr"]) == 1
    assert "did you mean 'grn'?" in capsys.readouterr().err
    assert main(["run", "--config", "nowhere.yaml"]) == 1
    assert "no file nowhere.yaml" in capsys.readouterr().err
    latin, own = tmp_path / "latin.yaml", tmp_path / "config" / "config.yaml"
    latin.write_bytes("report: {title: Zürich}".encode("latin-1"))
    assert main(["run", "--config", str(latin)]) == 1
    assert "is not UTF-8" in capsys.readouterr().err
    # that of the folder in which it is to run
    own.parent.mkdir()
    own.write_text("prep: {seed: 1}\nprep: {seed: 2}\n")
    assert main(["run", "--directory", str(tmp_path)]) == 1
    assert f"{own} has the key prep in line 1 and again" in capsys.readouterr().err


def test_doctor_ends_well_unless_something_needed_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    for what in ("Python\t", "snakemake\t", "Slurm\t", "GPU\t", "resources\t"):
        assert f"\n{what}" in shown
    monkeypatch.setattr(doctor, "NEEDED", ("snakemake", "not-a-package"))
    assert main(["doctor"]) == 1
    assert "Missing: not-a-package" in capsys.readouterr().out
