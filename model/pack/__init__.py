"""Packs: trained networks on disk with their card, and the dummy that needs none."""
