"""Many episodes at once: tasks × trials, resumable after a kill at any moment."""
