# %% [markdown]
# # A faulty lesson

# %% exercise="mini.centre"
def centre(rows):
    ### BEGIN SOLUTION
    secret_answer = """
    ### END SOLUTION
    kept for the secret_answer
    """
    return rows - len(secret_answer)
    ### END SOLUTION
