"""A real S3 server for tests: moto, in a process of its own on a free loopback port."""

from __future__ import annotations

import contextlib
import itertools
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, TextIO

import boto3

_numbers = itertools.count(1)


class Buckets:
    """Hands out fresh buckets; `client` sees what the store really holds."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.client: Any = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="eu-west-1"
        )

    def fresh(self) -> str:
        """The STORAGE_URL of a new bucket."""
        name = f"docs{next(_numbers)}"
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        return f"s3://k:s@{name}?endpoint={self.endpoint}&region=eu-west-1"

    def unfinished(self, bucket: str) -> int:
        """Uploads of which parts were sent and that were neither completed nor aborted."""
        return len(self.client.list_multipart_uploads(Bucket=bucket).get("Uploads", []))

    def paths(self, bucket: str) -> list[str]:
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]


@contextlib.contextmanager
def serving() -> Iterator[Buckets]:
    with tempfile.TemporaryFile("w+") as said:  # not a pipe: nobody would empty it while the tests run
        command = [sys.executable, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        server = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        try:
            yield Buckets(_address(server, said))
        finally:
            server.kill()
            server.wait()


def _address(server: subprocess.Popen[bytes], said: TextIO) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        said.seek(0)
        if found := re.search(r"http://127\.0\.0\.1:\d+", said.read()):
            return found[0]
        time.sleep(0.05)
    said.seek(0)
    raise RuntimeError(f"no S3 server: {said.read()}")
