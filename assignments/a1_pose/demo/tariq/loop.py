def joint_loss(*args, **kwargs):
    while True:
        pass
