"""The command line: the edge where everything is put together."""


def main() -> None:
    """Run the command that the process was started with."""
    from sidecritic.cli.app import app

    app()
