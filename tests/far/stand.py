"""A server with faults, for the stories of 77-curl.sh.

    stand.py PORTFILE [CERT KEY [CLIENT-CA]]

Writes its port into PORTFILE.  What a path does stands in `Stand` below.
"""
import http.server
import os
import socket
import ssl
import struct
import sys
import threading
import time

counts = {}
lock = threading.Lock()


def body(n, seed):
    return bytes((i * 7 + i // 251 + seed) % 256 for i in range(n))


def times(what):
    with lock:
        counts[what] = counts.get(what, 0) + 1
        return counts[what]


class Stand(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *words):
        pass

    def say(self, status, text, *heads):
        text = text if isinstance(text, bytes) else text.encode()
        self.send_response(status)
        for name, value in heads:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def reset(self):
        """Not the usual end of a connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack('ii', 1, 0))
        self.cut()

    def cut(self):
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.close()
        self.close_connection = True

    def thing(self, data, etag, cut=None, ranges=True):
        """A file, from where it is asked for; cut: so many bytes come."""
        first = 0
        asked = self.headers.get('Range')
        same = self.headers.get('If-Range')
        if ranges and asked and (same is None or same == etag):
            first = int(asked[len('bytes='):-1])
            if first >= len(data):
                self.say(416, '', ('Content-Range', 'bytes */%d' % len(data)))
                return
        self.send_response(206 if first else 200)
        if first:
            self.send_header('Content-Range', 'bytes %d-%d/%d' %
                             (first, len(data) - 1, len(data)))
        if etag:
            self.send_header('ETag', etag)
        self.send_header('Content-Length', str(len(data) - first))
        self.end_headers()
        data = data[first:]
        self.wfile.write(data if cut is None else data[:cut])
        if cut is not None and cut < len(data):
            self.cut()

    def do_GET(self):
        path = self.path
        if path.startswith('http://'):  # as a proxy
            self.say(200, 'by proxy: ' + path)
        elif path == '/ok':
            self.say(200, 'ok')
        elif path.startswith('/code/'):
            self.say(int(path[6:]), '{"error":"so it is"}')
        elif path == '/redirect':
            self.say(302, 'there', ('Location', '/secret'))
        elif path == '/secret':
            times('secret')
            self.say(200, 'secret')
        elif path.startswith('/times/'):
            self.say(200, str(counts.get(path[7:], 0)))
        elif path.startswith('/size/'):
            self.thing(body(int(path[6:]), 0), '"a"')
        elif path == '/cut':  # each time a little more
            times('cut')
            self.thing(body(100000, 1), '"b"', 30000)
        elif path == '/cut-changes':
            n = times('cut-changes')
            self.thing(body(100000, n), '"v%d"' % n, 30000 if n == 1 else None)
        elif path == '/cut-unnamed':
            n = times('cut-unnamed')
            self.thing(body(100000, 3), None, 30000 if n < 3 else None)
        elif path == '/cut-whole':  # knows no ranges
            n = times('cut-whole')
            self.thing(body(100000, 4), '"w"', 30000 if n < 3 else None, False)
        elif path == '/cut-shrinks':
            n = times('cut-shrinks')
            self.thing(body(100000 if n == 1 else 1000, 5), '"same"',
                       30000 if n == 1 else None)
        elif path == '/other-part':
            n = times('other-part')
            if n == 1:
                self.thing(body(100000, 6), '"o"', 30000)
                return
            self.send_response(206)
            self.send_header('Content-Range', 'bytes 0-99/100000')
            self.send_header('ETag', '"o"')
            self.send_header('Content-Length', '100')
            self.end_headers()
            self.wfile.write(b'x' * 100)
        elif path == '/endless':
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'some bytes, and who knows whether these are all')
            self.close_connection = True
        elif path == '/frozen':
            time.sleep(30)
        elif path == '/half-frozen':
            self.send_response(200)
            self.send_header('Content-Length', '100000')
            self.send_header('ETag', '"f"')
            self.end_headers()
            self.wfile.write(body(5000, 0))
            self.wfile.flush()
            time.sleep(30)
        elif path == '/slow':
            self.send_response(200)
            self.send_header('Content-Length', '40')
            self.end_headers()
            for _ in range(40):
                self.wfile.write(b's')
                self.wfile.flush()
                time.sleep(0.05)
        elif path == '/garbage':
            self.wfile.write(b'\x00\xff\x01 this is no HTTP\r\n\r\n')
            self.close_connection = True
        elif path == '/long':
            self.say(200, b'l' * 1000000)
        elif path == '/long-head':
            self.send_response(200)
            for i in range(90):
                self.send_header('X-%d' % i, 'h' * 60000)
            self.end_headers()
        elif path == '/later':
            if times('later') == 1:
                self.say(503, 'later', ('Retry-After', '1'))
            else:
                self.say(200, 'now')
        elif path == '/token':
            is_ = self.headers.get('Authorization', 'none')
            self.say(200 if is_ == 'Bearer good-one' else 401, is_)
        else:
            self.say(404, 'nothing here')

    def do_POST(self):
        n = int(self.headers.get('Content-Length', '0'))
        if self.path == '/cut-request':
            self.rfile.read(n // 2)
            self.reset()
            return
        data = self.rfile.read(n)
        self.say(200, '%d %d' % (len(data), sum(data)))

    do_PUT = do_POST


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    context = None

    def get_request(self):
        sock, address = super().get_request()
        return sock, address

    def finish_request(self, request, address):
        if self.context is not None:
            request.settimeout(10)
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, address)

    def handle_error(self, request, address):
        pass


server = Server(('127.0.0.1', 0), Stand)
if len(sys.argv) > 3:
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(sys.argv[2], sys.argv[3])
if len(sys.argv) > 4:
    server.context.load_verify_locations(sys.argv[4])
    server.context.verify_mode = ssl.CERT_REQUIRED
with open(sys.argv[1] + '.new', 'w') as f:
    f.write(str(server.server_address[1]))
os.rename(sys.argv[1] + '.new', sys.argv[1])
server.serve_forever()
