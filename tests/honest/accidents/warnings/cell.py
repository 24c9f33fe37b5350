import sys
import warnings

for kind in (UserWarning, DeprecationWarning, RuntimeWarning, FutureWarning):
    warnings.warn("look out", kind, stacklevel=1)
print("a message for the terminal", file=sys.stderr)
