// Waits for what a page shows by itself.

export const live = {
  // Waits until `text` is seen below `selector`, or, with `gone`, is not seen there any more. `at_ms` is the wall clock.
  async wait(browser, { page: name, selector = 'body', text, gone = false, deadline_ms: timeout }) {
    const { page } = browser.page(name);
    const began = Date.now();
    const found = await page.waitForFunction(
      ([selector, text, gone]) => {
        const said = [...document.querySelectorAll(selector)].map((element) => element.innerText ?? '');
        return said.some((said) => said.includes(text)) !== gone && Date.now();
      },
      [selector, text, gone],
      { polling: 'raf', timeout },
    );
    const at = await found.jsonValue();
    return { at_ms: at, waited_ms: at - began };
  },

  // Lets the page live for a while and tells how often what is below `selector` was changed.
  async changes(browser, { page: name, selector = 'body', for_ms }) {
    const { page } = browser.page(name);
    const changes = await page.evaluate(
      ([selector, for_ms]) =>
        new Promise((resolve) => {
          let changes = 0;
          const observer = new MutationObserver((list) => (changes += list.length));
          const what = { childList: true, subtree: true, characterData: true, attributes: true };
          observer.observe(document.querySelector(selector), what);
          setTimeout(() => {
            observer.disconnect();
            resolve(changes);
          }, for_ms);
        }),
      [selector, for_ms],
    );
    return { changes };
  },
};
