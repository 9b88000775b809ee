"""A relay between a client and an HTTP server that loses things, for the
stories of 78-https.sh.

    lossy.py PORTFILE TARGET-PORT RULES

RULES is a file that may change: lines of "WHAT METHOD PATH-PATTERN TIMES".

    answer   the request arrives, its answer does not
    request  half of the request arrives
    half     half of the answer's body comes
    freeze   nothing is answered for two seconds

What was lost is noted in RULES.lost.
"""
import http.client
import http.server
import os
import re
import socket
import sys
import threading
import time

target = int(sys.argv[2])
rules = sys.argv[3]
lock = threading.Lock()
used = {}


def rule_for(method, path):
    with lock:
        try:
            with open(rules) as f:
                lines = [line.split() for line in f if line.strip()]
        except FileNotFoundError:
            return None
        for what, m, pattern, times in lines:
            key = (what, m, pattern)
            if m == method and re.search(pattern, path) and \
                    used.get(key, 0) < int(times):
                used[key] = used.get(key, 0) + 1
                with open(rules + '.lost', 'a') as f:
                    f.write('%s %s %s\n' % (what, method, path))
                return what
    return None


class Lossy(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *words):
        pass

    def drop(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def relay(self):
        what = rule_for(self.command, self.path)
        n = int(self.headers.get('Content-Length', '0'))
        body = self.rfile.read(n)
        if what == 'request':
            with socket.create_connection(('127.0.0.1', target)) as s:
                head = '%s %s HTTP/1.1\r\n%s\r\n' % (
                    self.command, self.path, str(self.headers).replace(
                        '\r\n', '\n').replace('\n', '\r\n').rstrip() + '\r\n')
                s.sendall(head.encode() + body[:n // 2])
                time.sleep(0.2)
            self.drop()
            return
        if what == 'freeze':
            time.sleep(2)
        up = http.client.HTTPConnection('127.0.0.1', target, timeout=90)
        try:
            heads = {k: v for k, v in self.headers.items()
                     if k.lower() not in ('connection', 'host')}
            up.request(self.command, self.path, body or None, heads)
            answer = up.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException):
            self.drop()
            return
        finally:
            up.close()
        if what in ('answer', 'freeze'):
            self.drop()
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ('connection', 'transfer-encoding',
                                    'content-length'):
                self.send_header(name, value)
        length = answer.getheader('Content-Length')
        if answer.status not in (204, 304):
            self.send_header('Content-Length',
                             length if self.command == 'HEAD' and length
                             else str(len(data)))
        self.end_headers()
        if what == 'half':
            self.wfile.write(data[:len(data) // 2])
            self.wfile.flush()
            self.drop()
            return
        self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = relay


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass


server = Server(('127.0.0.1', 0), Lossy)
with open(sys.argv[1] + '.new', 'w') as f:
    f.write(str(server.server_address[1]))
os.rename(sys.argv[1] + '.new', sys.argv[1])
server.serve_forever()
