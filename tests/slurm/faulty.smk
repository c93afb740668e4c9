# Jobs that something happens to at their first attempt, and nothing at the next.
from grnformer.workflow.slurm import watch_jobs

watch_jobs()
AT_FIRST = "if [ ! -e {output}.tried ]; then touch {output}.tried; sleep 100; fi; touch {output}"


rule faults:
    input:
        "greedy",
        "slow",
        "cancelled",
        "replaced",
        "doomed",
        "broken",
        "huge",
    localrule: True


rule greedy:
    output:
        "greedy",
    resources:
        mem_mb=lambda wildcards, attempt: 400 * attempt,
        runtime=5,
        slurm_extra="'--nodelist=near1'",
    shell:
        "python3 -c 'import time; kept = bytearray(500 * 2**20); time.sleep(3)'; touch {output}"


rule slow:
    output:
        "slow",
    resources:
        mem_mb=500,
        runtime=1,
        slurm_extra="'--nodelist=near1'",
    shell:
        AT_FIRST


rule cancelled:
    output:
        "cancelled",
    resources:
        mem_mb=500,
        runtime=5,
    shell:
        AT_FIRST


rule replaced:
    output:
        "replaced",
    resources:
        mem_mb=4000,
        runtime=5,
        slurm_partition="ended",
        slurm_extra="'--nodelist=near1'",
    shell:
        AT_FIRST


rule broken:
    output:
        "broken",
    resources:
        mem_mb=500,
        runtime=5,
        slurm_extra="'--nodelist=near2'",
    shell:
        AT_FIRST


rule doomed:
    output:
        "doomed",
    resources:
        mem_mb=500,
        runtime=5,
        slurm_extra="'--hold'",
    shell:
        "touch {output}"


# a whole node, when the others need none
rule huge:
    input:
        "slow",
    output:
        "huge",
    threads: 64
    resources:
        mem_mb=90000,
        runtime=99,
        slurm_partition="brief",
    shell:
        "touch {output}"


rule first:
    output:
        "first",
    resources:
        mem_mb=500,
        runtime=5,
    shell:
        "echo {rule} >> ran; touch {output}"


rule second:
    input:
        "first",
    output:
        "second",
    resources:
        mem_mb=500,
        runtime=5,
    shell:
        "echo {rule} >> ran; sleep 4; touch {output}"


rule grouped:
    output:
        "grouped",
    group:
        "one"
    resources:
        mem_mb=500,
        runtime=5,
        constraint="unheard_of",
    shell:
        "touch {output}"


# together they need more memory than a node has
rule both:
    input:
        "left",
        "right",
    output:
        "both",
    group:
        "two"
    resources:
        mem_mb=500,
        runtime=1,
    shell:
        "touch {output}"


rule one_of_two:
    output:
        "{side,left|right}",
    group:
        "two"
    resources:
        mem_mb=5000,
        runtime=2,
    shell:
        "touch {output}"
