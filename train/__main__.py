"""`python -m train FOLDER --out PACK`, and what `torchrun -m train` starts."""

from train.cli import main

main()
