"""``python -m pipeline`` is ``tianbang``."""

from pipeline.command_line import main

if __name__ == "__main__":
    main()
