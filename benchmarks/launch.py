"""Run one command and write down what it cost: `launch.py RESULT.json COMMAND ...`.

It is a process of its own because the kernel charges a child with the memory that its parent had at the fork. This one
is a bare interpreter, so the floor is some 10 MB. Time and memory are those of the command and of all the processes it
waited for; of several processes the largest counts.
"""

import json
import os
import sys
import time


def main() -> int:
    """The exit status is the command's."""
    target, command = sys.argv[1], sys.argv[2:]
    began = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - began
    cost = {"cpu": usage.ru_utime + usage.ru_stime, "wall": seconds, "peak_kib": usage.ru_maxrss}
    with open(target, "w") as file:  # noqa: PTH123  pathlib would double the memory of this process
        json.dump(cost, file)
    return os.waitstatus_to_exitcode(status)


sys.exit(main())
