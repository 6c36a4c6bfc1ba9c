"""The set that is open in Ableton Live, by way of AbletonOSC: its scale and its tempo."""
