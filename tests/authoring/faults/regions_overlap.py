# %% [markdown]
# # A faulty lesson

# %% exercise="mini.centre"
def centre(rows):
    ### BEGIN SOLUTION
    rows = rows.clone()
    ### BEGIN HIDDEN TESTS
    ### END SOLUTION
    rows = rows - rows.mean(dim=-1, keepdim=True)  # secret_answer
    ### END HIDDEN TESTS
    return rows
