"""The lab's S3: moto's server. Creates a bucket, prints {"url", "bucket"} when it is ready, and ends with its standard input."""

import json
import logging
import sys

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "state"

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket=BUCKET)
print(json.dumps({"url": url, "bucket": BUCKET}), flush=True)
sys.stdin.read()
server.stop()
