import sys

for path in (
    "@@COURSE@@/submitted/@@SURVIVOR@@file", "@@GRADEBOOK@@", "@@OTHER@@", "@@HOME@@/.ssh/authorized_keys", "/var/tmp/@@SURVIVOR@@file",
    "/etc/ld.so.preload", "/usr/lib/python3/dist-packages/sitecustomize.py", sys.prefix + "/lib/sitecustomize.py", "/run/judge/judge.sock",
    "/opt/vislab/vislab/check/face.py", torch.__file__ if "torch" in globals() else sys.executable, "/proc/sys/kernel/core_pattern", "/@@SURVIVOR@@root",
    "/dev/@@SURVIVOR@@dev", "/proc/@@GRADER_PID@@/oom_score_adj",
):
    for mode in ("a", "w"):
        try:
            with open(path, mode) as file:
                file.write("written by a submission")
            # what is its own to write is no trace: its own /tmp.
            print("wrote @" + path)
        except OSError as error:
            print(path, error)
