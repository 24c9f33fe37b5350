# %% [markdown]
# # A faulty lesson

# %% exercise="mini.centre"
def centre(rows):
    ### BEGIN SOLUTION
    rows = rows.clone()
    ### END SOLUTION
    ### START SOLUTION
    rows = rows - rows.mean(dim=-1, keepdim=True)  # secret_answer
    ### END SOLUTION
    return rows
