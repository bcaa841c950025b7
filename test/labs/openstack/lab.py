"""The lab: a real Keystone and a real Cinder with two backends, "fast" and "slow", on free ports of this machine; and a real
Nova, whose servers are records only, if asked for.

  lab.py CACHE [--nova] [--tls CERTIFICATE KEY]

SQLite, no message broker, no root. The first start makes the databases, with users and catalog, below CACHE; each start
has a copy of its own, in a temporary directory. Prints one line of JSON when all answer and the scheduler knows both
backends, and ends, leaving nothing, with its standard input or with SIGTERM or SIGINT. Before them stands front.py, which
writes down what reaches them; tests talk to the lab itself at controlUrl, in JSON:

  GET  /lab/requests                     what reached them: front.py says what of it is kept
  POST /lab/clear                        forgets it, and the faults
  POST /lab/call    {"service", "user", "method", "path", "body", "microversion"}   does it, off the record and past the
                                         faults: {"status", "body"}. "path" is below /v3, for Cinder below /v3/<project>, for Nova
                                         below /v2.1
  POST /lab/fail    {"service", "method", "path", "times", "seconds", "status", "message", "headers", "lose"}   the next
                                         requests that match ("path": a pattern) wait, are answered with an error without
                                         being passed on, or lose the answer to what was done
  POST /lab/break   {"step"}             the backends' next create, delete, extend, retype or snapshot fails
  POST /lab/stop    {}                   kills Cinder: its port refuses
  POST /lab/start   {}                   starts it again, on the same port, with its databases

With --nova a server has a volume while there is a file <state>/plugged/<server's id>/<volume's id>: see compute.py.
"""

import base64
import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from compute import API_PASTE as NOVA_API_PASTE
from compute import DATABASES
from front import HOST, Front, Record, read_json
from services import CINDER, KEYSTONE, KEYSTONE_INTERNAL, NOVA, PASSWORD, PLACEMENT, REGION, USERS

HERE = os.path.dirname(os.path.abspath(__file__))
PREFIX = "storage-profiles-openstack-"

KEYSTONE_CONF = """[DEFAULT]
log_file = {state}/keystone.log
[database]
connection = sqlite:///{state}/keystone.db
[token]
provider = fernet
[fernet_tokens]
key_repository = {state}/keys
[fernet_receipts]
key_repository = {state}/keys
[credential]
key_repository = {state}/keys
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.memory
[oslo_middleware]
enable_proxy_headers_parsing = true
"""

# resource_query_filters_file: Cinder's own, as every cloud has it; without it only administrators may look for a volume by its name.
# service_down_time: of several services in one process only the last one's heartbeat is written (cinder.service.Service
# keeps service_id on the class), so the others would count as down a minute after the start.
CINDER_CONF = """[DEFAULT]
log_file = {state}/cinder.log
transport_url = fake:/
auth_strategy = keystone
api_paste_config = {state}/api-paste.ini
resource_query_filters_file = {filters}
state_path = {state}
enabled_backends = fast,slow
default_volume_type = __DEFAULT__
osapi_volume_listen = 127.0.0.1
osapi_volume_listen_port = 0
osapi_volume_workers = 1
host = lab
backend_stats_polling_interval = 3
scheduler_driver_init_wait_time = 1
periodic_interval = 5
report_interval = 5
service_down_time = 315360000
[fast]
volume_driver = fake_driver.Driver
volume_backend_name = fast
[slow]
volume_driver = fake_driver.Driver
volume_backend_name = slow
[database]
connection = sqlite:///{state}/cinder.db
[keystone_authtoken]
www_authenticate_uri = {auth_url}
{login}
[oslo_concurrency]
lock_path = {state}/lock
[oslo_middleware]
enable_proxy_headers_parsing = true
[coordination]
backend_url = file://{state}/coordination
"""

# Growth of a volume that is attached, and its move to another backend, Cinder does with Nova.
CINDER_WITH_NOVA = """[nova]
{login}
"""

