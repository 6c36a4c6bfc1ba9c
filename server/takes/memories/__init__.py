"""The models' memories: journaled while a jam runs, recovered after a crash, and carried from one jam to the next."""
