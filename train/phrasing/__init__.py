"""Touch and phrase ends, learnt from corpora by counting: no network is trained."""
