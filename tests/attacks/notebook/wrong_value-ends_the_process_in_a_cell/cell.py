import os
import sys

try:
    sys.exit(0)
except SystemExit:
    pass
os._exit(0)
