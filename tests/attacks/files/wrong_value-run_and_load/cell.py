%run /proc/self/root@@OTHER@@
%load @@REFERENCES@@/aim.py
%run -i @@REFERENCES@@/aim.py
