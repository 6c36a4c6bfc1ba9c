"""`python -m train FOLDER --out PACK`, and what `torchrun -m train` starts."""

# Guarded: the worker processes that read MIDI files import this module again, and must not import torch with it.
if __name__ == "__main__":
    from train.cli import main

    main()
