def change(notebook, find):
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "<script>alert(1)</script>", "language": "bash"}
    notebook["metadata"]["language_info"] = {"name": "bash", "file_extension": ".sh"}
