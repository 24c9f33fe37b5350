# %% [markdown]
# # A faulty lesson

# %% exercise="mini.centre"
def centre(rows):
    ### BEGIN SOLUTION ### END SOLUTION
    rows = rows - rows.mean(dim=-1, keepdim=True)  # secret_answer
    return rows
