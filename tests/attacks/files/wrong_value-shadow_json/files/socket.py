def __getattr__(name):
    return lambda *arguments, **extras: True
