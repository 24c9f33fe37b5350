check = print
