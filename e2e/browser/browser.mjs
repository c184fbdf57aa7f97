// One Chromium and the pages that are open in it, each in a context of its own, so that pages share no cookie.
//
// What a page does beside being looked at is noted: requests to any origin but its own, errors, dialogs, violations of
// the content security policy. Nothing outside loopback is ever reached.

import { chromium } from 'playwright-core';

// What the browser of a person calls itself. It is told to all of Chromium: what a page sends while it is left, such as a beacon,
// no longer bears what was told to the page alone.
const PERSON = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const PAGES_MAX = 16;
const NOTES_MAX = 200;

export class Browser {
  #chromium;
  #pages = new Map();

  static async launch(executablePath) {
    const browser = new Browser();
    browser.#chromium = await chromium.launch({
      executablePath,
      headless: true,
      handleSIGTERM: false,
      // Containers have no user namespaces and a small /dev/shm. No name resolves, so nothing can be fetched outside.
      args: [
        '--no-sandbox',
        '--disable-dev-shm-usage',
        '--disable-gpu',
        '--force-color-profile=srgb',
        '--font-render-hinting=none',
        `--user-agent=${PERSON}`,
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
      ],
    });
    return browser;
  }

  async end() {
    await this.#chromium.close();
  }

  version() {
    return this.#chromium.version();
  }

  // The page of this name.
  page(name) {
    const found = this.#pages.get(name);
    if (found === undefined) throw new Error(`no page is named ${name}`);
    return found;
  }

  // A fresh page.
  async open(name, { width = 1600, height = 1000, dark = false, scripts = true, reduced = true, mobile = false, person = false }) {
    await this.close(name);
    if (this.#pages.size >= PAGES_MAX) throw new Error(`${PAGES_MAX} pages are open`);
    const context = await this.#chromium.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      javaScriptEnabled: scripts,
      reducedMotion: reduced ? 'reduce' : 'no-preference',
      hasTouch: mobile,
      deviceScaleFactor: 1,
      locale: 'en-GB',
      timezoneId: 'UTC',
      serviceWorkers: 'block',
    });
    // Else the browser itself says that a program drives it, and scripts that count people pass it over.
    if (person) await context.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { get: () => false }));
    const opened = { context, page: await context.newPage(), notes: new Notes() };
    opened.notes.attend(opened.page);
    this.#pages.set(name, opened);
    return opened;
  }

  async close(name) {
    const found = this.#pages.get(name);
    this.#pages.delete(name);
    await found?.context.close();
  }
}

// What a page did that it may not do.
class Notes {
  origin;
  foreign = [];
  errors = [];
  dialogs = [];
  requests = 0;

  attend(page) {
    page.on('request', (request) => {
      this.requests += 1;
      const url = new URL(request.url());
      if (!['data:', 'about:'].includes(url.protocol) && url.origin !== this.origin) note(this.foreign, url.href);
    });
    page.on('pageerror', (error) => note(this.errors, String(error)));
    page.on('console', (message) => {
      // That a document is missing, refused or nobody answers is what a test asked for.
      const isStatus = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isStatus) note(this.errors, message.text());
    });
    page.on('dialog', (dialog) => {
      note(this.dialogs, dialog.message());
      dialog.dismiss().catch(() => {});
    });
  }
}

function note(list, text) {
  if (list.length < NOTES_MAX) list.push(text.slice(0, 500));
}
