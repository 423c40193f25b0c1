"""Run a program and end it when the process that started it is gone; for systems that do not tell children of their parent's end."""

import os
import signal
import subprocess
import sys
import time

PATIENCE_S = 20


def run(parent: int, death_signal: int, command: list[str]) -> int:
    """Start the command, pass on the signals to end, and return its exit code."""
    program = subprocess.Popen(command, close_fds=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda received, _frame: program.send_signal(received))
    while program.poll() is None and os.getppid() == parent:
        time.sleep(0.5)
    if program.poll() is None:
        program.send_signal(death_signal)
        try:
            program.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            program.kill()
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # what the program started, and the leash with it
    return program.wait()


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