LOGIN = """auth_url = {internal}
auth_type = password
username = admin
password = {password}
project_name = admin
user_domain_id = default
project_domain_id = default
region_name = {region}
insecure = true"""

NOVA_CONF = """[DEFAULT]
log_file = {state}/compute.log
transport_url = fake:/
state_path = {state}
compute_driver = fake_hypervisor.Driver
host = lab
report_interval = 5
service_down_time = 315360000
heal_instance_info_cache_interval = -1
update_resources_interval = -1
sync_power_state_interval = -1
[database]
connection = sqlite:///{state}/nova.db?timeout=60
[api_database]
connection = sqlite:///{state}/nova_api.db?timeout=60
[cinder]
catalog_info = volumev3:cinder:internalURL
{login}
[placement]
{login}
[neutron]
endpoint_override = {nothing}
{login}
[glance]
endpoint_override = {nothing}
[service_user]
send_service_user_token = true
{login}
[keystone_authtoken]
www_authenticate_uri = {auth_url}
{login}
[oslo_concurrency]
lock_path = {state}/lock
[oslo_middleware]
enable_proxy_headers_parsing = true
[vnc]
enabled = false
"""

PLACEMENT_CONF = """[DEFAULT]
log_file = {state}/compute.log
[placement_database]
connection = sqlite:///{state}/placement.db?timeout=60
[keystone_authtoken]
www_authenticate_uri = {auth_url}
{login}
"""

# Cinder's own, without what it needs no more of than an API: CORS, a health check, the profiler.
API_PASTE = """[composite:osapi_volume]
use = call:cinder.api:root_app_factory
/: apiversions
/v3: openstack_volume_api_v3
[composite:openstack_volume_api_v3]
use = call:cinder.api.middleware.auth:pipeline_factory
keystone = request_id http_proxy_to_wsgi faultwrap sizelimit authtoken keystonecontext apiv3
[pipeline:apiversions]
pipeline = request_id http_proxy_to_wsgi faultwrap osvolumeversionapp
[app:osvolumeversionapp]
paste.app_factory = cinder.api.versions:Versions.factory
[app:apiv3]
paste.app_factory = cinder.api.v3.router:APIRouter.factory
[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory
[filter:faultwrap]
paste.filter_factory = cinder.api.middleware.fault:FaultWrapper.factory
[filter:sizelimit]
paste.filter_factory = oslo_middleware.sizelimit:RequestBodySizeLimiter.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
[filter:keystonecontext]
paste.filter_factory = cinder.api.middleware.auth:CinderKeystoneContext.factory
[filter:request_id]
paste.filter_factory = cinder.api.middleware.request_id:RequestId.factory
"""

# The sockets that Nova's process listens on, besides its own.
NOVAS = ("placement", "nothing")

# Seconds. Slow machines exist, and several labs may start at once on one.
PATIENCE = 180


class Broken(Exception):
    """It can't go on; the message says why."""


def configure(state, auth_url=KEYSTONE, internal=KEYSTONE_INTERNAL, nothing="", has_nova=False):
    values = {"state": state, "auth_url": auth_url, "nothing": nothing}
    values["filters"] = os.path.join(sys.prefix, "etc/cinder/resource_filters.json")
    values["login"] = LOGIN.format(internal=internal, password=PASSWORD, region=REGION)
    for name, text in (
        ("keystone.conf", KEYSTONE_CONF),
        ("cinder.conf", CINDER_CONF + (CINDER_WITH_NOVA if has_nova else "")),
        ("api-paste.ini", API_PASTE),
        ("nova.conf", NOVA_CONF),
        ("placement.conf", PLACEMENT_CONF),
        ("nova-api-paste.ini", NOVA_API_PASTE),
    ):
        with open(os.path.join(state, name), "w") as file:
            file.write(text.format(**values) if name.endswith(".conf") else text)
    for name in ("lock", "coordination", "break"):
        os.makedirs(os.path.join(state, name), exist_ok=True)


