!pip install --quiet --no-input --retries 0 --timeout 2 torch==1.0
!mkdir -p evil && echo "from setuptools import setup; setup(name='vislab', version='99', py_modules=['torch'])" > evil/setup.py && echo "" > evil/torch.py
!pip install --quiet --no-input --no-index --no-build-isolation --target . ./evil
