"""A checkout whose tax block is switched by the stock OpenFeature SDK, with no library of Serin.

A request says in its `baggage` which version it needs; that is this request's truth. Everything else runs the last
known value of the flag, which a thread refreshes. Where nobody answers, the last value stays.
"""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

PORT = int(os.environ["PORT"])
FLAGS_URL = os.environ["FLAGS_URL"]
FLAGS_TOKEN = os.environ.get("FLAGS_TOKEN")
SERVICE_VERSION = os.environ["SERVICE_VERSION"]
POLL_SECONDS = int(os.environ.get("POLL_MS", "1000")) / 1000

# The block: v6 drops what is less than a cent, v7 rounds.
TAX = {
    "v6": lambda cents: cents * 19 // 100,
    "v7": lambda cents: (cents * 19 + 50) // 100,
}


class TaxFlag:
    """The last known version of the block."""

    def __init__(self):
        # Before the first answer: the version that is known to work.
        self.version = "v6"
        headers = {"Authorization": f"Bearer {FLAGS_TOKEN}"} if FLAGS_TOKEN else {}
        api.set_provider(OFREPProvider(FLAGS_URL, headers_factory=lambda: headers, timeout=2.0))
        self.client = api.get_client()
        self.context = EvaluationContext(attributes={"service": "shop", "version": SERVICE_VERSION})

    def refresh(self):
        # The default is what a failed evaluation gives, so the last value stays.
        version = self.client.get_string_value("tax", self.version, self.context)
        if version in TAX:
            self.version = version

    def keep_fresh(self):
        while True:
            self.refresh()
            time.sleep(POLL_SECONDS)


def version_of_request(baggage):
    """The version that a W3C `baggage` header names for the block, if it is one of ours."""
    for member in baggage.split(","):
        name, _, value = member.split(";")[0].partition("=")
        if name.strip() == "serin.block.tax" and unquote(value.strip()) in TAX:
            return unquote(value.strip())
    return None


class Checkout(BaseHTTPRequestHandler):
    """`GET /checkout?cents=1999` tells the tax, and which version of the block computed it and why."""

    protocol_version = "HTTP/1.1"
    flag = None

    def do_GET(self):
        url = urlsplit(self.path)
        cents = parse_qs(url.query).get("cents", ["0"])[0]
        if url.path != "/checkout" or not cents.isdecimal() or len(cents) > 12:
            self.send_error(404)
            return
        named = version_of_request(",".join(self.headers.get_all("baggage", [])))
        version = named or self.flag.version
        tax = TAX[version](int(cents))
        answer = {"version": version, "by": "baggage" if named else "flag", "tax_cents": tax}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Checkout.flag = TaxFlag()
    threading.Thread(target=Checkout.flag.keep_fresh, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", PORT), Checkout).serve_forever()
