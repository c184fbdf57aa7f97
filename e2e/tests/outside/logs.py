"""Logs by the OpenTelemetry SDK as one process of a version: ordinary lines, and exceptions once a file says so.

It is told to complain by a file that is not empty any more. It writes as many lines at a time as its version has of the requests.
"""

import logging
import sys
import time

from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

url, version, told, times = sys.argv[1:]
provider = LoggerProvider(resource=Resource.create({"service.name": "shop", "service.version": version}))
exporter = OTLPLogExporter(endpoint=url, compression=Compression.Gzip, timeout=5)
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
set_logger_provider(provider)
log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.addHandler(LoggingHandler(level=logging.INFO, logger_provider=provider))

for number in range(1_000_000):
    for _ in range(int(times)):
        log.info("order %d taken in %d ms", number, 20 + number % 17)
    with open(told) as file:
        complains = file.read() != ""
    for _ in range(int(times) if complains else 0):
        try:
            raise RuntimeError(f"no receipt for order {number}")
        except RuntimeError:
            log.exception("payment %d was taken, and no receipt written", number)
    time.sleep(0.05)
