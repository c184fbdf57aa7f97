// The keyboard's way through a page.

const STEPS_MAX = 600;

// Remembers everything that the keyboard should reach. Of a group of radio buttons one is enough.
function remember() {
  const meant = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]:not([tabindex="-1"])';
  const groups = new Set();
  const isFirst = (element) => {
    if (element.type !== 'radio') return true;
    const isNew = !groups.has(element.name);
    groups.add(element.name);
    return isNew;
  };
  const usable = (element) => !element.disabled && element.checkVisibility({ visibilityProperty: true }) && !element.closest('[inert]');
  window.meantByKeyboard = [...document.querySelectorAll(meant)].filter(usable).filter(isFirst);
  // The next Tab leads to the first control from here.
  document.body.setAttribute('tabindex', '-1');
  document.body.focus();
  document.body.removeAttribute('tabindex');
  window.scrollTo(0, 0);
  return window.meantByKeyboard.length;
}

// Where the focus is, and whether it can be seen.
function focused() {
  const element = document.activeElement;
  if (element === null || element === document.body || element === document.documentElement) return null;
  const style = getComputedStyle(element);
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  const box = element.getBoundingClientRect();
  return {
    index: window.meantByKeyboard.indexOf(element),
    tag: element.tagName.toLowerCase(),
    name: (element.innerText || element.getAttribute('aria-label') || element.getAttribute('name') || '').trim().slice(0, 80),
    href: element.getAttribute('href'),
    outlined: outlined || style.boxShadow !== 'none',
    in_view: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}

export const focus = {
  // Walks through the page by Tab: what is reached in which order, and what is not.
  async walk(browser, { page: name }) {
    const { page } = browser.page(name);
    const meant = await page.evaluate(remember);
    const reached = [];
    for (let step = 0; step < STEPS_MAX; step += 1) {
      await page.keyboard.press('Tab');
      const now = await page.evaluate(focused);
      if (now === null || reached.some((before) => before.index >= 0 && before.index === now.index)) break;
      reached.push(now);
    }
    const seen = reached.map(({ index }) => index);
    const missed = await page.evaluate(
      (seen) =>
        window.meantByKeyboard
          .filter((element, index) => !seen.includes(index) && element.isConnected)
          .map((element) => element.outerHTML.slice(0, 120)),
      seen,
    );
    return { meant, reached, missed };
  },

  // What is focused now.
  async focused(browser, { page: name }) {
    const { page } = browser.page(name);
    await page.evaluate(() => (window.meantByKeyboard ??= []));
    return { focused: await page.evaluate(focused) };
  },

  // Presses Tab until the control of this name has the focus.
  async tab_to(browser, { page: name, control }) {
    const { page } = browser.page(name);
    await page.evaluate(() => (window.meantByKeyboard ??= []));
    for (let step = 1; step <= STEPS_MAX; step += 1) {
      await page.keyboard.press('Tab');
      const now = await page.evaluate(focused);
      const labels = await page.evaluate(() => [...(document.activeElement?.labels ?? [])].map((label) => label.innerText.trim()));
      if (now !== null && (now.name === control || labels.some((label) => label.startsWith(control)))) return { steps: step, focused: now };
    }
    throw new Error(`Tab does not reach ${control}`);
  },
};
