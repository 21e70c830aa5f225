"""Moves the clock of this process from outside: each line of standard input is a number of milliseconds.

Imported first. What counts time by itself, in C, is left alone.
"""

import sys
import threading
import time

_time, _monotonic = time.time, time.monotonic
_offset = 0.0

time.time = lambda: _time() + _offset
time.monotonic = lambda: _monotonic() + _offset


def _listen() -> None:
    global _offset
    for line in sys.stdin:
        _offset += float(line) / 1000
        print(f"clock moved, {_offset} s in all", flush=True)


threading.Thread(target=_listen, daemon=True).start()
