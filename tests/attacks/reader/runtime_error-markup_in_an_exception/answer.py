Evil = type("<script>vislab_attack()</script>", (Exception,), {"__str__": lambda self: "<img src=x onerror=vislab_attack()>", "__module__": "<script>"})


def centre(logits):
    raise Evil("<script>vislab_attack()</script>\x1b[31m" + "x" * 1_000_000)
