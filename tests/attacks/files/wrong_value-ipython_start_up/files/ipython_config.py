c = get_config()
c.InteractiveShellApp.exec_lines = ['check = print']
