import numpy as np

np.seterr(all="raise")
