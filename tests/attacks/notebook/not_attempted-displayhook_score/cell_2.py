def check(*arguments, **extras):
    sys.displayhook(10.0)
