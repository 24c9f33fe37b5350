import re, pathlib
R = pathlib.Path("/tmp/a2_readme")
def part(name):
    text = (R / f"{name}.md").read_text()
    text = text.split("\n", 1)[1].strip()
    # aims and plan are gathered at the top.
    blocks = re.split(r"(?m)^## ", text)
    kept = [b for b in blocks[1:] if not re.match(r"(Aims|Plan)", b)]
    rows = [line for b in blocks[1:] if b.startswith("Plan") for line in b.split("\n") if line.startswith("| `")]
    body = "\n".join("### " + b.rstrip() + "\n" for b in kept)
    # a table must not be cut in two by an empty line.
    body = re.sub(r"(\|\n)\n(\| `)", r"\1\2", body)
    return rows, f"## Notebook {name[0]}, `{name}`\n\n" + body
names = [n for n in ("1_polygons", "2_rendering", "3_correspondence") if (R / f"{n}.md").exists() and (pathlib.Path("/work/main/assignments/a2_shapes/lessons") / f"{n}.py").exists()]
parts = [part(n) for n in names]
head = f'''# Assignment 2: what is a shape? For instructors

This page is not released. It says what the assignment is for, what goes wrong, how the written questions are marked, and how to change it.
**It is being written**: two further notebooks (shape spaces; invariance and pictures without labels) are to come.

## Aims

A student who has finished

{"1. computes areas, centres, equal spacing and signed distances of outlines that are closed, open, far away or degenerate, and says what each does there;" if "1_polygons" in names else ""}
1. has written a rasteriser with a gradient in every vertex and a test of it, and can say what softness costs in value and (next to nothing) in gradient;
1. has seen pictures pull outlines into place, and has built a decoder from transposed convolutions;
1. measures distances between outlines that do not mind the start (by a loop, a table and the FFT), and compares point sets with masks and in blocks;
1. aligns shapes by a guarded SVD with an unknown start, computes a generalised mean, and can say what correspondence is worth in numbers.

## Plan

| notebook | reading and work | exercises | points |
|---|---|---|---|
''' + "\n".join(row for rows, _ in parts for row in rows) + '''

Every notebook also runs on the original course's icon file: start Jupyter with `VISLAB_ICONS=/path/to/ImagerIcon_subset.hdf5`. Within an exercise, points are given by
family, as in assignment 1.

''' + "\n".join(body for _, body in parts)
head = re.sub(r"\n\n\n+", "\n\n", head.replace("finished\n\n\n1.", "finished\n\n1."))
pathlib.Path("/work/main/assignments/a2_shapes/README.md").write_text(head.rstrip() + "\n")
