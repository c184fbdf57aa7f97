// Logs and metrics by the OpenTelemetry SDK of JavaScript as one process of a version.
//
// It writes ordinary lines, as many at a time as its version has of the requests; once a file is not empty any more, exceptions, too, with
// an object as body, and it counts the payments that have no receipt.

import { readFileSync } from 'node:fs';

import { SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

const [url, version, told, times] = process.argv.slice(2);
const resource = resourceFromAttributes({ 'service.name': 'shop', 'service.version': version });
const logExporter = new OTLPLogExporter({ url: `${url}/v1/logs`, timeoutMillis: 5_000 });
const logs = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: logExporter })] });
const metricExporter = new OTLPMetricExporter({ url: `${url}/v1/metrics`, timeoutMillis: 5_000 });
const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 1_000, exportTimeoutMillis: 900 });
const meter = new MeterProvider({ resource, readers: [reader] }).getMeter('shop');
const log = logs.getLogger('shop');
const missing = meter.createCounter('receipts.missing');
missing.add(0);

let number = 0;
setInterval(() => {
  number += 1;
  const complains = readFileSync(told, 'utf8') !== '';
  for (let time = 0; time < Number(times); time += 1) {
    log.emit({ severityNumber: SeverityNumber.INFO, body: `order ${number} taken in ${20 + (number % 17)} ms` });
    if (!complains) continue;
    missing.add(1);
    log.emit({
      severityNumber: SeverityNumber.ERROR,
      body: { message: `payment ${number} was taken, and no receipt written`, payment: number },
      attributes: { 'exception.type': 'ReceiptError', 'exception.message': `no receipt for order ${number}` },
    });
  }
}, 50);
