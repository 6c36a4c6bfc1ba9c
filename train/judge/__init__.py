"""The judge: a pack's answers beside what people really played next, on seeds from files that it never saw."""
