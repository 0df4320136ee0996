"""The sockets of a chip server: they accept clients, and give each of them a thread."""

import logging
import os
import socket
import socketserver
import stat
import time

from . import messages

_LOG = logging.getLogger("ttfs.substrates")
_BACKLOG = 64
_PAUSE = 0.1  # seconds until the next attempt to accept a client, after a failure


class _Handler(socketserver.BaseRequestHandler):
    """A client on a socket, in a thread of its own.

    `spent` is the time that the client has taken for a message that has begun.
    """

    spent = None

    def handle(self):
        try:
            self.server.desk.attend(self.recv, self.send)
        except TimeoutError:
            if self.spent is None:
                _LOG.info("a client was disconnected: it asked nothing for long")
            else:
                _LOG.warning("a client was disconnected: it was too slow")
        except OSError:
            pass  # the client has left, and its request with it

    def recv(self, n):
        """Up to n bytes that the client sends, in the time that it has."""
        limits = self.server.limits
        left = limits.idle_timeout
        if self.spent is not None:
            left = limits.message_timeout - self.spent
            if left <= 0:
                raise TimeoutError("timed out")
        self.request.settimeout(left)
        before = time.monotonic()
        data = self.request.recv(n)
        if self.spent is None:
            self.spent = 0.0
        else:
            self.spent += time.monotonic() - before
        return data

    def send(self, data):
        """Send an answer; the client must take it in time."""
        self.request.settimeout(self.server.limits.message_timeout)
        self.request.sendall(data)
        self.spent = None


class _Sockets(socketserver.ThreadingMixIn):
    """A listening socket and the clients that it has accepted."""

    daemon_threads = True
    request_queue_size = _BACKLOG

    def __init__(self, address, desk, limits):
        self.desk, self.limits = desk, limits
        self.clients = set()
        self.is_accepting = True
        super().__init__(address, _Handler)

    def get_request(self):
        try:
            request = super().get_request()
        except OSError as error:
            # Without a pause the same failure would follow at once, again and again:
            # when file descriptors have run out, the client stays in the queue.
            if self.is_accepting:
                _LOG.warning("clients cannot be accepted at present: %s", error)
                self.is_accepting = False
            time.sleep(_PAUSE)
            raise
        self.is_accepting = True
        return request

    def verify_request(self, request, client_address):
        limit = self.limits.max_clients
        if len(self.clients) < limit:
            return True
        text = f"it serves {limit} clients, and no more at a time"
        _LOG.warning("a client was sent away: the server is busy, %s", text)
        try:
            request.sendall(messages.pack(messages.error(None, "busy", text)))
        except OSError:
            pass  # the client has left
        return False

    def process_request(self, request, client_address):
        self.clients.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.clients.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        _LOG.exception("a client was lost")


class PathSocket(_Sockets, socketserver.UnixStreamServer):
    """A Unix domain socket, which only the user of this process may use."""

    is_bound = False

    def server_bind(self):
        self._remove_stale()
        super().server_bind()
        self.is_bound = True
        # Nobody else may use the chip, and nobody can connect before we listen.
        os.chmod(self.server_address, 0o600)

    def _remove_stale(self):
        """Remove the socket that a server left behind when it was killed."""
        path = self.server_address
        try:
            if not stat.S_ISSOCK(os.stat(path).st_mode):
                return  # the path is no socket: bind() will raise an error
        except FileNotFoundError:
            return
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)

    def server_close(self):
        # The path is removed before the socket is closed: nobody else has bound it yet.
        if self.is_bound:
            self.is_bound = False
            try:
                os.unlink(self.server_address)
            except FileNotFoundError:
                pass
        super().server_close()


class PortSocket(_Sockets, socketserver.TCPServer):
    """A TCP port."""

    allow_reuse_address = True

    def __init__(self, address, desk, limits):
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, desk, limits)

    def get_request(self):
        request, address = super().get_request()
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client whose computer was switched off never says that it leaves.
        request.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return request, address
