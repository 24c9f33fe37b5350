import json
import os
import tempfile

open("notes.json", "w").write(json.dumps({"tried": 3}))
with tempfile.NamedTemporaryFile("w") as file:
    file.write("x")
os.makedirs("figures", exist_ok=True)
print(json.load(open("notes.json")))
