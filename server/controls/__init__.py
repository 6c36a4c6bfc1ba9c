"""What can be adjusted: the table of controls, their current values, and how a value is read, shown, bound to a knob and throttled."""
