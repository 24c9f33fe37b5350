# %% [markdown]
# # A faulty lesson

# %% [markdown]
# Some text.
#
# ### BEGIN SOLUTION
# secret_answer
# ### END SOLUTION
