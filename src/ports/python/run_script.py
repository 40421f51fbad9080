"""Runs a script as `python SCRIPT` does, and ends with the process that started it: standard input is a pipe that closes when that one is gone."""

import io
import os
import signal
import sys
import threading
import traceback
import types


def end_with_starter(pipe):
    while os.read(pipe, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)  # it leads a group of its own


def run(script):
    main = types.ModuleType("__main__")
    main.__file__ = script
    main.__builtins__ = __builtins__
    sys.modules["__main__"] = main
    with io.open_code(script) as file:
        source = file.read()
    try:
        exec(compile(source, script, "exec"), main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        sys.stdout.flush()
        error.__traceback__ = error.__traceback__.tb_next  # the frame of this file says nothing
        traceback.print_exception(type(error), error, error.__traceback__)
        sys.exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_starter, args=(os.dup(0),), daemon=True).start()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    run(os.path.abspath(sys.argv[0]))
