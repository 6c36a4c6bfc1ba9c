"""`python -m train FOLDER --out PACK`, and what `torchrun -m train` starts."""

# Guarded: the processes that read MIDI files import this module again, and have no use for torch.
if __name__ == "__main__":
    from train.cli import main

    main()
