# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `aws s3 cp FILE s3://BUCKET/` does, with the library under it: copy_to_s3.py FILE ADDRESS BUCKET."""

import sys

import boto3

file, address, bucket = sys.argv[1:]
client = boto3.client(
    "s3",
    endpoint_url=address,
    region_name="us-east-1",
    aws_access_key_id="bench",
    aws_secret_access_key="bench-secret",
)
client.upload_file(file, bucket, "copied")
