for ask in (lambda: input("the answer, please: "), lambda: __import__("getpass").getpass(), breakpoint, lambda: __import__("pdb").set_trace()):
    try:
        ask()
    except BaseException as error:
        print(type(error).__name__, error)
