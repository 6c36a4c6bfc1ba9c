"""Packs: folders with two trained networks and a card; and the dummy pack, which needs no files."""
