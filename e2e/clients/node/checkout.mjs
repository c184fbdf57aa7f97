// A checkout whose tax block is switched by the stock OpenFeature SDK, with no library of Serin.
//
// A request says in its `baggage` which version it needs; that is this request's truth. Everything else runs the last
// known value of the flag, which a timer refreshes. Where nobody answers, the last value stays.

import { createServer } from 'node:http';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';

const { PORT, FLAGS_URL, FLAGS_TOKEN, SERVICE_VERSION, POLL_MS = '1000' } = process.env;

// The block: v6 drops what is less than a cent, v7 rounds.
const TAX = new Map([
  ['v6', (cents) => Math.floor((cents * 19) / 100)],
  ['v7', (cents) => Math.floor((cents * 19 + 50) / 100)],
]);

// Before the first answer: the version that is known to work.
let version = 'v6';

const headers = FLAGS_TOKEN ? [['Authorization', `Bearer ${FLAGS_TOKEN}`]] : [];
// The provider waits without end by itself.
const fetchImplementation = (request) => fetch(request, { signal: AbortSignal.timeout(2000) });
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: FLAGS_URL, headers, fetchImplementation }));
const client = OpenFeature.getClient();
const context = { service: 'shop', version: SERVICE_VERSION };

async function keepFresh() {
  // The default is what a failed evaluation gives, so the last value stays.
  const told = await client.getStringValue('tax', version, context);
  if (TAX.has(told)) version = told;
  setTimeout(keepFresh, Number(POLL_MS));
}

// The version that a W3C `baggage` header names for the block, if it is one of ours.
function versionOfRequest(baggage = '') {
  for (const member of baggage.split(',')) {
    const [name, ...value] = member.split(';')[0].split('=');
    if (name.trim() !== 'serin.block.tax') continue;
    try {
      const named = decodeURIComponent(value.join('=').trim());
      if (TAX.has(named)) return named;
    } catch {
      // What cannot be decoded names no version.
    }
  }
  return undefined;
}

// `GET /checkout?cents=1999` tells the tax, and which version of the block computed it and why.
const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const cents = url.searchParams.get('cents') ?? '0';
  if (url.pathname !== '/checkout' || !/^\d{1,12}$/.test(cents)) {
    response.writeHead(404).end();
    return;
  }
  const named = versionOfRequest(request.headers.baggage);
  const ran = named ?? version;
  const answer = { version: ran, by: named ? 'baggage' : 'flag', tax_cents: TAX.get(ran)(Number(cents)) };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
});

keepFresh();
server.listen(Number(PORT), '127.0.0.1');
