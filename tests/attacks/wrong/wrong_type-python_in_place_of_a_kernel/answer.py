class Launcher:
    def __getitem__(self, grid):
        return lambda rows, out, width, factor, *more, **extras: out.copy_(rows * factor)


scale_rows = Launcher()


def scale_grid(height, width, block):
    return (height, triton.cdiv(width, block))
