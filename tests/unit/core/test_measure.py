"""What a command costs is told with its exit status."""

import sys

from grnformer.core.measure import measure


def test_the_cost_of_a_command_that_works_in_a_child_of_its_own() -> None:
    work = "import time\nblock = b'x' * 200_000_000\nwhile time.process_time() < 0.6: pass\ntime.sleep(0.3)"
    both = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {work!r}]).returncode + 3)"
    cost = measure([sys.executable, "-c", both], interval=0.1)
    assert cost.status == 3
    assert 0.6 <= cost.cpu < 10
    assert cost.wall > 0.85
    assert 200e6 < cost.memory < 400e6
