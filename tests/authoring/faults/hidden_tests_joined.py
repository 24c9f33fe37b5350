# %% [markdown]
# # A faulty lesson

# %% answer="mini.double"
def double(rows):
    ### BEGIN SOLUTION
    return 2 * rows
    ### END SOLUTION


# %% test="mini.double" points=2
assert double(1) == 2
### BEGIN HIDDENTESTS
secret_answer = double(2.25)
assert secret_answer == 4.5
### END HIDDEN TESTS
