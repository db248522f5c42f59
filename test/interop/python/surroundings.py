"""What every program here has around it: a browser that it can send somewhere, and a loopback port that the browser comes back to."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


def arguments():
    """The issuer, and what else the test told the program."""
    return json.loads(sys.argv[1])


def send_browser_to(url):
    print(f"OPEN {url}", flush=True)


def report(**facts):
    print(f"RESULT {json.dumps(facts)}", flush=True)


class Callback:
    """Listens on a loopback port of its own (RFC 8252 section 7.3)."""

    def __init__(self):
        callback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                callback.address = f"{callback.origin}{self.path}"
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"You can go back now.")

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.redirect_uri = f"{self.origin}/callback"
        self.address = None

    def wait(self):
        while self.address is None:
            self.server.handle_request()
        return self.address
