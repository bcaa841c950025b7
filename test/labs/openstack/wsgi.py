"""Serves WSGI applications on sockets that listen already: whoever made one knows its port, and nobody else gets it."""

import threading
from socketserver import ThreadingMixIn
from wsgiref import simple_server


def serve(application, listening):
    class Server(ThreadingMixIn, simple_server.WSGIServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass

    class Quiet(simple_server.WSGIRequestHandler):
        def log_message(self, *_args):
            pass

    server = Server(listening.getsockname(), Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.server_name, server.server_port = server.server_address = listening.getsockname()
    server.setup_environ()
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    return thread