class Service:
    """One of the processes of services.py."""

    def __init__(self, what, state, *rest, sockets=()):
        self.what, self.state = what, state
        self.output = os.path.join(state, f"{what}.out")
        own = ("OS_", "PYTHONPATH", "PYTHONHOME")
        env = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        # Its own standard error for what isn't in its log: why it can't start.
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", os.path.join(HERE, "services.py"), what, state, *rest],
                env={**env, "LAB_STATE": state},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=state,
                pass_fds=sockets,
                start_new_session=True,  # a terminal's Ctrl-C is for lab.py, which ends it
            )

    def check(self):
        if self.process.poll() is not None:
            raise Broken(f"{self.what} ended with exit code {self.process.returncode}:\n{self.tail()}")

    def tail(self):
        lines = []
        for name in (f"{self.what.split('-')[0]}.log", os.path.basename(self.output)):
            try:
                with open(os.path.join(self.state, name), errors="replace") as file:
                    lines += file.read().splitlines()[-25:]
            except OSError:
                pass
        return "\n".join(lines)

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            self.process.wait()
            self.check()
        return text.decode().strip()

    def finish(self):
        """Waits until it has done its work."""
        self.process.stdout.read()
        if self.process.wait() != 0:
            self.check()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


# ---- the template ----------------------------------------------------------------------------------------------------

KEPT = ("keystone.db", "cinder.db", "keys", "users.json", "template", *(f"{name}.db" for name in DATABASES))


@contextlib.contextmanager
def alone(cache):
    """No other lab is between the same two points."""
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # which ends with this process, however it ends
        yield


def template(cache):
    """A directory with databases, keys and the users' ids, and whether it was made just now."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("lab.py", "services.py", "compute.py", "requirements.txt"):
        with open(os.path.join(HERE, name), "rb") as file:
            digest.update(file.read())
    directory = os.path.join(cache, f"template-{digest.hexdigest()[:12]}")
    with alone(cache):
        if os.path.exists(directory):
            return directory, False
        for name in os.listdir(cache):
            if name.startswith("making-"):
                shutil.rmtree(os.path.join(cache, name), ignore_errors=True)  # of one that was killed
        making = tempfile.mkdtemp(prefix="making-", dir=cache)
        make_template(making)
        for name in os.listdir(making):
            if name not in KEPT:
                remove(os.path.join(making, name))
        os.rename(making, directory)
        return directory, True


def make_template(state):
    configure(state)
    os.mkdir(os.path.join(state, "keys"), 0o700)
    for name in ("0", "1"):
        with open(os.path.join(state, "keys", name), "wb") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(32)))
        os.chmod(file.name, 0o600)
    with open(os.path.join(state, "template"), "w") as file:
        file.write(state)  # which stands in Nova's database, too
    services = [Service(f"{name}-template", state) for name in ("keystone", "cinder", "compute")]
    try:
        for each in services:
            each.finish()
    finally:
        for each in services:
            each.kill()


def copy(source, state, urls):
    """A state of its own. A service without a URL isn't there."""
    for name in KEPT:
        whole = os.path.join(source, name)
        (shutil.copytree if os.path.isdir(whole) else shutil.copy2)(whole, os.path.join(state, name))
    with sqlite3.connect(os.path.join(state, "keystone.db")) as database:
        for placeholder, url in urls.items():
            if url is None:
                database.execute("DELETE FROM endpoint WHERE url LIKE ?", (f"{placeholder}%",))
            else:
                database.execute("UPDATE endpoint SET url = replace(url, ?, ?)", (placeholder, url))
    database.close()
    with open(os.path.join(state, "template")) as file:
        made = file.read()
    with sqlite3.connect(os.path.join(state, "nova_api.db")) as database:
        change = "UPDATE cell_mappings SET database_connection = replace(database_connection, ?, ?)"
        database.execute(change, (made, state))
    database.close()


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)


