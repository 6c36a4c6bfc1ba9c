"""Packs while the jam plays: loading one beside the music, and handing its models over between two notes."""
