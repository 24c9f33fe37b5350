Evil = type("<script>vislab_attack()</script>", (), {"__repr__": lambda self: "<img src=x onerror=vislab_attack()>"})


def centre(logits):
    return Evil()