def sweep():
    """Removes the states of labs that were killed: what lives holds its lock."""
    for name in os.listdir(tempfile.gettempdir()):
        state = os.path.join(tempfile.gettempdir(), name)
        if not name.startswith(PREFIX):
            continue
        try:
            with open(os.path.join(state, "alive")) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(state, ignore_errors=True)
        except OSError:
            pass


# ---- the lab ---------------------------------------------------------------------------------------------------------


class Lab:
    def __init__(self, cache, tls, has_nova):
        self.lock = threading.RLock()
        self.tokens = {}
        self.record = Record()
        self.keystone = self.cinder = self.compute = None
        self.template, self.made = template(cache)
        with alone(cache):  # until it holds its own lock, another lab would take it for dead
            sweep()
            self.state = tempfile.mkdtemp(prefix=PREFIX)
            self.alive = open(os.path.join(self.state, "alive"), "w")
            fcntl.flock(self.alive, fcntl.LOCK_EX)
        names = ("keystone", "cinder", "nova") if has_nova else ("keystone", "cinder")
        self.fronts = {name: Front(name, self.record, tls) for name in names}
        self.sockets = {name: socket.create_server((HOST, 0), backlog=128) for name in ("keystone", *NOVAS)}
        self.socket = self.sockets["keystone"]

    def start(self):
        urls = {name: front.url for name, front in self.fronts.items()}
        own = {name: f"http://{HOST}:{each.getsockname()[1]}" for name, each in self.sockets.items()}
        copy(
            self.template,
            self.state,
            {
                KEYSTONE: urls["keystone"],
                KEYSTONE_INTERNAL: own["keystone"],
                CINDER: urls["cinder"],
                NOVA: urls.get("nova"),
                PLACEMENT: own["placement"] if "nova" in urls else None,
            },
        )
        configure(self.state, urls["keystone"], own["keystone"], own["nothing"], "nova" in urls)
        with open(os.path.join(self.state, "users.json")) as file:
            self.users = json.load(file)
        # Both at once: Cinder asks Keystone at its first request only.
        self.keystone = self.service("keystone", "keystone")
        if "nova" in urls:
            self.compute = self.service("compute", *NOVAS)
        self.start_cinder()
        self.fronts["keystone"].open(self.socket.getsockname()[1])
        if self.compute is not None:
            self.fronts["nova"].open(int(self.compute.line()))

    def service(self, what, *names):
        files = [self.sockets[name].fileno() for name in names]
        return Service(what, self.state, *map(str, files), sockets=files)

    def start_cinder(self):
        with self.lock:
            if self.cinder is not None:
                return
            self.cinder = Service("cinder", self.state)
            port = int(self.cinder.line())
            self.fronts["cinder"].backend = port
            end = time.monotonic() + PATIENCE
            while not self.knows_backends():
                self.cinder.check()
                self.keystone.check()
                if time.monotonic() > end:
                    raise Broken(f"the scheduler doesn't know both backends after {PATIENCE} s:\n{self.cinder.tail()}")
                time.sleep(0.05)
            self.fronts["cinder"].open(port)

    def stop_cinder(self):
        with self.lock:
            self.fronts["cinder"].close()
            if self.cinder is not None:
                self.cinder.kill()
                self.cinder = None

    def knows_backends(self):
        answer = self.call("cinder", "GET", "/scheduler-stats/get_pools")
        if answer["status"] != 200:
            return False
        return {pool["name"].split("#")[-1] for pool in answer["body"]["pools"]} == {"fast", "slow"}

    def end(self):
        for front in self.fronts.values():
            front.close()
        for each in (self.compute, self.cinder, self.keystone):
            if each is not None:
                each.kill()
        shutil.rmtree(self.state, ignore_errors=True)

    def about(self):
        return {
            "authUrl": f"{self.fronts['keystone'].url}/v3",
            "cinderUrl": f"{self.fronts['cinder'].url}/v3",
            **({"novaUrl": f"{self.fronts['nova'].url}/v2.1"} if self.compute else {}),
            "region": REGION,
            "password": PASSWORD,
            "users": self.users,
            "state": self.state,
            "template": self.template,
            "templateMade": self.made,
            "processes": {
                name: each.process.pid
                for name, each in (("keystone", self.keystone), ("cinder", self.cinder), ("compute", self.compute))
                if each is not None
            },
        }

    # ---- commands ------------------------------------------------------------------------------------------------------

    def do(self, name, given):
        if name == "requests":
            return self.record.seen()
        if name == "clear":
            self.record.clear()
        elif name == "call":
            return self.call(**given)
        elif name == "fail":
            self.record.add_fault(given)
        elif name == "break":
            open(os.path.join(self.state, "break", given["step"]), "w").close()
        elif name == "stop":
            self.stop_cinder()
        elif name == "start":
            self.start_cinder()
        else:
            raise Broken(f"no such command: {name}")
        return None

    def call(self, service, method, path, body=None, user="admin", microversion=None):
        port = self.socket.getsockname()[1] if service == "keystone" else self.fronts[service].backend
        prefix = {"cinder": f"/v3/{self.users[user]['projectId']}", "nova": "/v2.1"}.get(service, "/v3")
        kind = {"cinder": "volume", "nova": "compute"}.get(service)
        for again in (False, True):
            headers = {"X-Auth-Token": self.token(user, again)}
            if microversion:
                headers["OpenStack-API-Version"] = f"{kind} {microversion}"
            status, _headers, answer = ask(port, method, prefix + path, body, headers)
            if status != 401:
                break
        return {"status": status, "body": answer}

    def token(self, user, anew):
        if anew or user not in self.tokens:
            person = {"name": user, "domain": {"id": "default"}, "password": PASSWORD}
            scope = {"project": {"name": USERS[user][0], "domain": {"id": "default"}}}
            auth = {"identity": {"methods": ["password"], "password": {"user": person}}, "scope": scope}
            port = self.socket.getsockname()[1]
            status, headers, answer = ask(port, "POST", "/v3/auth/tokens", {"auth": auth}, {})
            if status != 201:
                raise Broken(f"Keystone lets nobody in: {status} {answer}\n{self.keystone.tail()}")
            self.tokens[user] = headers["X-Subject-Token"]
        return self.tokens[user]


