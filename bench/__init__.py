"""Speed and size, measured as ratios against named alternatives in one run; each module is one question."""
