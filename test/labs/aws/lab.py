"""The lab: moto's EC2, behind a strict check, with a record of what reached it.

moto takes requests that EC2 refuses, so each is judged first: by the model of EC2's requests (model.py), then by the limits
of EBS (limits.py). volumes.py says where moto's volumes were put right. Prints {"url": …} when it is ready, and ends with
its standard input. Tests talk to it at /lab, in JSON:

  POST /lab/call      {"action", "params"}   does it by boto's client, off the record: {"result"} or {"error": {"code", "message"}}
  GET  /lab/requests                         what reached EC2: [{"action", "params", "error", "attempt"}], "error" a code or null
  POST /lab/reset                            everything away: resources, record, clock, faults
  POST /lab/advance   {"seconds"}            moves EC2's clock on
  POST /lab/set       {"optimizingSeconds"}  how long a modification is "optimizing"; none at the start
  POST /lab/fail      {"action", "code", "message", "times"}   the next requests for it fail; without a code they are carried out,
                                             and the connection breaks before the answer
"""

import functools
import io
import json
import logging
import os
import re
import socket
import sys
import threading
import traceback
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.ec2 import ec2_backends
from moto.moto_api._internal import moto_api_backend
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

import limits
import model
import volumes
from refused import Refused

ACCOUNT = "123456789012"
REGION = "us-east-1"
OFF_THE_RECORD = "off-the-record"  # in the user agent


class Lab:
    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.RLock()
        self.forget()

    def forget(self):
        self.requests = []
        self.faults = []
        self.created = {}  # by token, as EC2 knows a request that is sent again
        volumes.clock.ahead = 0
        volumes.set_optimizing(0)

    @Request.application
    def __call__(self, request):
        if request.path.startswith("/lab/"):
            return self.command(request)
        with self.lock:
            return self.ec2(request)

    # ---- EC2 -----------------------------------------------------------------------------------------------------------

    def ec2(self, request):
        body = request.get_data()
        request.environ["wsgi.input"] = io.BytesIO(body)  # for moto, which reads it again
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", request.headers.get("Authorization", ""))
        if scope is None or scope[2] != "ec2":
            return error_response(Refused("Unserved", f"the lab serves signed requests to EC2 only: {request.url}"))
        query = dict(parse_qsl(body.decode(), keep_blank_values=True))
        attempt = re.match(r"attempt=(\d+)", request.headers.get("Amz-Sdk-Request", ""))
        entry = {"action": query.get("Action", ""), "params": model.flatten(query), "error": None}
        entry["attempt"] = int(attempt[1]) if attempt else 1
        if OFF_THE_RECORD not in request.headers.get("User-Agent", ""):
            self.requests.append(entry)
            fault = next((each for each in self.faults if each["action"] == entry["action"]), None)
            if fault is not None:
                fault["times"] -= 1
                self.faults = [each for each in self.faults if each["times"] > 0]
                if fault["code"] is None:
                    self.carry_out(request, query, scope[1], entry)
                    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                    return Response()
                entry["error"] = fault["code"]
                return error_response(Refused(fault["code"], fault["message"]))
        return self.carry_out(request, query, scope[1], entry)

    def carry_out(self, request, query, region, entry):
        token = query.get("ClientToken") if entry["action"] == "CreateVolume" else None
        if token in self.created:
            return Response(self.created[token], content_type="text/xml")
        try:
            self.judge(entry["action"], model.parse(query), ec2_backends[ACCOUNT][region])
        except Refused as refused:
            entry["error"] = refused.code
            return error_response(refused)
        response = Response.from_app(self.moto, request.environ)
        if response.status_code >= 400:
            code = re.search(r"<Code>(.*?)</Code>", response.get_data(as_text=True))
            entry["error"] = code[1] if code else str(response.status_code)
        elif token is not None:
            self.created[token] = response.get_data()
        return response

    def judge(self, action, params, backend):
        """Raises Refused for what EC2 refuses. What isn't there at all, moto refuses itself."""
        if action == "CreateVolume":
            zone = params.get("AvailabilityZone")
            if zone is None:
                raise Refused("MissingParameter", "The request must contain the parameter availabilityZone")
            if backend.get_zone_by_name(zone) is None:
                raise Refused("InvalidZone.NotFound", f"The zone '{zone}' does not exist.")
            snapshot = backend.snapshots.get(params.get("SnapshotId"))
            limits.check_create(params, None if snapshot is None else int(snapshot.volume.size))
        elif action == "ModifyVolume":
            volume = backend.volumes.get(params["VolumeId"])
            if volume is not None:
                limits.modified(volumes.view(volume), params)
                volumes.check_modification(volume)
        elif action == "AttachVolume":
            volume = backend.volumes.get(params["VolumeId"])
            instance = next((each for each in backend.all_instances() if each.id == params["InstanceId"]), None)
            if volume is not None and instance is not None:
                volumes.check_attachment(volume, instance, params["Device"])

    # ---- commands ------------------------------------------------------------------------------------------------------

    def command(self, request):
        name = request.path.removeprefix("/lab/")
        try:
            given = request.get_json() if request.method == "POST" else {}
            return json_response(self.do(name, given, request.host_url))
        except Exception:
            return json_response({"broken": traceback.format_exc()}, 500)

    def do(self, name, given, url):
        if name == "call":
            return call(url, given["action"], given["params"])
        with self.lock:
            if name == "requests":
                return self.requests
            if name == "reset":
                moto_api_backend.reset()
                return self.forget()
            if name == "advance":
                volumes.clock.ahead += given["seconds"]
            elif name == "set":
                volumes.set_optimizing(given["optimizingSeconds"])
            elif name == "fail":
                self.faults.append(given)
            else:
                raise ValueError(f"no such command: {name}")
            return None


_method = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def call(url, action, params):
    try:
        result = getattr(client(url), _method.sub("_", action).lower())(**params)
    except ClientError as error:
        return {"error": {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}}
    return {"result": {key: value for key, value in result.items() if key != "ResponseMetadata"}}


@functools.cache
def client(url):
    return boto3.client(
        "ec2",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # What is wrong is for the check behind the wire to see, not for the client.
        config=Config(user_agent_extra=OFF_THE_RECORD, retries={"total_max_attempts": 1}, parameter_validation=False),
    )


def json_response(value, status=200):
    return Response(json.dumps(value, default=str), status=status, content_type="application/json")


def error_response(refused):
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
        f"<Code>{escape(refused.code)}</Code><Message>{escape(refused.message)}</Message>"
        "</Error></Errors><RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
    )
    return Response(body, status=refused.status, content_type="text/xml")


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections, as EC2 does

    def log(self, *_args):
        pass


def main():
    logging.disable(logging.WARNING)
    os.environ.setdefault("MOTO_ACCOUNT_ID", ACCOUNT)
    volumes.install()
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = make_server("127.0.0.1", port, Lab(), threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    # Whoever started it holds the other end; when they are gone, however that came about, so is the lab.
    sys.stdin.read()


if __name__ == "__main__":
    main()
