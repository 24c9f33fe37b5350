from IPython.display import HTML, display

shown = display(HTML("<b>0</b>"), display_id=True)
for number in range(100_000):
    shown.update(HTML(f"<b>{number}</b>"))
