// Opens pages and uses them as a person does: by what is written on links, buttons and fields.

// The control that a person means: by role and name, or by a selector.
function control(page, { selector, role, name, exact = true, nth = 0 }) {
  const found = selector === undefined ? page.getByRole(role, { name, exact }) : page.locator(selector);
  return found.nth(nth);
}

async function state(page, answer) {
  const { pathname, search } = new URL(page.url());
  return { status: answer?.status() ?? null, path: pathname + search, title: await page.title() };
}

// Does `act`, which leads to another document, and tells which. What answers a redirect is not yet what it leads to.
async function leading(page, timeout, act) {
  const isLast = (response) => response.request().isNavigationRequest() && (response.status() < 300 || response.status() >= 400);
  const [answer] = await Promise.all([
    page.waitForResponse(isLast, { timeout }),
    page.waitForEvent('framenavigated', { predicate: (frame) => frame === page.mainFrame(), timeout }),
    act(),
  ]);
  await page.waitForLoadState('load', { timeout });
  return state(page, answer);
}

export const pages = {
  async open(browser, { page: name, url, deadline_ms: timeout, ...settings }) {
    const { page, notes } = await browser.open(name, settings);
    page.setDefaultTimeout(timeout);
    notes.origin = new URL(url).origin;
    return state(page, await page.goto(url, { waitUntil: 'load', timeout }));
  },

  async close(browser, { page }) {
    await browser.close(page);
  },

  // Goes to another path of the same origin.
  async visit(browser, { page: name, path, deadline_ms: timeout }) {
    const { page, notes } = browser.page(name);
    return state(page, await page.goto(notes.origin + path, { waitUntil: 'load', timeout }));
  },

  async resize(browser, { page: name, width, height = 1000 }) {
    await browser.page(name).page.setViewportSize({ width, height });
  },

  async colours(browser, { page: name, dark }) {
    await browser.page(name).page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  },

  async click(browser, { page: name, leads = false, deadline_ms: timeout, ...meant }) {
    const { page } = browser.page(name);
    const act = () => control(page, meant).click({ timeout });
    if (leads) return leading(page, timeout, act);
    await act();
  },

  async press(browser, { page: name, key, leads = false, deadline_ms: timeout }) {
    const { page } = browser.page(name);
    const act = () => page.keyboard.press(key);
    if (leads) return leading(page, timeout, act);
    await act();
  },

  async type(browser, { page: name, text }) {
    await browser.page(name).page.keyboard.type(text);
  },

  async fill(browser, { page: name, label, value, deadline_ms: timeout }) {
    await browser.page(name).page.getByLabel(label).first().fill(value, { timeout });
  },

  // What can be read, as a person sees it.
  async read(browser, { page: name, selector = 'body', deadline_ms: timeout }) {
    return { text: await browser.page(name).page.locator(selector).first().innerText({ timeout }) };
  },

  // Every match of a selector: its text, and where it leads.
  async list(browser, { page: name, selector }) {
    const found = await browser.page(name).page.locator(selector).evaluateAll((elements) =>
      elements.slice(0, 2000).map((element) => ({
        text: (element.innerText ?? element.textContent ?? '').trim(),
        href: element.getAttribute('href'),
        label: element.getAttribute('aria-label'),
      })),
    );
    return { found };
  },

  // What was noted beside the page since it was opened.
  async notes(browser, { page: name }) {
    const { foreign, errors, dialogs, requests } = browser.page(name).notes;
    return { foreign, errors, dialogs, requests };
  },

  // A picture of what is seen, or of the whole page.
  async picture(browser, { page: name, file, whole = false, deadline_ms: timeout }) {
    const { page } = browser.page(name);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: file, fullPage: whole, animations: 'disabled', caret: 'hide', timeout });
  },

  // A page of another origin that sends a form to `to`, as a hostile site would.
  async lure(browser, { page: name, from, to, fields, deadline_ms: timeout }) {
    const { page, notes } = browser.page(name);
    const html = `<!doctype html><form id="lure" method="post" action="${to}">${Object.entries(fields)
      .map(([key, value]) => `<input name="${key}" value="${value}">`)
      .join('')}<button>Win</button></form>`;
    await page.route(from, (route) => route.fulfill({ contentType: 'text/html', body: html }));
    const origin = notes.origin;
    notes.origin = new URL(from).origin;
    await page.goto(from, { timeout });
    notes.origin = origin;
    return leading(page, timeout, () => page.getByRole('button', { name: 'Win' }).click());
  },
};
