// Chromium at the service of a test: each POST names a job and carries its parameters, and the answer tells facts.
//
// It listens on loopback at PORT, drives the browser at CHROMIUM, and ends with the process group that it was started
// in. It judges nothing: what must hold is asserted by the one who asks. Every job has a deadline.

import { createServer } from 'node:http';

import { accessibility } from './accessibility.mjs';
import { Browser } from './browser.mjs';
import { focus } from './focus.mjs';
import { layout } from './layout.mjs';
import { live } from './live.mjs';
import { paint } from './paint.mjs';
import { pages } from './pages.mjs';

const BODY_MAX = 1 << 20;
const JOBS = { ...pages, ...live, ...layout, ...focus, ...accessibility, ...paint };

const browser = await Browser.launch(process.env.CHROMIUM);

async function body(request) {
  let text = '';
  for await (const part of request) {
    text += part;
    if (text.length > BODY_MAX) throw new Error('the parameters are too long');
  }
  return text === '' ? {} : JSON.parse(text);
}

function within(milliseconds, job, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${job}: not within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const server = createServer(async (request, response) => {
  const job = decodeURIComponent(request.url.slice(1));
  try {
    const parameters = await body(request);
    const perform = Object.hasOwn(JOBS, job) ? JOBS[job] : undefined;
    if (perform === undefined) throw new Error(`no job is named ${job}`);
    const deadline = parameters.deadline_ms ?? 10_000;
    const facts = await within(deadline, job, perform(browser, { ...parameters, deadline_ms: deadline }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(facts ?? {}));
  } catch (error) {
    const text = JSON.stringify({ error: String(error?.message ?? error) });
    response.writeHead(500, { 'content-type': 'application/json' }).end(text);
  }
});
server.requestTimeout = 0;
// Who asks keeps its connection for the next job.
server.keepAliveTimeout = 0;
// Whoever started it asks it to end so. Killed outright, it takes Chromium along: that ends when its pipe closes.
process.on('SIGTERM', () => browser.end().finally(() => process.exit(0)));
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`ready: Chromium ${browser.version()}`));
