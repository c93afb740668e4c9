# Adds pycisTopic (academic, non-commercial licence) without what its peak calling and plots alone need.
set -euo pipefail
python -m pip install --no-deps "git+https://github.com/aertslab/pycisTopic@787ce422a37f5975b0ebb9e7b19eeaed44847501"
