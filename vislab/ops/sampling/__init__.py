"""What the ops share that read an image between its pixels (affine_sample, bilinear_sample, tps_sample). No op, and knows none.

``arguments`` are the checks, ``safe_grid_sample`` PyTorch's sampler made safe, ``source_pixels`` the plain reference from a coordinate to
its pixels, ``source_pixel_kernels`` the same for kernels, ``sample_kernels`` what a kernel does once it has positions, ``derivatives`` how
the operators of an op are tied together, ``thin_plate`` the spline's mathematics.
"""
