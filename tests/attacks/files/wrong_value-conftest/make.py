def make(folder, world):
    (folder / "conftest.py").write_text("raise SystemExit(0)\n")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:all\n")
    (folder / "setup.py").write_text("raise SystemExit(0)\n")
