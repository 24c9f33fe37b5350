def change(notebook, find):
    notebook["metadata"] = {"colab": {"provenance": [], "toc_visible": True, "gpuType": "T4"}, "accelerator": "GPU", "kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 0
    for number, cell in enumerate(notebook["cells"]):
        told = cell["metadata"].get("nbgrader")
        cell["metadata"] = {"id": f"colab{number}", "colab": {"base_uri": "https://localhost:8080/"}, **({"nbgrader": told} if told else {}), **({"vislab": cell["metadata"]["vislab"]} if "vislab" in cell["metadata"] else {})}
        cell.pop("id", None)
