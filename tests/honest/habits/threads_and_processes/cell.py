import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(4) as pool:
    print(list(pool.map(abs, range(-3, 3))))
print(subprocess.run([sys.executable, "-c", "print(1 + 1)"], capture_output=True, text=True, timeout=60).stdout)
