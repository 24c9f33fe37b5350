# %% [markdown]
# # A faulty lesson

# %% [markdown] question="mini.q_shift" points=3
# Why?
#
# ### BEGIN SOLUTION
# Because.
# ### END SOLUTION
#
# ### BEGIN MARKING SCHEME
# secret_answer gives three points.
# ### END MARKING SCHEME
