"""What the jam plays: an answer composed note by note, planned again when a control changes, and placed by the groove."""
