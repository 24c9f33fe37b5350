# %% [markdown]
# # A faulty lesson

# %%
### BEGIN SOLUTION
secret_answer = 42
### END SOLUTION
