# %% [markdown]
# # A faulty lesson

# %% exercise="mini.centre"
def centre(rows):
    ### BEGIN SOLUTION
    rows = rows.clone()
    ### END SOLUTION
    # the mean of each row
    rows = rows - rows.mean(dim=-1, keepdim=True)  # secret_answer
    ### END SOLUTION
    return rows
