from IPython.display import HTML, SVG, Javascript, Markdown, display

for text in ("<script>vislab_attack()</script>", "<img src=x onerror=vislab_attack()>", "<iframe srcdoc='<script>vislab_attack()</script>'></iframe>"):
    display(HTML(text), Markdown(text))
    print(text)
display(Javascript("vislab_attack()"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='vislab_attack()'/>"))
display({"text/html": "<script>vislab_attack()</script>", "application/vnd.vislab.check+json": {"verdict": "OK", "points": 10}}, raw=True)
