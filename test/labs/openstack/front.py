"""What stands before Keystone, Cinder and Nova: a proxy that writes down each request, plays faults, and speaks TLS if asked to.

Requests are kept as {"service", "method", "path", "query", "status", "agent", "body"}: "status" is null until it was answered
and where the answer was lost, "body" is what was sent. Headers, and with them tokens, are not kept, nor is anything that was
sent to Keystone, which is where passwords go.
"""

import http.client
import json
import re
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOST = "127.0.0.1"
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


class Record:
    """What came, and what is to happen to what will come. Shared by all fronts of a lab."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = []
        self.faults = []

    def clear(self):
        with self.lock:
            self.requests, self.faults = [], []

    def seen(self):
        with self.lock:
            return list(self.requests)

    def add_fault(self, fault):
        re.compile(fault.get("path", ""))
        with self.lock:
            self.faults.append({"times": 1, **fault})

    def add(self, entry):
        """Writes a request down. Returns the first fault that is meant for it, with one use of it taken."""
        with self.lock:
            self.requests.append(entry)
            for fault in self.faults:
                if (
                    fault.get("service", entry["service"]) == entry["service"]
                    and fault.get("method", entry["method"]) == entry["method"]
                    and re.search(fault.get("path", ""), entry["path"])
                ):
                    fault["times"] -= 1
                    self.faults = [each for each in self.faults if each["times"] > 0]
                    return fault
        return None


class Front:
    """One endpoint: a port that stays the same while what is behind it comes and goes."""

    def __init__(self, service, record, tls=None):
        self.service = service
        self.record = record
        self.tls = tls  # [certificate, key]
        self.backend = None  # port
        self.server = None
        # Bound and never listening: nobody else gets the port while the door is shut, and who knocks is refused.
        self.holder = bound(0)
        self.port = self.holder.getsockname()[1]

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}"

    def open(self, backend):
        self.backend = backend
        self.server = Server(self)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        if self.server is None:
            return
        self.server.shutdown()
        self.server.server_close()
        self.server.hang_up()
        self.server = None


def bound(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((HOST, port))
    return sock


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, front):
        super().__init__((HOST, front.port), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound(front.port)
        self.server_activate()
        self.front = front
        self.context = None
        if front.tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*front.tls)
        self.open = set()
        self.lock = threading.Lock()

    def finish_request(self, request, client_address):
        if self.context:  # in the connection's own thread
            request.settimeout(30)
            request = self.context.wrap_socket(request, server_side=True)
            request.settimeout(None)
        with self.lock:
            self.open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self.lock:
                self.open.discard(request)
            if self.context:
                request.close()  # the plain socket has handed over what is beneath it

    def hang_up(self):
        """Ends the connections that clients keep, as the end of a server does."""
        with self.lock:
            for each in self.open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def handle_error(self, request, client_address):
        pass  # a client that went away, or that doesn't trust the certificate


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_one_request(self):
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
        elif self.parse_request():
            self.serve()
            self.wfile.flush()

    def serve(self):
        front = self.server.front
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        entry = {"service": front.service, "method": self.command, "path": path, "query": query, "status": None}
        entry.update(agent=self.headers.get("User-Agent", ""), body=None)
        if front.service != "keystone" and body:
            entry["body"] = read_json(body)
        fault = front.record.add(entry) or {}
        if fault.get("seconds"):
            time.sleep(fault["seconds"])
        if fault.get("status"):
            status, headers, content = refusal(front.service, fault)
        else:
            try:
                status, headers, content = self.ask(front.backend, body)
            except OSError:
                self.close_connection = True  # it was stopped meanwhile
                return
        if fault.get("lose"):
            self.close_connection = True
            return
        entry["status"] = status
        self.answer(status, headers, content)

    def ask(self, port, body):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        headers["X-Forwarded-Proto"] = "https" if self.server.context else "http"
        connection = http.client.HTTPConnection(HOST, port, timeout=120)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def answer(self, status, headers, content):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_args):
        pass


def refusal(service, fault):
    """An error as that service words it."""
    status, message = fault["status"], fault.get("message", "as the test wants it")
    if service != "keystone":
        name = {500: "computeFault", 503: "serviceUnavailable", 413: "overLimit", 404: "itemNotFound"}.get(status)
        body = {name or "badRequest": {"code": status, "message": message}}
    else:
        title = http.client.responses.get(status, "Error")
        body = {"error": {"code": status, "message": message, "title": title}}
    headers = [("Content-Type", "application/json"), *fault.get("headers", {}).items()]
    return status, headers, json.dumps(body).encode()


def read_json(body):
    try:
        return json.loads(body)
    except ValueError:
        return None
