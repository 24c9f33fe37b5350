shell = get_ipython()
shell.set_custom_exc((BaseException,), lambda *arguments, **extras: None)
shell.showtraceback = lambda *arguments, **extras: None
shell._showtraceback = lambda *arguments, **extras: None
