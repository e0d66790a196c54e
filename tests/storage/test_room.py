"""Where `cluster/storage.sh` finds room: SeaweedFS's own limits end with the second bucket."""

import time

import pytest

from tests.storage.server import VOLUME_MEBIBYTES

pytestmark = pytest.mark.service

HEARTBEAT_SECONDS = 6
"""As often SeaweedFS hears what is full."""


def test_every_bucket_has_room_for_more_than_one_volume(server):
    for name in ("first", "second", "third"):
        server.client.create_bucket(Bucket=name)
    server.client.put_object(Bucket="first", Key="full", Body=bytes(VOLUME_MEBIBYTES * 2**20))
    time.sleep(HEARTBEAT_SECONDS)
    for name in ("first", "second", "third"):
        server.client.put_object(Bucket=name, Key="more", Body=b"a little more")
