"""What ./demo shows, by IBM's own SDK for Python: read `story.py` first."""
