"""``python -m grnformer.cli``: the same as `grnformer`, where the package is not installed."""

import sys

from grnformer.cli.main import main

sys.exit(main())
