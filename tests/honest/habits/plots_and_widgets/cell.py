import matplotlib.pyplot as plt
from IPython.display import HTML, display
from tqdm.auto import tqdm

for _ in tqdm(range(5)):
    pass
plt.plot([1, 2, 3])
plt.show()
plt.figure()
display(HTML("<table><tr><td>1</td></tr></table>"))