def ask(port, method, path, body, headers):
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, response.headers, read_json(response.read())
    finally:
        connection.close()


class Control(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, value = 200, self.server.lab.do(self.path.removeprefix("/lab/"), json.loads(body or "{}"))
        except Exception:
            status, value = 500, {"broken": traceback.format_exc()}
        content = json.dumps(value).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_args):
        pass


def main(cache, *options):
    has_nova = options[:1] == ("--nova",)
    option, *tls = options[has_nova:] or (None,)
    if option not in (None, "--tls") or len(tls) != (2 if option else 0):
        sys.exit(__doc__)
    ended = threading.Event()
    # Nothing that is under way holds up the end: a process that is waited for is killed by it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())

    def watch():
        # Whoever started it holds the other end; when they are gone, however that came about, so is the lab.
        sys.stdin.buffer.read()
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    failed = []
    labs = []

    def work():
        try:
            labs.append(Lab(cache, tls, has_nova))
            labs[0].start()
            server = ThreadingHTTPServer((HOST, 0), Control)
            server.daemon_threads = True
            server.lab = labs[0]
            threading.Thread(target=server.serve_forever, daemon=True).start()
            about = {**labs[0].about(), "controlUrl": f"http://{HOST}:{server.server_port}"}
            print(json.dumps(about), flush=True)
        except Exception as error:
            failed.append(str(error) if isinstance(error, Broken) else traceback.format_exc())
            ended.set()

    threading.Thread(target=work, daemon=True).start()
    ended.wait()
    if failed:
        print(f"The lab can't start: {failed[0]}", file=sys.stderr, flush=True)
    for lab in labs:
        lab.end()
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
