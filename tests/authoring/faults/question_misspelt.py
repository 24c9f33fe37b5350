# %% [markdown]
# # A faulty lesson

# %% [markdown] question="mini.q_shift" points=3
# Why?
#
# ### BEGIN SOLUTION
# Because.
# ### END SOLUTION
#
# ### BEGIN SOLUTOIN
# secret_answer
# ### END SOLUTION
