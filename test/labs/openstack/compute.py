"""Nova and Placement, in a process of their own that lab.py starts with --nova. As services.py, from where it is called:

  compute-template    makes their databases, and ends
  compute             serves Placement on the listening socket FD, what stands for networks and images on the next FD, and Nova
                      (API, conductor, scheduler, one hypervisor) on a port that it prints

What would run servers is Nova's own fake driver: attaching a volume is done with Cinder as ever, and instead of plugging in a
disk a file is written: <state>/plugged/<server>/<volume>. Networks there are none, and no images: a server boots from a volume.
"""

import json
import os
import shutil
import socket
import sqlite3
import threading

from wsgi import serve

HERE = os.path.dirname(os.path.abspath(__file__))
DATABASES = ("nova_api", "nova", "nova_cell0", "placement")

# Nova's own, without what it needs no more of than an API: CORS, the log of requests, the profiler, the old versions.
API_PASTE = """[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: versions
/v2.1: version
/v2.1/+: compute
[composite:compute]
use = call:nova.api.auth:pipeline_factory_v21
keystone = http_proxy_to_wsgi request_id faultwrap sizelimit authtoken keystonecontext app
[pipeline:versions]
pipeline = faultwrap http_proxy_to_wsgi versionsapp
[pipeline:version]
pipeline = request_id faultwrap http_proxy_to_wsgi versionapp
[app:versionsapp]
paste.app_factory = nova.api.openstack.compute.versions:Versions.factory
[app:versionapp]
paste.app_factory = nova.api.openstack.compute.versions:VersionsV2.factory
[app:app]
paste.app_factory = nova.api.openstack.compute:APIRouterV21.factory
[filter:request_id]
paste.filter_factory = nova.api.compute_req_id:ComputeReqIdMiddleware.factory
[filter:faultwrap]
paste.filter_factory = nova.api.openstack:FaultWrapper.factory
[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory
[filter:sizelimit]
paste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory
[filter:keystonecontext]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
"""


def lock_before_writing():
    """
    A transaction that has read, and writes when another one has written meanwhile, is refused by SQLite at once: "database is locked".
    Those that may write wait for each other at their beginning instead, as they do in databases that Nova is made for.
    """
    from oslo_db.sqlalchemy import enginefacade
    from sqlalchemy import Engine, event

    factory = enginefacade._TransactionFactory
    make_session = factory._create_session

    def session(self, mode, bind=None):
        if not self._started:
            self._start()
        if mode is enginefacade._WRITER and bind is None:
            bind = self._writer_engine.execution_options(writes=True)
        return make_session(self, mode, bind)

    factory._create_session = session

    @event.listens_for(Engine, "before_cursor_execute", retval=True)
    def begin(connection, _cursor, statement, parameters, _context, _many):
        writes = statement == "BEGIN" and connection.get_execution_options().get("writes")
        return ("BEGIN IMMEDIATE" if writes else statement), parameters


def nova_config(state):
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    import nova.conf
    import nova.virt
    from nova import config, objects
    from oslo_log import log
    from oslo_service import opts

    nova.virt.__path__.append(HERE)  # the only place where a driver is looked for: fake_hypervisor.py
    config.parse_args(["nova", "--config-file", f"{state}/nova.conf"])
    opts.register_service_opts(nova.conf.CONF)
    log.setup(nova.conf.CONF, "nova")
    objects.register_all()
    return nova.conf.CONF


def placement_config(state):
    from oslo_config import cfg
    from placement import conf, db_api

    config = cfg.ConfigOpts()
    conf.register_opts(config)
    config([], project="placement", default_config_files=[f"{state}/placement.conf"])
    db_api.configure(config)
    return config


def compute_template(state):
    config = placement_config(state)
    from placement import deploy
    from placement.db.sqlalchemy import migration as placement_migration

    placement_migration.upgrade("head")
    deploy.update_database(config)

    nova_config(state)
    from nova import context, objects
    from nova.db import migration
    from oslo_utils import uuidutils

    migration.db_sync(database="api")
    migration.db_sync(database="main")
    shutil.copy(f"{state}/nova.db", f"{state}/nova_cell0.db")
    for uuid, name, database, transport in (
        (objects.CellMapping.CELL0_UUID, "cell0", "nova_cell0", "none:///"),
        (uuidutils.generate_uuid(), "cell1", "nova", "fake:/"),
    ):
        place = f"sqlite:///{state}/{database}.db?timeout=60"
        cell = {"uuid": uuid, "name": name, "transport_url": transport, "database_connection": place}
        objects.CellMapping(context.get_admin_context(), disabled=False, **cell).create()
    for name in DATABASES:  # Nova's threads write at once
        with sqlite3.connect(f"{state}/{name}.db") as database:
            database.execute("PRAGMA journal_mode=WAL")
        database.close()


def compute(state, placement_fd, nothing_fd):
    from placement import deploy as placement_deploy

    lock_before_writing()
    serve(placement_deploy.loadapp(placement_config(state)), socket.socket(fileno=int(placement_fd)))
    serve(nothing, socket.socket(fileno=int(nothing_fd)))

    conf = nova_config(state)
    import os_brick
    import os_vif
    from nova import context, objects, service
    from nova.api.openstack import wsgi_app
    from nova.compute import rpcapi as compute_rpc
    from nova.conductor import rpcapi as conductor_rpc
    from nova.objects import host_mapping
    from nova.scheduler import rpcapi as scheduler_rpc
    from paste import deploy

    os_brick.setup(conf)
    os_vif.initialize()
    objects.Service.enable_min_version_cache()
    topics = {"topic": compute_rpc.RPC_TOPIC, "topic_alt": compute_rpc.RPC_TOPIC_ALT}
    for each in (
        service.Service.create(binary="nova-conductor", topic=conductor_rpc.RPC_TOPIC),
        service.Service.create(binary="nova-scheduler", topic=scheduler_rpc.RPC_TOPIC),
        service.Service.create(binary="nova-compute", **topics),
    ):
        each.start()
    host_mapping.discover_hosts(context.get_admin_context())
    wsgi_app._setup_service(conf.host, "osapi_compute")
    api = socket.create_server(("127.0.0.1", 0), backlog=128)
    serve(deploy.loadapp(f"config:{state}/nova-api-paste.ini", name="osapi_compute"), api)
    print(api.getsockname()[1], flush=True)
    threading.Event().wait()


def nothing(environ, start_response):
    """What Nova asks of networks and images, of which there are none: each list is empty."""
    name = environ["PATH_INFO"].strip("/").split("/")[-1].removesuffix(".json").replace("-", "_")
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({name: []}).encode()]
