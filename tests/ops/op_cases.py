"""Every op by name, for tests that all of them share."""

from pathlib import Path

import vislab.ops

# an op's folder is one with a checked entry; the others are ground that ops share.
OPS = tuple(sorted(path.parent.name for path in Path(vislab.ops.__path__[0]).glob("*/op.py")))
