"""Make the buckets that are missing: python make-buckets.py NAME..."""

import sys

import boto3

storage = boto3.client("s3")
there = {bucket["Name"] for bucket in storage.list_buckets()["Buckets"]}
for name in set(sys.argv[1:]) - there:
    storage.create_bucket(Bucket=name)
