import sys
import warnings

for number in range(20):
    warnings.warn(f"this is only a warning, number {number}", stacklevel=1)
print("still training ...", file=sys.stderr)
for line in range(10_000):
    print(f"{line:6d}", "." * 100)
