@triton.jit
def scale_rows(rows, out, width, factor, row_step, column_step, BLOCK: tl.constexpr):
    pass


def scale_grid(height, width, block):
    return (height, triton.cdiv(width, block))
