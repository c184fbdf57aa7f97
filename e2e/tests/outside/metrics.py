"""Counts, measures and reports by the OpenTelemetry SDK as one process of a version, told by lines of a file that grows.

Each line is `NAME NUMBER`: `failed` adds to a counter, `took` records to a histogram, `depth` sets a gauge.
"""

import sys
import time

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

url, version, temporality, told = sys.argv[1:]
wanted = AggregationTemporality.DELTA if temporality == "delta" else AggregationTemporality.CUMULATIVE
exporter = OTLPMetricExporter(
    endpoint=url,
    compression=Compression.Gzip,
    timeout=5,
    preferred_temporality={Counter: wanted, Histogram: wanted},
)
reader = PeriodicExportingMetricReader(exporter, export_interval_millis=1000)
resource = Resource.create({"service.name": "shop", "service.version": version})
meter = MeterProvider([reader], resource=resource).get_meter("shop")
failed = meter.create_counter("payments.failed")
took = meter.create_histogram("payment.duration", explicit_bucket_boundaries_advisory=[10, 20, 40, 80])
depth = meter.create_gauge("queue.depth")

depth.set(0)
done = 0
while True:
    with open(told) as file:
        lines = file.read().splitlines()
    for line in lines[done:]:
        name, number = line.split()
        if name == "failed":
            failed.add(int(number), {"kind": "card"})
        elif name == "took":
            took.record(float(number))
        else:
            depth.set(float(number))
    done = len(lines)
    time.sleep(0.1)
