"""A run as one file: whole, the same each time, and without a way in for hostile text."""

import re
from base64 import b64decode
from gzip import decompress
from pathlib import Path

import pytest

from sidecritic.errors import ConfigError
from sidecritic.viewer import write_bundle
from tests.opinions import write_run


def test_every_episode_is_in_it_and_its_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    page = write_bundle(run, tmp_path / "one.html").read_text()
    assert page == write_bundle(run, tmp_path / "two.html").read_text()
    packed = re.findall(r'<script type="text/plain" id="z\d">([^<]*)</script>', page)
    first, second = (decompress(b64decode(each)).decode() for each in packed)
    assert "Ask first." in second and "Ask first." not in first
    assert "<script" not in first + second and "<form" not in first + second
    assert page.count("<script>") == 1


def test_what_is_no_single_run_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "one")
    write_run(tmp_path / "runs" / "two")
    with pytest.raises(ConfigError, match="takes one run"):
        write_bundle(tmp_path / "runs", tmp_path / "out.html")
