# %% [markdown]
# # A faulty lesson

# %% [markdown]
# Write your code between `### BEGIN SOLUTION` and `### END SOLUTION`.
