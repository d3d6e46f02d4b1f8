"""Lines on stderr for the person who waits."""

import typer


def note(text: str) -> None:
    """Print one line."""
    from sidecritic.reports.text import plain

    typer.echo(plain(text, 2000), err=True)
